import { fields, isoMs, word } from '../../src/conversation/fields.js';
import { tokens, type UsageBook } from '../../src/conversation/usage-book.js';
import { createUsageReader } from '../../src/conversation/usage-reader.js';

/** Releases before 1.0.102 record no call; their totals at shutdown do not say what they cover, so they are left out. */
function readRow(value: unknown, book: UsageBook, session: string): void {
  const row = fields(value);
  if (row.type !== 'session.usage_record') return;
  const usage = fields(fields(row.data).usage);
  const accounting = fields(usage.accounting);
  const [cacheRead, write5m] = [tokens(usage.cacheReadTokens), tokens(usage.cacheWriteTokens)];
  const source = word(accounting.sourceSessionId);
  book.call({
    key: word(accounting.usageId) ?? word(usage.apiCallId) ?? word(row.id) ?? `row ${book.row}`,
    atMs: isoMs(row.timestamp),
    model: word(usage.model) ?? 'unknown',
    usage: {
      input: Math.max(0, tokens(usage.inputTokens) - cacheRead - write5m),
      cacheRead,
      write5m,
      output: tokens(usage.outputTokens),
    },
    isInherited: source !== undefined && source !== session,
  });
}

/** Copilot's calls, one record each; a fork begins with those of the session that it was forked from. */
export const copilotUsage = createUsageReader('copilot', ({ session }) => ({
  row: (value, book) => readRow(value, book, session),
}));
