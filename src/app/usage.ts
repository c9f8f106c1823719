import { harnessNames } from '../../watchers/names.js';
import { usageReaderOf } from '../../watchers/usage.js';
import type { Bucket, Key } from '../bucket/bucket.js';
import type { Settings } from '../config/settings.js';
import { head, headColumns } from '../mirror/index/page-columns.js';
import { bucketLayout } from '../protocol/keys.js';
import { listUsed, type UsedSessions } from '../sessions/used.js';
import { Periods } from '../usage/periods.js';
import { Prices } from '../usage/prices.js';
import { type Report, type ReportRequest, usageReport } from '../usage/report.js';

export interface UsageRequest extends Pick<ReportRequest, 'by' | 'sinceMs' | 'untilMs'> {
  /** Default: that of this machine. */
  readonly timeZone: string | undefined;
}

export interface UsageRead {
  readonly report: Report;
  readonly prices: Prices;
  readonly timeZone: string;
  /** When the index was written, or the newest line that was counted came (ISO 8601 UTC). */
  readonly asOf: string | undefined;
  readonly sessions: number;
  /** Sessions of which nothing was counted although their harness tells tokens. */
  readonly uncounted: number;
  /** Pages of the index that cannot be read, so that their sessions were read one by one. */
  readonly unreadPages: readonly Key[];
}

/** What all sessions of the bucket used; `UsageError` for what is no time zone. */
export async function readUsage(
  bucket: Bucket,
  settings: Settings,
  { timeZone, ...request }: UsageRequest,
): Promise<UsageRead> {
  let made: Periods | undefined;
  const periodsThere = (): Periods => {
    made ??= new Periods(timeZone);
    return made;
  };
  // To load what Node knows of time zones takes as long as the store takes to answer.
  const meanwhile = (): void => void periodsThere();
  const layout = bucketLayout(settings.project);
  const [listed, prices] = await Promise.all([
    listUsed(bucket, layout, harnessNames, meanwhile),
    pricesFor(settings),
  ]);
  const periods = periodsThere();
  const { uncounted, asOf } = countedIn(listed);
  return {
    report: usageReport(listed.table, { ...request, periods, prices }),
    prices,
    timeZone: periods.zone,
    asOf: listed.asOf?.toISOString() ?? asOf,
    sessions: listed.count,
    uncounted,
    unreadPages: listed.unreadPages,
  };
}

/** How far what sessions used was counted. */
interface Counted {
  /** Sessions of which nothing was counted although their harness tells tokens. */
  readonly uncounted: number;
  /** When the newest line that was counted came into the bucket (ISO 8601 UTC). */
  readonly asOf: string | undefined;
}

function countedIn({ table, unread }: UsedSessions): Counted {
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
async function pricesFor({ prices }: Pick<Settings, 'prices'>): Promise<Prices> {
  const { default: snapshot } = await import('../usage/list-prices.json', {
    with: { type: 'json' },
  });
  return new Prices(snapshot, prices);
}
