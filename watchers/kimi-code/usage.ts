import { fields, finite, word } from '../../src/conversation/fields.js';
import { tokens, type UsageBook } from '../../src/conversation/usage-book.js';
import { createUsageReader, type UsageRules } from '../../src/conversation/usage-reader.js';

/** A fork is a copy of the whole transcript, followed by a row that says so. */
class KimiCodeUsage implements UsageRules {
  ownFrom: number;

  constructor(saved: unknown) {
    this.ownFrom = finite(saved) ?? 0;
  }

  state(): unknown {
    return this.ownFrom;
  }

  row(value: unknown, book: UsageBook): void {
    const row = fields(value);
    if (row.type === 'forked') this.ownFrom = book.row;
    if (row.type !== 'usage.record') return;
    const usage = fields(row.usage);
    const read = {
      input: tokens(usage.inputOther),
      cacheRead: tokens(usage.inputCacheRead),
      write5m: tokens(usage.inputCacheCreation),
      output: tokens(usage.output),
    };
    const atMs = finite(row.time);
    const place = `${word(row.agentId) ?? ''} ${atMs ?? book.row}`;
    book.call({
      key: `${place} ${Object.values(read).join('/')}`,
      atMs,
      model: word(row.model) ?? 'unknown',
      usage: read,
    });
  }
}

/** Kimi Code's calls, which have no id: told apart by their time and size. */
export const kimiCodeUsage = createUsageReader(
  'kimi-code',
  (_place, saved) => new KimiCodeUsage(saved),
);
