import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { systemClock } from '../../src/clock.js';
import { UnreachableError } from '../../src/errors.js';
import { sessionUuid, type Transcript, userRow } from '../support/claude-tree.js';
import { hastyClock } from '../support/hasty-clock.js';
import { MirrorRig } from '../support/mirror-rig.js';

const isFull = process.env.TRACECRAFT_SOAK === 'full';
const times = isFull ? 1 : 30;
const clock = hastyClock(times);
const cwd = '/home/alex/work';

let rig: MirrorRig;
let id: string;
let transcript: Transcript;

beforeEach(async () => {
  rig = await MirrorRig.create();
  id = sessionUuid();
  transcript = await rig.tree.session(cwd, id).append(...rows(0, 3));
});

afterEach(() => rig.remove());

const rows = (from: number, to: number, said = 'row') =>
  Array.from({ length: to - from }, (_, n) =>
    userRow(`${said} ${from + n}`, { sessionId: id, cwd }),
  );

async function states(): Promise<readonly string[]> {
  return [...(await rig.verdicts()).values()].map(({ state }) => state);
}

describe('the network', () => {
  it('may be down for a minute while sessions grow: retries are spaced, one warning, everything arrives, memory stays flat', async () => {
    let isGone = false;
    let asked = 0;
    const request = (): void => {
      if (!isGone) return;
      asked += 1;
      throw new UnreachableError('scripted: no network');
    };
    const { bucket: real } = rig;
    const bucket: Bucket = {
      ...real,
      get: async (key, options) => {
        request();
        return real.get(key, options);
      },
      putIfAbsent: async (key, body, options) => {
        request();
        return real.putIfAbsent(key, body, options);
      },
      put: async (key, body, options) => {
        request();
        return real.put(key, body, options);
      },
      putIfMatch: async (key, body, etag, options) => {
        request();
        return real.putIfMatch(key, body, etag, options);
      },
    };
    const run = rig.watch({ bucket, clock });
    await rig.untilShipped(run, 3);
    isGone = true;
    const before = process.memoryUsage().rss;
    const untilMs = clock.monotonic() + 60_000;
    let count = 3;
    while (clock.monotonic() < untilMs) {
      await transcript.append(...rows(count, count + 20, 'x'.repeat(500)));
      count += 20;
      await systemClock.sleep(20);
    }
    const grownBytes = process.memoryUsage().rss - before;
    isGone = false;
    await rig.untilShipped(run, count);
    await run.end();
    // Four streams' worth of requests may be under way at each try; backoff doubles from half a second.
    expect(asked).toBeLessThan(60);
    expect(asked).toBeGreaterThan(1);
    expect(run.troubles).toHaveLength(1);
    expect(grownBytes).toBeLessThan(100 << 20);
    expect(run.generations).toEqual([]);
    expect(await states()).toEqual(['ok']);
  }, 180_000);
});

describe('a session that begins while the store is away', () => {
  it('is sent when it is back, though nothing is added to it', async () => {
    let isGone = false;
    const bucket: Bucket = {
      ...rig.bucket,
      list: (prefix, options) => {
        if (isGone) throw new UnreachableError('scripted: no network');
        return rig.bucket.list(prefix, options);
      },
    };
    // No session is known, so nothing has asked what the bucket holds.
    await rm(transcript.path);
    const run = rig.watch({ bucket, clock, sweepMs: 500 });
    await run.started;
    isGone = true;
    const later = sessionUuid();
    await rig.tree
      .session(cwd, later)
      .append(userRow('begun and ended meanwhile', { sessionId: later, cwd }));
    while (run.troubles.length === 0) await systemClock.sleep(10);
    isGone = false;
    await rig.untilLevel(20_000);
    expect(await states()).toEqual(['ok']);
    expect((await run.end()).behind).toEqual([]);
  }, 60_000);
});

describe('two watchers', () => {
  it.each(['state of their own', 'the same state'])(
    'on one machine, despite the lock, with %s: one chain, no duplicate line',
    async (kept) => {
      const second = kept === 'the same state' ? {} : { stateFolder: `${rig.stateFolder}-2` };
      const runs = [
        rig.watch({ clock, sweepMs: 500 }),
        rig.watch({ clock, sweepMs: 700, ...second }),
      ];
      await Promise.all(runs.map(({ started }) => started));
      for (let round = 0; round < 40; round += 1) {
        await transcript.append(...rows(3 + round * 2, 5 + round * 2));
        await systemClock.sleep(10);
      }
      await rig.untilLevel(20_000);
      for (const run of runs) expect((await run.end()).behind).toEqual([]);
      expect(runs.flatMap(({ generations }) => generations)).toEqual([]);
      const verdicts = [...(await rig.verdicts()).values()];
      expect(verdicts).toEqual([
        expect.objectContaining({ state: 'ok', generation: 0, shippedLines: 83 }),
      ]);
    },
  );

  it('on two machines, with one session id and different content: both histories are exact', async () => {
    const other = await MirrorRig.create(rig.bucket);
    const theirs = await other.tree.session(cwd, id).append(...rows(0, 3));
    const runs = [rig.watch({ clock, sweepMs: 500 }), other.watch({ clock, sweepMs: 500 })];
    await rig.untilLevel(20_000);
    await transcript.append(...rows(3, 6, 'here'));
    await theirs.append(...rows(3, 6, 'there'));
    await expect
      .poll(() => runs.flatMap(({ generations }) => generations), { timeout: 20_000 })
      .toHaveLength(1);
    await transcript.append(...rows(6, 9, 'here'));
    await theirs.append(...rows(6, 9, 'there'));
    for (const run of runs) await run.end();
    for (const one of [rig, other]) {
      await one.once({ clock }).ended;
      const [verdict] = [...(await one.verdicts()).values()];
      expect(verdict).toMatchObject({ state: 'ok' });
    }
    const keys = await rig.keys(rig.layout.session('claude-code', id));
    // The one that they began with, and one for each that started again and found the other's in front of it.
    const isOurs = runs[0]?.generations.length === 1;
    expect(keys.filter((key) => key.includes('/gen-'))).toHaveLength(isOurs ? 2 : 3);
    await other.remove();
  });
});
