import { fields, isoMs, word } from '../../src/conversation/fields.js';
import { tokens, type UsageBook } from '../../src/conversation/usage-book.js';
import { createUsageReader } from '../../src/conversation/usage-reader.js';

/**
 * A message is appended again under its id when its tokens become known. `$set` only repeats what was told; what a
 * restore records again, under new ids, has no tokens.
 */
function readRow(value: unknown, book: UsageBook): void {
  const row = fields(value);
  if (row.type !== 'gemini' || typeof row.tokens !== 'object' || row.tokens === null) return;
  const usage = fields(row.tokens);
  const [prompt, cacheRead, tool] = [tokens(usage.input), tokens(usage.cached), tokens(usage.tool)];
  const [answer, reasoning] = [tokens(usage.output), tokens(usage.thoughts)];
  const rest = tokens(usage.total) - prompt - tool;
  book.call({
    key: word(row.id) ?? `row ${book.row}`,
    atMs: isoMs(row.timestamp),
    model: word(row.model) ?? 'unknown',
    usage: {
      input: Math.max(0, prompt - cacheRead) + tool,
      cacheRead,
      output: rest > 0 ? Math.max(answer, rest) : answer + reasoning,
      reasoning,
    },
  });
}

/** Gemini CLI's responses, by the id of their message. */
export const geminiCliUsage = createUsageReader('gemini-cli', () => ({ row: readRow }));
