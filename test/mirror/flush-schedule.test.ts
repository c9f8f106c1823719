import { describe, expect, it } from 'vitest';
import {
  defaultFlushTiming,
  FlushSchedule,
  type FlushTiming,
} from '../../src/mirror/watch/flush-schedule.js';

const timing: FlushTiming = {
  firstDelayMs: 250,
  calmAfterMs: 1_250,
  firstSaved: 40,
  mostSaved: 120,
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

/** From the first line that waits to its upload, for each upload while a line comes regularly. */
function delaysOf(
  schedule: FlushSchedule,
  { everyMs, count }: { readonly everyMs: number; readonly count: number },
): number[] {
  const found: number[] = [];
  let firstMs: number | undefined;
  for (let line = 1; line <= count; line += 1) {
    const now = line * everyMs;
    const due = schedule.dueAtMs;
    if (firstMs !== undefined && due !== undefined && due <= now) {
      found.push(due - firstMs);
      schedule.flushing(due);
      firstMs = undefined;
    }
    firstMs ??= now;
    schedule.noticed(now, 1);
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

  it.each([2_000, 3_000, 7_000, 20_000])(
    'sends each line of a calm session at once, one every %i ms',
    (everyMs) => {
      const delays = delaysOf(new FlushSchedule(timing), { everyMs, count: 60 });
      expect(new Set(delays)).toEqual(new Set([250]));
    },
  );

  it('falls back to the longest interval once nothing is saved up, and recovers', () => {
    const schedule = new FlushSchedule({ ...timing, firstSaved: 3 });
    const delays = delaysOf(schedule, { everyMs: 2_000, count: 60 });
    expect(delays.slice(0, 4)).toEqual([250, 250, 250, 250]);
    expect(Math.max(...delays)).toBeLessThanOrEqual(5_000);
    schedule.flushing(500_000);
    schedule.noticed(1_000_000, 1);
    expect(schedule.dueAtMs).toBe(1_000_250);
  });

  it('saves up for calm phases while nothing is written, up to a limit', () => {
    const schedule = new FlushSchedule({ ...timing, firstSaved: 0, mostSaved: 10 });
    schedule.flushing(0);
    schedule.noticed(2_000, 1);
    expect(schedule.dueAtMs).toBe(5_000);
    schedule.flushing(5_000);
    const lines = Array.from({ length: 15 }, (_, n) => 10_000_000 + n * 1_500);
    const delays = lines.map((now) => {
      schedule.noticed(now, 1);
      const due = schedule.dueAtMs ?? Number.NaN;
      schedule.flushing(due);
      return due - now;
    });
    expect(delays.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 250));
    expect(Math.max(...delays)).toBeGreaterThan(250);
  });

  it.each([100, 1_000, 1_300, 2_000, 3_000, 4_500])(
    'costs an hour of a line every %i ms at most 40 requests more than one without a pause',
    (everyMs) => {
      const delays = delaysOf(new FlushSchedule(timing), { everyMs, count: 3_600_000 / everyMs });
      expect(delays.length).toBeLessThanOrEqual(3_600 / 5 + 40);
    },
  );

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
