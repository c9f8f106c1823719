import { type Fields, fields, finite, isoMs, word } from '../src/conversation/fields.js';
import type { Place } from '../src/conversation/place.js';
import { tokens, type UsageBook } from '../src/conversation/usage-book.js';
import type { UsageRules } from '../src/conversation/usage-reader.js';

/** Text that was delivered to a chat, in a row of its own. */
const deliveryMirror = 'delivery-mirror';

/**
 * Assistant messages with their `usage`, as pi writes them and what is built on it. A fork begins with copies that keep
 * their ids and times: its parent has them too, or, where the parent's rows are not at hand, they are older than the
 * fork's header.
 */
export class EventUsage implements UsageRules {
  readonly #keyOf: (row: Fields) => string | undefined;
  readonly #parentRowIds: ReadonlySet<string> | undefined;
  #forkedAtMs: number | undefined;

  constructor(keyOf: (row: Fields) => string | undefined, { parentRowIds }: Place, saved: unknown) {
    this.#keyOf = keyOf;
    this.#parentRowIds = parentRowIds;
    this.#forkedAtMs = finite(saved);
  }

  state(): unknown {
    return this.#forkedAtMs;
  }

  row(value: unknown, book: UsageBook): void {
    const outer = fields(value);
    const row = outer.event === undefined ? outer : fields(outer.event);
    const atMs = isoMs(row.timestamp) ?? isoMs(row.ts);
    if (row.type === 'session' && word(row.parentSession) !== undefined) this.#forkedAtMs = atMs;
    const message = fields(row.message);
    const model = word(message.model) ?? 'unknown';
    if (row.type !== 'message' || message.role !== 'assistant') return;
    if (message.usage === undefined || model === deliveryMirror) return;
    const usage = fields(message.usage);
    const read = {
      input: tokens(usage.input),
      cacheRead: tokens(usage.cacheRead),
      write5m: tokens(usage.cacheWrite),
      output: tokens(usage.output),
      reasoning: tokens(usage.reasoning),
    };
    // Messages that failed, or that no model wrote, say nothing but zeros.
    if (Object.values(read).every((count) => count === 0)) return;
    book.call({
      key: this.#keyOf(row) ?? `row ${book.row}`,
      atMs,
      model,
      usage: read,
      usd: Math.max(0, finite(fields(usage.cost).total) ?? 0),
      isInherited: this.#isInherited(word(row.id), atMs),
    });
  }

  #isInherited(id: string | undefined, atMs: number | undefined): boolean {
    if (this.#forkedAtMs === undefined) return false;
    if (this.#parentRowIds !== undefined) return id !== undefined && this.#parentRowIds.has(id);
    return atMs !== undefined && atMs < this.#forkedAtMs;
  }
}
