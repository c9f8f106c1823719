import { readFile, rename, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settle, WriterRig } from '../support/writer-rig.js';
import { type Event, judge, judgeAppendOnly, play } from './mirror-script.js';

/** Mistakes that writers of this kind have made, beside those of pinned-scripts.ts. */

const moments = Array.from({ length: 40 }, (_, step) => step);
const limits = { partBytes: 2_000, parts: 100 };
const lines = (count: number) => Array.from({ length: count }, (_, n) => `{"n":${n}}\n`).join('');

describe('a writer that listed before another one uploaded more', () => {
  it.each(['crash', 'forget'] as const)(
    'recognises newer parts in the bucket, whatever its position (after %s)',
    async (ending) => {
      for (const steps of moments) {
        const events: Event[] = [
          { do: 'append', lines: 3 },
          { do: 'step', writer: 1, steps: 500 },
          { do: ending, writer: 1 },
          { do: 'step', writer: 1, steps },
          { do: 'append', lines: 4 },
          { do: 'step', writer: 0, steps: 500 },
        ];
        const world = await play({ events, writers: 2, listsDigests: false, goesOn: true });
        expect(await judgeAppendOnly(world), `after ${steps} steps`).toBeUndefined();
      }
    },
  );
});

it('a part is recognised by its bytes, never by its size', async () => {
  for (const listsDigests of [true, false]) {
    for (const at of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const events: Event[] = [
        { do: 'append', lines: 4 },
        { do: 'step', writer: 0, steps: 500 },
        { do: 'forget', writer: 0 },
        { do: 'edit', at },
      ];
      const world = await play({ events, writers: 1, listsDigests, goesOn: true });
      expect(await judge(world), `edited at ${at} tenths`).toBeUndefined();
    }
  }
});

it('a source replaced during a comparison is compared again, whenever that happens', async () => {
  for (const steps of moments) {
    const events: Event[] = [
      { do: 'append', lines: 5 },
      { do: 'step', writer: 0, steps: 500 },
      { do: 'truncate', keep: 4 },
      { do: 'step', writer: 0, steps },
      { do: 'rewrite', lines: 6 },
      { do: 'step', writer: 0, steps: 500 },
    ];
    const world = await play({ events, writers: 1, listsDigests: true, goesOn: true });
    expect(await judge(world), `after ${steps} steps`).toBeUndefined();
  }
});

describe('a source that is behind what was uploaded', () => {
  let rig: WriterRig;

  beforeEach(async () => {
    rig = await WriterRig.create();
    await writeFile(rig.path, lines(10));
    await settle(rig.open());
  });

  afterEach(() => rig.remove());

  it('is reported as behind once, and opens no generation', async () => {
    const mirror = rig.open({ state: 'other' });
    await writeFile(rig.path, lines(6));
    expect(await settle(mirror)).toBe('behind');
    rig.requests.length = 0;
    for (let snapshot = 0; snapshot < 5; snapshot += 1) {
      expect((await mirror.upload(limits)).state).toBe('behind');
    }
    expect(rig.requests).toEqual([]);

    await writeFile(rig.path, lines(12));
    await settle(mirror);
    expect((await rig.archived()).toString()).toBe(lines(12));
    expect(await rig.names()).not.toContainEqual(expect.stringMatching(/^gen-/));
  });

  it('and is then replaced is compared again', async () => {
    const mirror = rig.open({ state: 'other' });
    await writeFile(rig.path, lines(6));
    await settle(mirror);
    await writeFile(`${rig.path}.new`, lines(5) + '{"else":1}\n'.repeat(9));
    await rename(`${rig.path}.new`, rig.path);
    await settle(mirror);
    expect(await rig.archived()).toEqual(await readFile(rig.path));
  });
});
