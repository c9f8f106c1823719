import { appendFile, mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { systemClock } from '../../src/clock.js';
import { nodeIo } from '../../src/io.js';
import type { FileEvents } from '../../src/mirror/watch/file-events.js';
import { defaultFlushTiming } from '../../src/mirror/watch/flush-schedule.js';
import { copilotWatcher } from '../../watchers/copilot/watcher.js';
import { MirrorRig, type Run } from '../support/mirror-rig.js';

const twoHours = 7_200_000;
const sweepsPerTurn = 18;
const turnsOfResting = 8;
const atOnce = {
  ...defaultFlushTiming,
  firstDelayMs: 5,
  firstIntervalMs: 10,
  longestIntervalMs: 10,
};
const line = `${JSON.stringify({ type: 'user.message', data: { content: 'x' } })}\n`;

/** Events as they are while nothing happens; `onSweep` is called by every sweep. */
function silence(onSweep: () => void = () => undefined): FileEvents {
  return { listen: async () => onSweep(), close: async () => undefined };
}

/** It said what it mirrors, and its loop has begun. */
async function begun({ started }: Run): Promise<void> {
  await started;
  await new Promise((resolve) => setImmediate(resolve));
}

describe('a sweep over calm sessions', () => {
  let rig: MirrorRig;
  let run: Run | undefined;
  let root: string;

  beforeEach(async () => {
    rig = await MirrorRig.create();
    root = join(rig.tree.home, '.copilot', 'session-state');
  });

  afterEach(async () => {
    await run?.end();
    run = undefined;
    await rig.remove();
  });

  function idOf(n: number): string {
    return `6e0d0000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  }

  async function calm(path: string): Promise<void> {
    const at = new Date(Date.now() - twoHours);
    await utimes(path, at, at);
  }

  async function session(n: number): Promise<string> {
    const path = join(root, idOf(n), 'events.jsonl');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, line);
    for (const one of [path, dirname(path), root]) await calm(one);
    return path;
  }

  function watch(events: FileEvents, stat = nodeIo.stat, bucket: Bucket = rig.bucket): Run {
    const io = { ...nodeIo, stat };
    const settings = { io, clock: systemClock, env: {}, home: rig.tree.home };
    const watchers = [copilotWatcher(settings)];
    return rig.watch({ events, sweepMs: 5, timing: atOnce, watchers, bucket });
  }

  /** How often the disk is asked about such paths in a turn. */
  async function askedInATurn(counts: (path: string) => boolean, turns = 1): Promise<number> {
    let asked = 0;
    const askedBefore: number[] = [];
    let isEnough: () => void = () => undefined;
    const enough = new Promise<void>((resolve) => {
      isEnough = resolve;
    });
    const end = (1 + turns) * sweepsPerTurn;
    const events = silence(() => {
      askedBefore.push(asked);
      if (askedBefore.length > end + sweepsPerTurn) isEnough();
    });
    run = watch(events, (path) => {
      asked += Number(counts(path));
      return nodeIo.stat(path);
    });
    await enough;
    const [from = 0, to = 0] = [askedBefore[sweepsPerTurn], askedBefore[end]];
    return to - from;
  }

  it('asks about each folder and file once in eighteen', async () => {
    const sessions = 30;
    for (let n = 0; n < sessions; n += 1) await session(n);
    await rig.once().ended;
    const asked = await askedInATurn((path) => path.startsWith(root) && path !== root);
    // Two of each session: its folder and its file.
    expect(asked).toBe(2 * sessions);
  });

  it('asks about files untouched for a day once in eight turns, in each turn about some', async () => {
    const sessions = 16;
    for (let n = 0; n < sessions; n += 1) {
      const at = new Date(Date.now() - 25 * 3_600_000 - n * 1_000);
      await utimes(await session(n), at, at);
    }
    await rig.once().ended;
    const isFile = (path: string): boolean => path.endsWith('events.jsonl');
    expect(await askedInATurn(isFile)).toBe(sessions / turnsOfResting);
    await run?.end();
    expect(await askedInATurn(isFile, turnsOfResting)).toBe(sessions);
  });

  it('asks about a file that is not calm once in each', async () => {
    const path = await session(1);
    const at = new Date(Date.now() - 60_000);
    await utimes(path, at, at);
    await rig.once().ended;
    expect(await askedInATurn((one) => one === path)).toBe(sweepsPerTurn);
  });

  it('finds what was appended to one, and a new one beside it, though nothing was heard of either', async () => {
    const path = await session(1);
    await rig.once().ended;
    run = watch(silence());
    await run.started;
    await appendFile(path, line);
    await calm(path);
    await session(2);
    await rig.untilLevel(30_000);
    expect([...new Set(run.parts)].sort()).toEqual([`${idOf(1)}/`, `${idOf(2)}/`]);
    expect([run.generations, run.troubles]).toEqual([[], []]);
  });

  it('sends what changed while nobody watched, even if the watch is ended as soon as it is ready', async () => {
    const path = await session(1);
    await session(2);
    await rig.once().ended;
    await appendFile(path, line);
    run = watch(silence());
    await begun(run);
    const { behind } = await run.end();
    expect([behind, run.parts]).toEqual([[], [`${idOf(1)}/`]]);
    expect([...(await rig.verdicts()).values()].map(({ state }) => state)).toEqual(['ok', 'ok']);
  });

  it('has nothing to write about one that the bucket still holds', async () => {
    await session(1);
    await rig.once().ended;
    const read: string[] = [];
    let listed = 0;
    const bucket: Bucket = {
      ...rig.bucket,
      get: (key, ...more) => {
        read.push(key);
        return rig.bucket.get(key, ...more);
      },
      list: (prefix, ...more) => {
        listed += Number(prefix.includes(idOf(1)));
        return rig.bucket.list(prefix, ...more);
      },
    };
    run = watch(silence(), nodeIo.stat, bucket);
    await vi.waitFor(() => expect(listed).toBe(1), 10_000);
    await run.end();
    expect(read.filter((key) => key.endsWith('meta.json'))).toEqual([]);
    expect(listed).toBe(1);
  });

  it('names the unterminated line of a session that nothing happened to', async () => {
    const path = await session(1);
    await appendFile(path, '{"torn');
    await calm(path);
    await rig.once().ended;
    run = watch(silence());
    await begun(run);
    const { rests, behind } = await run.end();
    expect([rests, behind]).toEqual([[{ source: path, bytes: 6 }], []]);
  });
});
