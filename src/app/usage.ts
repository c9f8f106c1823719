import { usageReaderOf } from '../../watchers/usage.js';
import type { Settings } from '../config/settings.js';
import { head, headColumns } from '../mirror/index/page-columns.js';
import type { UsedSessions } from '../sessions/used.js';
import { Prices } from '../usage/prices.js';

/** How far what sessions used was counted. */
export interface Counted {
  /** Sessions of which nothing was counted although their harness tells tokens. */
  readonly uncounted: number;
  /** When the newest line that was counted came into the bucket (ISO 8601 UTC). */
  readonly asOf: string | undefined;
}

export function countedIn({ table, unread }: UsedSessions): Counted {
  let uncounted = unread.filter(({ harness }) => usageReaderOf(harness) !== undefined).length;
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const { sinceMs, kept, heads, harnesses } of table.pages) {
    const areTold = harnesses.map((harness) => usageReaderOf(harness) !== undefined);
    for (let row = 0; row < kept.length; row += 1) {
      if (kept[row] !== 1) continue;
      const at = row * headColumns;
      if (!Number.isNaN(heads[at + head.uncounted])) {
        const uploadedMs = sinceMs + (heads[at + head.uploadedAt] ?? Number.NaN);
        if (uploadedMs > newestMs) newestMs = uploadedMs;
      } else if (areTold[heads[at + head.harness] ?? 0] === true) uncounted += 1;
    }
  }
  const asOf = newestMs === Number.NEGATIVE_INFINITY ? undefined : new Date(newestMs).toISOString();
  return { uncounted, asOf };
}

/** List prices, with what the config says instead. */
export async function pricesFor({ prices }: Pick<Settings, 'prices'>): Promise<Prices> {
  const { default: snapshot } = await import('../usage/list-prices.json', {
    with: { type: 'json' },
  });
  return new Prices(snapshot, prices);
}
