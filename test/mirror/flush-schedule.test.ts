import { describe, expect, it } from 'vitest';
import { defaultPacing, Pace, type Pacing } from '../../src/mirror/watch/flush-schedule.js';

const pacing: Pacing = {
  settleMs: 250,
  firstIntervalMs: 2_000,
  longestIntervalMs: 5_000,
  eagerBytes: 1_000,
};

/** Writing never stops: something new is noticed right after each flush. Milliseconds from flush to flush. */
function intervals(pace: Pace, count: number, startMs: number): number[] {
  const found: number[] = [];
  let now = startMs;
  for (let flush = 0; flush < count; flush += 1) {
    pace.flushing(now);
    pace.noticed(now, 1);
    const due = pace.dueAtMs ?? Number.NaN;
    found.push(due - now);
    now = due;
  }
  return found;
}

describe('the pace of a stream', () => {
  it('has nothing due while nothing is new', () => {
    const pace = new Pace(pacing);
    expect(pace.dueAtMs).toBeUndefined();
    pace.noticed(10, 1);
    pace.flushing(260);
    expect(pace.dueAtMs).toBeUndefined();
  });

  it('waits a moment after a silence, counted from the first unseen byte', () => {
    const pace = new Pace(pacing);
    pace.noticed(1_000, 1);
    pace.noticed(1_200, 50);
    expect(pace.dueAtMs).toBe(1_250);
  });

  it('sends less and less often while writing goes on, up to the longest interval', () => {
    const pace = new Pace(pacing);
    pace.noticed(0, 1);
    expect(intervals(pace, 6, 250)).toEqual([2_000, 3_000, 4_500, 5_000, 5_000, 5_000]);
  });

  it('begins anew after a silence', () => {
    const pace = new Pace(pacing);
    pace.noticed(0, 1);
    intervals(pace, 6, 250);
    pace.flushing(100_000);
    pace.noticed(200_000, 1);
    expect(pace.dueAtMs).toBe(200_250);
    expect(intervals(pace, 2, 200_250)).toEqual([2_000, 3_000]);
  });

  it('is never slower than it is told to be', () => {
    const pace = new Pace({ ...pacing, longestIntervalMs: 500 });
    pace.noticed(0, 1);
    expect(intervals(pace, 3, 250)).toEqual([500, 500, 500]);
  });

  it('sends much at once, without waiting', () => {
    const pace = new Pace(pacing);
    pace.flushing(1_000);
    pace.noticed(1_100, 999);
    expect(pace.dueAtMs).toBe(3_000);
    pace.noticed(1_200, 1_000);
    expect(pace.dueAtMs).toBe(1_100);
    pace.flushing(1_200);
    pace.noticed(1_300, 1);
    expect(pace.dueAtMs).toBeGreaterThan(3_000);
  });

  it('tries again when told to', () => {
    const pace = new Pace(pacing);
    pace.noticed(0, 5_000);
    pace.flushing(0);
    pace.again(30_000);
    expect(pace.dueAtMs).toBe(30_000);
    pace.noticed(10, 5_000);
    expect(pace.dueAtMs).toBe(30_000);
  });

  it('goes on at once when a flush left some, however short the time since it began', () => {
    const pace = new Pace(pacing);
    pace.noticed(0, 5_000);
    pace.flushing(1_000);
    pace.again(1_100);
    expect(pace.dueAtMs).toBe(1_100);
    pace.flushing(1_100);
    expect(pace.dueAtMs).toBeUndefined();
  });

  it('is the one that the manual names', () => {
    expect(defaultPacing).toEqual({ ...pacing, eagerBytes: 256 * 1024 });
  });
});
