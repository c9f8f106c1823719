import { fields, finite, opened, word } from '../../src/conversation/fields.js';
import { tokens, type UsageBook } from '../../src/conversation/usage-book.js';
import { createUsageReader } from '../../src/conversation/usage-reader.js';

/** A message's row in any of its states; deleting a message does not take back what it cost. */
function readRow(value: unknown, book: UsageBook): void {
  const row = fields(value);
  const message = row.data === undefined ? row : fields(opened(row.data));
  if (message.role !== 'assistant' || message.tokens === undefined) return;
  const usage = fields(message.tokens);
  const cache = fields(usage.cache);
  const reasoning = tokens(usage.reasoning);
  const read = {
    input: tokens(usage.input),
    cacheRead: tokens(cache.read),
    write5m: tokens(cache.write),
    output: tokens(usage.output) + reasoning,
    reasoning,
  };
  // While a response is being written, its counters are zero.
  if (Object.values(read).every((count) => count === 0)) return;
  book.call({
    key: word(row.id) ?? word(message.id) ?? `row ${book.row}`,
    atMs: finite(fields(message.time).created),
    model: word(message.modelID) ?? 'unknown',
    usage: read,
    usd: Math.max(0, finite(message.cost) ?? 0),
  });
}

/** OpenCode's responses, by the id of their message. */
export const opencodeUsage = createUsageReader('opencode', () => ({ row: readRow }));
