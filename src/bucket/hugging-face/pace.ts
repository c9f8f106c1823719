import type { Clock } from '../../clock.js';

export interface HubPace {
  /** So many go at once after a silence, */
  readonly burst: number;
  /** and then so many a second. */
  readonly perSecond: number;
}

/**
 * The Hub's free accounts have 1,000 calls of its API in five minutes (https://huggingface.co/docs/hub/rate-limits), of which
 * this leaves a fifth to reads, and to the other processes of the same user.
 */
export const hubPace: HubPace = { burst: 200, perSecond: 2 };

/** Ends when the next batch may go; for one caller at a time. What comes while it waits goes up together in the one after. */
export function openHubPace(
  clock: Clock,
  { burst, perSecond }: HubPace = hubPace,
): () => Promise<void> {
  let left = burst;
  let countedAtMs = clock.monotonic();
  const count = (): void => {
    const now = clock.monotonic();
    left = Math.min(burst, left + ((now - countedAtMs) / 1_000) * perSecond);
    countedAtMs = now;
  };
  return async () => {
    count();
    if (left < 1) {
      await clock.sleep(Math.ceil(((1 - left) / perSecond) * 1_000));
      count();
    }
    left -= 1;
  };
}
