import { utimes } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { type Clock, systemClock } from '../../src/clock.js';
import { UnreachableError } from '../../src/errors.js';
import { defaultFlushTiming } from '../../src/mirror/watch/flush-schedule.js';
import { everything } from '../../src/mirror/watch/selection.js';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';

const cwd = '/home/alex/work';
const dayMs = 24 * 3_600_000;
const yearMs = 365 * dayMs;
const timing = { ...defaultFlushTiming, settleMs: 20, firstIntervalMs: 50, longestIntervalMs: 100 };
const selection = { ...everything, sinceMs: 7 * dayMs };

/** The system's time, which a test may set, as a user or NTP does; or let leap, as it does over a suspended night. */
class LeapingClock implements Clock {
  #setMs = 0;
  #leaptMs = 0;
  #wake = new AbortController();

  now(): number {
    return systemClock.now() + this.#setMs + this.#leaptMs;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#leaptMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const signals = [this.#wake.signal, ...(signal === undefined ? [] : [signal])];
    await systemClock.sleep(ms, AbortSignal.any(signals));
  }

  /** The wall clock alone. */
  set(byMs: number): this {
    this.#setMs += byMs;
    return this;
  }

  /** Both, and every timer that this makes overdue ends. */
  leap(byMs: number): void {
    this.#leaptMs += byMs;
    this.#wake.abort();
    this.#wake = new AbortController();
  }
}

let rig: MirrorRig;
let clock: LeapingClock;

beforeEach(async () => {
  rig = await MirrorRig.create();
  clock = new LeapingClock();
});

afterEach(() => rig.remove());

/** Written by a harness on this machine, so its time is that of the clock as it is set. */
async function write(id: string, count: number): Promise<void> {
  const context = { sessionId: id, cwd };
  const rows = Array.from({ length: count }, (_, n) => lineOf(userRow(`row ${n}`, context)));
  const { path } = await rig.tree.session(cwd, id).append(...rows);
  await utimes(path, clock.now() / 1_000, clock.now() / 1_000);
}

type Jump = readonly [string, (clock: LeapingClock) => unknown];
const jumps: readonly Jump[] = [
  ['a year ahead', (one) => one.set(yearMs)],
  ['a year back', (one) => one.set(-yearMs)],
  ['to before 1970', (one) => one.set(-80 * yearMs)],
  [
    'to and fro',
    (one) =>
      one
        .set(yearMs)
        .set(-3 * yearMs)
        .set(yearMs),
  ],
  ['over a night of eight hours', (one) => one.leap(8 * 3_600_000)],
];

it.each(jumps)('a clock that jumps %s changes nothing', async (_, jump) => {
  const [running, late] = [sessionUuid(), sessionUuid()];
  await write(running, 3);
  const run = rig.watch({ clock, timing, selection, sweepMs: 200 });
  await rig.untilShipped(run, 3);
  jump(clock);
  await write(running, 4);
  await write(late, 2);
  await rig.untilShipped(run, 9);
  jump(clock);
  await write(running, 1);
  await rig.untilShipped(run, 10);
  expect(await run.end()).toEqual({ behind: [], rests: [] });
  expect([run.generations, run.troubles]).toEqual([[], []]);
  const verdicts = await rig.verdicts();
  expect(verdicts.get(`${running}/`)).toMatchObject({ state: 'ok', shippedLines: 8 });
  expect(verdicts.get(`${late}/`)).toMatchObject({ state: 'ok', shippedLines: 2 });
  const again = rig.once({ clock, selection });
  await again.ended;
  expect(again.parts).toEqual([]);
});

it('a session from the future is mirrored, since the clock may have been set back', async () => {
  const id = sessionUuid();
  clock.set(yearMs);
  await write(id, 2);
  clock.set(-yearMs);
  expect(await rig.once({ clock, selection }).ended).toEqual({ behind: [], rests: [] });
  expect((await rig.verdicts()).get(`${id}/`)?.state).toBe('ok');
});

it('a store that was down overnight is retried in the morning, and everything arrives', async () => {
  const id = sessionUuid();
  await write(id, 2);
  let isGone = false;
  let asked = 0;
  const bucket: Bucket = {
    ...rig.bucket,
    putIfAbsent: async (...args) => {
      asked += 1;
      if (isGone) throw new UnreachableError('simulated: no route');
      return rig.bucket.putIfAbsent(...args);
    },
  };
  const run = rig.watch({ bucket, clock, timing, sweepMs: 200 });
  await rig.untilShipped(run, 2);
  isGone = true;
  await write(id, 2);
  await expect.poll(() => run.troubles.length, { timeout: 5_000 }).toBe(1);
  // By now the waits have grown to a minute: nothing but the leap ends them within this test.
  for (let failures = 0; failures < 12; failures += 1) {
    const before = asked;
    clock.leap(120_000);
    await expect.poll(() => asked, { timeout: 5_000 }).toBeGreaterThan(before);
  }
  isGone = false;
  clock.leap(8 * 3_600_000);
  await rig.untilShipped(run, 4);
  expect(await run.end()).toEqual({ behind: [], rests: [] });
  expect((await rig.verdicts()).get(`${id}/`)).toMatchObject({ state: 'ok', generation: 0 });
});
