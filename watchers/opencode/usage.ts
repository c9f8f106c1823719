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
  const id = word(row.id) ?? word(message.id);
  const { created, completed } = fields(message.time);
  book.call({
    key: id ?? `row ${book.row}`,
    atMs: finite(created),
    model: word(message.modelID) ?? 'unknown',
    usage: read,
    usd: Math.max(0, finite(message.cost) ?? 0),
    isInherited: isCopy(id, finite(completed)),
  });
}

/** The time in an id goes round once in this many milliseconds, about two years. */
const idCycleMs = 2 ** 36;

/**
 * A fork gives the messages that it copies new ids and leaves their times as they were. An id holds the time when it was
 * made: before a response was complete for the response itself, afterwards for a copy of it.
 */
function isCopy(id: string | undefined, completedMs: number | undefined): boolean {
  const [, digits] = /^msg_([0-9a-f]{12})/.exec(id ?? '') ?? [];
  if (digits === undefined || completedMs === undefined) return false;
  const idMs = Math.floor(Number.parseInt(digits, 16) / 0x1000);
  const laterMs = (((idMs - completedMs) % idCycleMs) + idCycleMs) % idCycleMs;
  return laterMs > 0 && laterMs < idCycleMs / 2;
}

/** OpenCode's responses, by the id of their message. */
export const opencodeUsage = createUsageReader('opencode', () => ({ row: readRow }));
