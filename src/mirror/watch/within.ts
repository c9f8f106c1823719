import type { Clock } from '../../clock.js';

/** Waits for `work`, but no longer than until `deadline` (monotonic milliseconds). */
export async function within(
  clock: Clock,
  deadline: number,
  work: Promise<unknown>,
): Promise<void> {
  const enough = new AbortController();
  const left = Math.max(0, deadline - clock.monotonic());
  await Promise.race([work, clock.sleep(left, enough.signal)]);
  enough.abort();
}
