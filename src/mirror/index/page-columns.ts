import { usageCounters } from '../../protocol/usage.js';

/** Places of a row's numbers. Times are milliseconds after the beginning of the page. */
export const head = {
  ...{ harness: 0, agent: 1, host: 2, folder: 3, startedAt: 4, uploadedAt: 5 },
  /** Lines; unknown if nothing of the session was counted. */
  uncounted: 6,
  /** USD; 0 if not told. */
  reported: 7,
  isUncertain: 8,
} as const;
export const headColumns = 9;

/** Places of a slot's numbers: quarters of an hour after the beginning of the page, the model, the counters, the print. */
export const slot = { quarter: 0, model: 1, counters: 2, print: 2 + usageCounters.length } as const;
export const slotColumns = slot.print + 1;

/** Three hundred years, so that every time is one. */
export const farthestMs = 300 * 366 * 86_400_000;
