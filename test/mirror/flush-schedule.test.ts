import { describe, expect, it } from 'vitest';
import {
  defaultFlushTiming,
  FlushSchedule,
  type FlushTiming,
} from '../../src/mirror/watch/flush-schedule.js';

const timing: FlushTiming = {
  firstDelayMs: 250,
  firstIntervalMs: 2_000,
  longestIntervalMs: 5_000,
  eagerBytes: 1_000,
};

/** Writing never stops: something new is noticed right after each flush. Milliseconds from flush to flush. */
function intervals(schedule: FlushSchedule, count: number, startMs: number): number[] {
  const found: number[] = [];
  let now = startMs;
  for (let flush = 0; flush < count; flush += 1) {
    schedule.flushing(now);
    schedule.noticed(now, 1);
    const due = schedule.dueAtMs ?? Number.NaN;
    found.push(due - now);
    now = due;
  }
  return found;
}

describe('the flush schedule of a stream', () => {
  it('has nothing due if nothing is new', () => {
    const schedule = new FlushSchedule(timing);
    expect(schedule.dueAtMs).toBeUndefined();
    schedule.noticed(10, 1);
    schedule.flushing(260);
    expect(schedule.dueAtMs).toBeUndefined();
  });

  it('waits briefly after a pause, counted from the first unseen byte', () => {
    const schedule = new FlushSchedule(timing);
    schedule.noticed(1_000, 1);
    schedule.noticed(1_200, 50);
    expect(schedule.dueAtMs).toBe(1_250);
  });

  it('sends less and less often while writing continues, up to the longest interval', () => {
    const schedule = new FlushSchedule(timing);
    schedule.noticed(0, 1);
    expect(intervals(schedule, 6, 250)).toEqual([2_000, 3_000, 4_500, 5_000, 5_000, 5_000]);
  });

  it('starts over after a pause', () => {
    const schedule = new FlushSchedule(timing);
    schedule.noticed(0, 1);
    intervals(schedule, 6, 250);
    schedule.flushing(100_000);
    schedule.noticed(200_000, 1);
    expect(schedule.dueAtMs).toBe(200_250);
    expect(intervals(schedule, 2, 200_250)).toEqual([2_000, 3_000]);
  });

  it('is never slower than configured', () => {
    const schedule = new FlushSchedule({ ...timing, longestIntervalMs: 500 });
    schedule.noticed(0, 1);
    expect(intervals(schedule, 3, 250)).toEqual([500, 500, 500]);
  });

  it('sends large amounts at once, without waiting', () => {
    const schedule = new FlushSchedule(timing);
    schedule.flushing(1_000);
    schedule.noticed(1_100, 999);
    expect(schedule.dueAtMs).toBe(3_000);
    schedule.noticed(1_200, 1_000);
    expect(schedule.dueAtMs).toBe(1_100);
    schedule.flushing(1_200);
    schedule.noticed(1_300, 1);
    expect(schedule.dueAtMs).toBeGreaterThan(3_000);
  });

  it('retries when told to', () => {
    const schedule = new FlushSchedule(timing);
    schedule.noticed(0, 5_000);
    schedule.flushing(0);
    schedule.again(30_000);
    expect(schedule.dueAtMs).toBe(30_000);
    schedule.noticed(10, 5_000);
    expect(schedule.dueAtMs).toBe(30_000);
  });

  it('continues at once if a flush left something, however recent', () => {
    const schedule = new FlushSchedule(timing);
    schedule.noticed(0, 5_000);
    schedule.flushing(1_000);
    schedule.again(1_100);
    expect(schedule.dueAtMs).toBe(1_100);
    schedule.flushing(1_100);
    expect(schedule.dueAtMs).toBeUndefined();
  });

  it('matches the manual', () => {
    expect(defaultFlushTiming).toEqual({ ...timing, eagerBytes: 256 * 1024 });
  });
});
