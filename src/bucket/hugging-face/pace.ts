import type { Clock } from '../../clock.js';

interface HubPace {
  /** Batches allowed at once after a silence, */
  readonly burst: number;
  /** and then per second. */
  readonly perSecond: number;
}

/**
 * Free Hub accounts get 1,000 API calls per five minutes (https://huggingface.co/docs/hub/rate-limits). This leaves a
 * fifth for reads and for the user's other processes.
 */
const hubPace: HubPace = { burst: 200, perSecond: 2 };

/**
 * Resolves when the next batch may go; one caller at a time. Whatever arrives meanwhile goes up
 * together in the following batch.
 */
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
