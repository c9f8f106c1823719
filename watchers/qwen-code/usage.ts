import { fields, isoMs, word } from '../../src/conversation/fields.js';
import { tokens, type UsageBook } from '../../src/conversation/usage-book.js';
import { createUsageReader } from '../../src/conversation/usage-reader.js';

function readRow(value: unknown, book: UsageBook): void {
  const row = fields(value);
  if (row.type !== 'assistant' || row.usageMetadata === undefined) return;
  const usage = fields(row.usageMetadata);
  const [prompt, cacheRead] = [
    tokens(usage.promptTokenCount),
    tokens(usage.cachedContentTokenCount),
  ];
  const [answer, reasoning] = [
    tokens(usage.candidatesTokenCount),
    tokens(usage.thoughtsTokenCount),
  ];
  const total = tokens(usage.totalTokenCount);
  book.call({
    key: word(row.uuid) ?? `row ${book.row}`,
    atMs: isoMs(row.timestamp),
    model: word(row.model) ?? 'unknown',
    usage: {
      input: Math.max(0, prompt - cacheRead),
      cacheRead,
      // Some providers count thoughts as part of the answer, others beside it; the total tells.
      output: total > prompt ? Math.max(answer, total - prompt) : answer + reasoning,
      reasoning,
    },
    isInherited: word(fields(row.forkedFrom).sessionId) !== undefined,
  });
}

/** Qwen Code's responses: one row each. */
export const qwenCodeUsage = createUsageReader('qwen-code', () => ({ row: readRow }));
