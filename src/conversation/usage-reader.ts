import type { StreamUsage } from '../protocol/usage.js';
import { fields } from './fields.js';
import type { Place } from './place.js';
import type { UsageFold, UsageReader } from './usage.js';
import { UsageBook } from './usage-book.js';

/** What one harness knows beyond the calls themselves. */
export interface UsageRules {
  /** Reads one row into the book. */
  row(value: unknown, book: UsageBook): void;
  /** Plain JSON, for harnesses whose rows depend on earlier ones. */
  state?(): unknown;
  /** Calls first told before this row are inherited. */
  readonly ownFrom?: number;
}

/** `saved` is what another's `state()` returned. */
export type OpenUsageRules = (place: Place, saved?: unknown) => UsageRules;

class BookFold implements UsageFold {
  readonly #rules: UsageRules;
  readonly #book: UsageBook;

  constructor(rules: UsageRules, book: UsageBook) {
    this.#rules = rules;
    this.#book = book;
  }

  row(value: unknown): void {
    this.#rules.row(value, this.#book);
    this.#book.nextRow();
  }

  state(): unknown {
    const rules = this.#rules.state?.();
    return { v: 1, book: this.#book.state(), ...(rules === undefined ? {} : { rules }) };
  }

  usage(): StreamUsage {
    const { readings, figures, isKeyless, isUncertain } = this.#book;
    const calls = this.#book.calls(this.#rules.ownFrom);
    return { calls, readings, figures, isKeyless, isUncertain };
  }
}

export function createUsageReader(harness: string, open: OpenUsageRules): UsageReader {
  return {
    harness,
    open: (place) => new BookFold(open(place), new UsageBook()),
    resume: (place, state) => {
      const saved = fields(state);
      const book = saved.v === 1 ? UsageBook.resumed(saved.book) : undefined;
      return book && new BookFold(open(place, saved.rules), book);
    },
  };
}
