import { usageReaderOf } from '../../watchers/usage.js';
import type { Settings } from '../config/settings.js';
import type { UsedFields } from '../mirror/index/used-lines.js';
import type { IndexedSession } from '../sessions/indexed.js';
import { Prices } from '../usage/prices.js';
import { type SessionUsage, sessionUsage } from '../usage/session-usage.js';

/** What the metas of sessions say about tokens. */
export interface CountedSessions {
  readonly counted: readonly SessionUsage[];
  /** Sessions of which nothing was counted although their harness tells tokens. */
  readonly uncounted: readonly IndexedSession<UsedFields>[];
  /** When the newest line that was counted came into the bucket (ISO 8601 UTC). */
  readonly asOf: string | undefined;
}

export function countedSessions(sessions: readonly IndexedSession<UsedFields>[]): CountedSessions {
  const counted: SessionUsage[] = [];
  const uncounted: IndexedSession<UsedFields>[] = [];
  let asOf: string | undefined;
  for (const session of sessions) {
    const { meta, harness } = session;
    const usage = meta === undefined ? undefined : sessionUsage(meta);
    if (usage !== undefined) counted.push(usage);
    else if (usageReaderOf(harness) !== undefined) uncounted.push(session);
    const uploadedAt = meta?.last_uploaded_at ?? '';
    if (usage !== undefined && uploadedAt > (asOf ?? '')) asOf = uploadedAt;
  }
  return { counted, uncounted, asOf };
}

/** List prices, with what the config says instead. */
export async function pricesFor({ prices }: Pick<Settings, 'prices'>): Promise<Prices> {
  const { default: snapshot } = await import('../usage/list-prices.json', {
    with: { type: 'json' },
  });
  return new Prices(snapshot, prices);
}
