import { describe, expect, it } from 'vitest';
import { emptyCheckpoint, type ShippedPart } from '../../src/mirror/checkpoint.js';
import {
  forgetSession,
  type StreamState,
  streamStateFile,
  streamStatePath,
} from '../../src/mirror/state/stream-state.js';
import { MemoryDisk } from '../support/memory-disk.js';

const path = '/state/claude-code/s1/main';
const files = [`${path}.json`, `${path}.parts`];

function part(sequence: number): ShippedPart {
  return {
    sequence,
    generation: 0,
    startLine: sequence * 3,
    endLine: sequence * 3 + 3,
    sourceBytes: 4_000 + sequence,
    uploadedBytes: 3_900 + sequence,
    fingerprint: String(sequence).repeat(32).slice(0, 32),
    redactions: sequence % 2 === 0 ? {} : { jwt: sequence },
    uploadedAtMs: 1_767_225_600_000.25 + sequence,
  };
}

const shipped = Array.from({ length: 50 }, (_, n) => part(n));

function state(count: number): StreamState {
  const parts = shipped.slice(0, count);
  const line = count * 3;
  return {
    checkpoint: {
      ...emptyCheckpoint,
      sequence: count,
      parts,
      position: { line, at: { offset: line * 40, tail: 'ü' } },
    },
    facts: { cwd: '/home/alex/shop', named: 'Größe' },
    outline: {
      told: {
        rows: line,
        title: 'Größe',
        prompts: 1,
        turns: 1,
        turnStarts: [0],
        isSubagent: false,
      },
      state: { v: 1, kept: [null, 'ü'] },
    },
    snapshot: { token: `1:${count}`, size: line * 40, modifiedAtMs: 1_767_225_600_000.5 },
  };
}

function cacheOn(disk: MemoryDisk, troubles: unknown[] = []) {
  return streamStateFile(disk.io(), path, (error) => troubles.push(error));
}

/** A disk on which each of these was saved, one after the other, as one process does it. */
async function saved(...states: readonly StreamState[]): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const stateFile = cacheOn(disk);
  for (const one of states) await stateFile.save(one);
  return disk;
}

function contentOf(disk: MemoryDisk, file: string): Buffer {
  return Buffer.from(disk.read(file) ?? '');
}

const states = [state(1), state(2), state(5)];
const last = state(5);

describe('local state', () => {
  it('may be missing at first', async () => {
    const troubles: unknown[] = [];
    expect(await cacheOn(new MemoryDisk(), troubles).load()).toBeUndefined();
    expect(troubles).toEqual([]);
  });

  it.each([0, 1, 2, 50])('is loaded as it was saved, with %i parts', async (count) => {
    const one = state(count);
    expect(await cacheOn(await saved(one)).load()).toEqual(one);
  });

  it('is loaded without a snapshot', async () => {
    const one = { ...state(1), snapshot: undefined };
    expect(await cacheOn(await saved(one)).load()).toEqual(one);
  });

  it('is loaded after growing, shrinking and growing again', async () => {
    expect(await cacheOn(await saved(state(1), state(4), state(2), state(3))).load()).toEqual(
      state(3),
    );
  });

  it('is loaded if the last parts were replaced by as many, or by more', async () => {
    const replaced: ShippedPart = { ...part(2), sequence: 9, generation: 1, fingerprint: 'other' };
    const more: ShippedPart = { ...part(3), sequence: 10, generation: 1 };
    for (const parts of [
      [...shipped.slice(0, 2), replaced],
      [...shipped.slice(0, 2), replaced, more],
    ]) {
      const line = parts.at(-1)?.endLine ?? 0;
      const checkpoint = {
        ...emptyCheckpoint,
        generation: 1,
        sequence: 11,
        parts,
        position: { line, at: 7 },
      };
      const rewritten = { ...state(3), checkpoint };
      expect(await cacheOn(await saved(state(3), rewritten)).load()).toEqual(rewritten);
    }
  });

  it('is appended to while it grows, and otherwise written whole', async () => {
    const disk = new MemoryDisk();
    const steps: string[] = [];
    const gate = async (step: string): Promise<void> => {
      steps.push(step);
    };
    const stateFile = streamStateFile(disk.io(gate), path, () => undefined);
    for (const count of [1, 2, 2, 1]) await stateFile.save(state(count));
    const [checkpoint, parts, more] = ['replaceFile', 'replaceFile', 'appendFile'];
    expect(steps).toEqual([parts, checkpoint, more, checkpoint, checkpoint, parts, checkpoint]);
  });

  it('never says that the source is behind: the bucket is asked again', async () => {
    const one = state(2);
    const disk = await saved({ ...one, checkpoint: { ...one.checkpoint, ahead: true } });
    expect(await cacheOn(disk).load()).toEqual(one);
  });

  it.each(files)(
    'truncated anywhere, counts as absent or as an earlier state: %s',
    async (file) => {
      const disk = await saved(...states);
      const whole = contentOf(disk, file);
      let survivors = 0;
      for (let length = 0; length < whole.length; length += 1) {
        disk.overwrite(file, whole.subarray(0, length));
        survivors += Number(await isAbsentOrSaved(disk));
      }
      expect(survivors).toBeLessThan(5);
    },
  );

  it.each(files)(
    'with any one bit flipped, counts as absent or as an earlier state: %s',
    async (file) => {
      const disk = await saved(...states);
      const whole = contentOf(disk, file);
      let survivors = 0;
      for (let bit = 0; bit < whole.length * 8; bit += 1) {
        const damaged = Buffer.from(whole);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        disk.overwrite(file, damaged);
        survivors += Number(await isAbsentOrSaved(disk));
      }
      expect(survivors).toBeLessThan(10);
    },
  );

  it('interrupted between its two files, is the previous state', async () => {
    const disk = await saved(state(2));
    const checkpoint = contentOf(disk, `${path}.json`);
    await cacheOn(disk).save(state(4));
    disk.overwrite(`${path}.json`, checkpoint);
    expect(await cacheOn(disk).load()).toEqual(state(2));
  });

  it('interrupted while appending, is the previous state, and continues', async () => {
    const disk = await saved(state(2));
    const parts = contentOf(disk, `${path}.parts`);
    disk.append(`${path}.parts`, parts.subarray(0, 30));
    expect(await cacheOn(disk).load()).toEqual(state(2));
    await cacheOn(disk).save(state(3));
    expect(await cacheOn(disk).load()).toEqual(state(3));
  });

  it('with the parts of another stream, counts as absent', async () => {
    const disk = await saved(state(4));
    const other = contentOf(await saved(state(2)), `${path}.parts`);
    disk.overwrite(`${path}.parts`, other);
    expect(await cacheOn(disk).load()).toBeUndefined();
  });

  it('that cannot be written is reported and not needed, and written whole once possible', async () => {
    const disk = new MemoryDisk();
    let isFull = false;
    const full = new Error('ENOSPC: no space left on device');
    const gate = async (step: string): Promise<void> => {
      if (isFull && step !== 'readFile') throw full;
    };
    const troubles: unknown[] = [];
    const stateFile = streamStateFile(disk.io(gate), path, (error) => troubles.push(error));
    await stateFile.save(state(1));
    isFull = true;
    await stateFile.save(state(2));
    expect(troubles).toEqual([full]);
    expect(await cacheOn(disk).load()).toEqual(state(1));
    isFull = false;
    await stateFile.save(state(3));
    expect(await cacheOn(disk).load()).toEqual(state(3));
  });

  it('that cannot be read is reported and counts as absent', async () => {
    const denied = new Error('EACCES: permission denied');
    const disk = await saved(state(1));
    const troubles: unknown[] = [];
    const stateFile = streamStateFile(
      disk.io(() => Promise.reject(denied)),
      path,
      (error) => troubles.push(error),
    );
    expect(await stateFile.load()).toBeUndefined();
    expect(troubles).toEqual([denied]);
  });

  /** `false`: absent. Anything but that and the last state, or an earlier one, fails. */
  async function isAbsentOrSaved(disk: MemoryDisk): Promise<boolean> {
    const found = await cacheOn(disk).load();
    if (found === undefined) return false;
    const allowed =
      states.find(({ checkpoint }) => checkpoint.sequence === found.checkpoint.sequence) ?? last;
    expect(found).toEqual(allowed);
    return true;
  }
});

describe('the location of local state', () => {
  it('stays inside its folder, whatever the ids', () => {
    for (const id of ['../../etc', '/', '..', 'a\0b']) {
      expect(streamStatePath('/state', 'codex', id, '')).toMatch(/^\/state\/codex\/[^/]+\/main$/);
      expect(streamStatePath('/state', 'codex', id, 'copies/1')).toMatch(
        /^\/state\/codex\/[^/]+\/streams\/copies\/1$/,
      );
    }
  });

  it('separates streams from the main one', () => {
    expect(streamStatePath('/state', 'codex', 's', 'main')).not.toBe(
      streamStatePath('/state', 'codex', 's', ''),
    );
  });

  it('can be forgotten one session at a time', async () => {
    const disk = new MemoryDisk();
    for (const file of ['s1/main.json', 's1/streams/copies/1.json', 's2/main.json']) {
      disk.replace(`/state/codex/${file}`, Buffer.from('x'));
    }
    await forgetSession(disk.io(), '/state', 'codex', 's1');
    expect([...disk.snapshot('/state').keys()]).toEqual(['/state/codex/s2/main.json']);
  });
});
