import type { Entry } from './bucket.js';

type Pages = AsyncGenerator<readonly Entry[]>;

/**
 * A listing whose pages are at hand, for whoever reads thousands of entries: to wait for each of them takes longer than all
 * that is done with it. It can be read once, by page or by entry.
 */
export class Entries implements AsyncIterableIterator<Entry> {
  readonly pages: Pages;
  #page: readonly Entry[] = [];
  #at = 0;

  constructor(pages: Pages) {
    this.pages = pages;
  }

  next(): Promise<IteratorResult<Entry, undefined>> {
    const value = this.#page[this.#at];
    if (value === undefined) return this.#nextPage();
    this.#at += 1;
    return Promise.resolve({ done: false, value });
  }

  async return(): Promise<IteratorResult<Entry, undefined>> {
    this.#page = [];
    await this.pages.return(undefined);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #nextPage(): Promise<IteratorResult<Entry, undefined>> {
    for (;;) {
      const { done, value: page } = await this.pages.next();
      if (done === true) return { done, value: undefined };
      const [first] = page;
      if (first === undefined) continue;
      this.#page = page;
      this.#at = 1;
      return { done: false, value: first };
    }
  }
}

/** Entry by entry where the listing has no pages. */
export async function* pagesOf(listing: AsyncIterable<Entry>): Pages {
  if (listing instanceof Entries) yield* listing.pages;
  else for await (const entry of listing) yield [entry];
}
