import { type Fields, fields, finite, list, word } from '../../src/conversation/fields.js';
import { tokens, type UsageBook } from '../../src/conversation/usage-book.js';
import { createUsageReader } from '../../src/conversation/usage-reader.js';
import { mapUsage, noUsage, type Usage } from '../../src/protocol/usage.js';
import { usageTable } from './usage-table.js';

/**
 * Hermes has no time for a call, only counters that grow: by model and task, and of the session, which may hold more
 * than those of its models together.
 */
function readRow(value: unknown, book: UsageBook): void {
  const row = fields(value);
  if (row.table !== usageTable) return;
  const models = list(row.models).map(fields);
  let told: Usage = noUsage;
  let newest: number | undefined;
  for (const one of models) {
    const usage = usageIn(one);
    const before = told;
    told = mapUsage((counter) => before[counter] + usage[counter]);
    const model = word(one.model) ?? 'unknown';
    const seenAt = secondsMs(one.last_seen);
    if (seenAt !== undefined) newest = Math.max(newest ?? seenAt, seenAt);
    const meter = [model, ...[one.billing_provider, one.billing_mode, one.task].map(word)];
    const usd = costIn(one);
    book.reading(JSON.stringify(meter), { atMs: seenAt, model, usage, usd });
  }
  const session = fields(row.session);
  const whole = usageIn(session);
  const all = told;
  const beyond = mapUsage((counter) => Math.max(0, whole[counter] - all[counter]));
  if (Object.values(beyond).every((count) => count === 0)) return;
  const atMs = newest ?? secondsMs(session.started_at);
  book.reading('session', { atMs, model: word(session.model) ?? 'unknown', usage: beyond });
}

function usageIn(row: Fields): Usage {
  return {
    ...noUsage,
    calls: tokens(row.api_call_count),
    input: tokens(row.input_tokens),
    cacheRead: tokens(row.cache_read_tokens),
    write5m: tokens(row.cache_write_tokens),
    output: tokens(row.output_tokens),
    reasoning: tokens(row.reasoning_tokens),
  };
}

function costIn(row: Fields): number {
  const actual = finite(row.actual_cost_usd) ?? 0;
  return Math.max(0, actual > 0 ? actual : (finite(row.estimated_cost_usd) ?? 0));
}

function secondsMs(value: unknown): number | undefined {
  const seconds = finite(value);
  return seconds === undefined || seconds <= 0 ? undefined : Math.round(seconds * 1_000);
}

/** Hermes' counters, from the state row that records them when a turn ends. */
export const hermesUsage = createUsageReader('hermes', () => ({ row: readRow }));
