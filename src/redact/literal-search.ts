import { AnchorIndex, type Visit } from './anchors.js';
import type { LiteralList } from './literals.js';

/**
 * Building the index costs about as much as searching this many bytes for each literal, one by one.
 */
const bytesBeforeIndex = 16 * 1024;
/** Even an empty text costs something: the loop over the literals. */
const leastCounted = 512;

/**
 * Finds all occurrences of many literals. A command that redacts one short text searches for them
 * one by one; for longer input, an index is built.
 */
export class LiteralSearch {
  readonly #lists: readonly LiteralList[];
  #index: AnchorIndex | undefined;
  #counted = 0;

  constructor(lists: readonly LiteralList[]) {
    this.#lists = lists;
  }

  /** `visit` receives each literal's index, counted through all lists. */
  scan(bytes: Buffer, visit: Visit): void {
    this.#counted += Math.max(bytes.length, leastCounted);
    if (this.#index === undefined && this.#counted <= bytesBeforeIndex) {
      this.#scanOneByOne(bytes, visit);
      return;
    }
    this.#index ??= new AnchorIndex(this.#lists);
    this.#index.scan(bytes, visit);
  }

  #scanOneByOne(bytes: Buffer, visit: Visit): void {
    const text = bytes.toString('latin1');
    const folded = text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    const found: { readonly literal: number; readonly start: number }[] = [];
    let literal = 0;
    for (const { texts, fold } of this.#lists) {
      const within = fold ? folded : text;
      for (const wanted of texts) {
        for (
          let start = within.indexOf(wanted);
          start !== -1;
          start = within.indexOf(wanted, start + 1)
        )
          found.push({ literal, start });
        literal += 1;
      }
    }
    found.sort((a, b) => a.start - b.start);
    for (const { literal, start } of found) if (visit(literal, start)) return;
  }
}
