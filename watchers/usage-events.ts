import * as v from 'valibot';
import { type Fields, fields, finite, isoMs, word } from '../src/conversation/fields.js';
import type { Place } from '../src/conversation/place.js';
import { tokens, type UsageBook } from '../src/conversation/usage-book.js';
import type { UsageRules } from '../src/conversation/usage-reader.js';

interface Told {
  readonly usage: unknown;
  readonly model: string;
  readonly atMs: number | undefined;
}

/** Text that was delivered to a chat, in a row of its own. */
const deliveryMirror = 'delivery-mirror';
/** What a model wrote about the conversation; the row does not name the model. */
const summaries = new Set<unknown>(['branch_summary', 'compaction']);

const stateSchema = v.object({
  forkedAtMs: v.exactOptional(v.number()),
  model: v.exactOptional(v.string()),
});

/**
 * Assistant messages and summaries with their `usage`, as pi writes them and what is built on it. A fork begins with
 * copies that keep their ids and times: its parent has them too, or, where the parent's rows are not at hand, they are
 * older than the fork's header.
 */
export class EventUsage implements UsageRules {
  readonly #keyOf: (row: Fields) => string | undefined;
  readonly #parentRowIds: ReadonlySet<string> | undefined;
  #forkedAtMs: number | undefined;
  /** The one that answered last. */
  #model: string | undefined;

  constructor(keyOf: (row: Fields) => string | undefined, { parentRowIds }: Place, saved: unknown) {
    this.#keyOf = keyOf;
    this.#parentRowIds = parentRowIds;
    const result = v.safeParse(stateSchema, saved);
    this.#forkedAtMs = result.success ? result.output.forkedAtMs : undefined;
    this.#model = result.success ? result.output.model : undefined;
  }

  state(): unknown {
    const [forkedAtMs, model] = [this.#forkedAtMs, this.#model];
    return {
      ...(forkedAtMs === undefined ? {} : { forkedAtMs }),
      ...(model === undefined ? {} : { model }),
    };
  }

  row(value: unknown, book: UsageBook): void {
    const outer = fields(value);
    const row = outer.event === undefined ? outer : fields(outer.event);
    const atMs = isoMs(row.timestamp) ?? isoMs(row.ts);
    if (row.type === 'session' && word(row.parentSession) !== undefined) this.#forkedAtMs = atMs;
    if (summaries.has(row.type)) {
      this.#call(row, { usage: row.usage, model: this.#model ?? 'unknown', atMs }, book);
      return;
    }
    const message = fields(row.message);
    if (row.type !== 'message' || message.role !== 'assistant') return;
    const model = word(message.model);
    if (model === deliveryMirror) return;
    this.#model = model ?? this.#model;
    this.#call(row, { usage: message.usage, model: model ?? 'unknown', atMs }, book);
  }

  #call(row: Fields, told: Told, book: UsageBook): void {
    const { model, atMs } = told;
    const usage = fields(told.usage);
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
