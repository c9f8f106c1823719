import { AnchorIndex, type Visit } from './anchors.js';

/** A text to search for. With `fold` it is lower case, and ASCII letters match in either case. */
export interface Literal {
  readonly literal: string;
  readonly fold?: boolean;
}

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
  readonly #literals: readonly Literal[];
  #index: AnchorIndex | undefined;
  #counted = 0;

  constructor(literals: readonly Literal[]) {
    this.#literals = literals;
  }

  /** `visit` receives each literal's index in the list. */
  scan(bytes: Buffer, visit: Visit): void {
    this.#counted += Math.max(bytes.length, leastCounted);
    if (this.#index === undefined && this.#counted <= bytesBeforeIndex) {
      this.#scanOneByOne(bytes, visit);
      return;
    }
    this.#index ??= new AnchorIndex(
      this.#literals.map(({ literal, fold = false }) => ({
        bytes: Buffer.from(literal, 'latin1'),
        fold,
      })),
    );
    this.#index.scan(bytes, visit);
  }

  #scanOneByOne(bytes: Buffer, visit: Visit): void {
    const text = bytes.toString('latin1');
    const folded = text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    const found: { readonly literal: number; readonly start: number }[] = [];
    this.#literals.forEach(({ literal: wanted, fold = false }, literal) => {
      const within = fold ? folded : text;
      for (
        let start = within.indexOf(wanted);
        start !== -1;
        start = within.indexOf(wanted, start + 1)
      )
        found.push({ literal, start });
    });
    found.sort((a, b) => a.start - b.start);
    for (const { literal, start } of found) if (visit(literal, start)) return;
  }
}
