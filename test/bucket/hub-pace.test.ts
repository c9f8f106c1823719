import { describe, expect, it } from 'vitest';
import { coalesce } from '../../src/bucket/batcher.js';
import { openHubPace } from '../../src/bucket/hugging-face/pace.js';
import { EagerClock } from '../support/eager-clock.js';
import { ManualClock } from '../support/manual-clock.js';

/** Calls of the API: https://huggingface.co/docs/hub/rate-limits */
const limit = 1_000;
const windowMs = 300_000;

function mostWithinOneWindow(times: readonly number[]): number {
  return Math.max(
    ...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length),
  );
}

describe('batches to the Hub', () => {
  it('stay below its rate limit however many are requested, at a steady pace', async () => {
    const clock = new EagerClock();
    const next = openHubPace(clock);
    const times: number[] = [];
    for (let batch = 0; batch < 1_500; batch += 1) {
      await next();
      times.push(clock.monotonic());
    }
    expect(mostWithinOneWindow(times)).toBeLessThanOrEqual(0.8 * limit);
    expect(times.slice(0, 200).every((at) => at === 0)).toBe(true);
    const pauses = times.slice(200).map((at, index) => at - (times[index + 199] ?? 0));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(500);
  });

  it('may be sent at once again after a pause', async () => {
    const clock = new EagerClock();
    const next = openHubPace(clock, { burst: 3, perSecond: 1 });
    for (let batch = 0; batch < 3; batch += 1) await next();
    await clock.sleep(3_000);
    const before = clock.monotonic();
    for (let batch = 0; batch < 3; batch += 1) await next();
    expect(clock.monotonic()).toBe(before);
    await next();
    expect(clock.monotonic()).toBe(before + 1_000);
  });

  it('of sixteen sessions that each write every five seconds, out of step, stay below the limit', async () => {
    const clock = new ManualClock();
    const next = openHubPace(clock);
    const sent: number[] = [];
    let written = 0;
    const put = coalesce<string, void>({
      clock,
      lingerMs: 10,
      lanes: 1,
      maxItems: 100,
      maxWeight: 100,
      weightOf: () => 1,
      keyOf: (key) => key,
      send: async (keys) => {
        await next();
        sent.push(clock.monotonic());
        written += keys.length;
        return new Map(keys.map((key) => [key, { ok: true, value: undefined }]));
      },
    });
    // The worst case: no two are ever due together, and each part brings its session's document.
    const puts: Promise<void>[] = [];
    const stepMs = 26;
    const writeEverySteps = 6;
    for (let step = 0; clock.monotonic() < 2 * windowMs; step += 1) {
      if (step % writeEverySteps === 0) puts.push(put(`object-${step}`));
      clock.advance(stepMs);
      await new Promise(setImmediate);
    }
    // Half a second is the longest pause, and takes all that came meanwhile.
    for (let step = 0; written < puts.length && step < 100; step += 1) {
      clock.advance(stepMs);
      await new Promise(setImmediate);
    }
    await Promise.all(puts);
    expect(puts.length).toBeGreaterThan(2 * limit);
    expect(written).toBe(puts.length);
    expect(mostWithinOneWindow(sent)).toBeLessThanOrEqual(0.8 * limit);
  });
});
