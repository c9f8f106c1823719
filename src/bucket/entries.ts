import type { Entry } from './bucket.js';

/**
 * The entries of pages one by one. By hand, because a generator takes several turns of the event loop's queue for each of the
 * thousands that a page has.
 */
export function entriesOf(pages: AsyncGenerator<readonly Entry[]>): AsyncIterableIterator<Entry> {
  let page: readonly Entry[] = [];
  let at = 0;
  const nextPage = async (): Promise<IteratorResult<Entry, undefined>> => {
    for (;;) {
      const { done, value } = await pages.next();
      if (done === true) return { done: true, value: undefined };
      page = value;
      at = 0;
      const first = page[at];
      at += 1;
      if (first !== undefined) return { done: false, value: first };
    }
  };
  return {
    next: () => {
      const value = page[at];
      if (value === undefined) return nextPage();
      at += 1;
      return Promise.resolve({ done: false, value });
    },
    return: async () => {
      page = [];
      await pages.return(undefined);
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
