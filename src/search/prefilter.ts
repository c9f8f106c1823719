import { type Finder, type Spelling, spellingOf } from './spelling.js';

/** A line of a part that has to be parsed to know whether it matches. */
export interface LineInPart {
  /** From 0, the part's first line. */
  readonly line: number;
  /** Without its newline. */
  readonly bytes: Buffer;
}

/**
 * Tells from a part's bytes which of its lines may match, so that only these are parsed. It may name
 * too many, never too few: a line is left out only if no row with a match can be written like it.
 */
export interface Prefilter {
  /**
   * The lines that may match, in order, and those that may hold a term of `unseen`, even if they
   * hold no other.
   */
  linesIn(part: Buffer, unseen: ReadonlySet<number>): Iterable<LineInPart>;
}

/** The terms of a query; `undefined` for one that any line may hold. */
export function createPrefilter(
  words: readonly (string | undefined)[],
  { isAny }: { readonly isAny: boolean },
): Prefilter {
  const terms = words.map((word) => (word === undefined ? undefined : spellingOf(word)));
  return new PartFilter(terms, isAny);
}

class PartFilter implements Prefilter {
  readonly #terms: readonly (Spelling | undefined)[];
  readonly #isAny: boolean;
  /** The term that the fewest lines should hold. */
  readonly #rarest: number;

  constructor(terms: readonly (Spelling | undefined)[], isAny: boolean) {
    this.#terms = terms;
    this.#isAny = isAny;
    const lengths = terms.map((term) => term?.length ?? 0);
    this.#rarest = lengths.indexOf(Math.max(...lengths));
  }

  *linesIn(part: Buffer, unseen: ReadonlySet<number>): Iterable<LineInPart> {
    const finders = this.#findersOf(unseen);
    let [line, counted] = [0, 0];
    for (const { start, end } of chunksOf(part)) {
      // One character a byte: much cheaper than decoding, and the spellings are made for it.
      const text = part.toString('latin1', start, end);
      for (const from of finders === undefined ? everyLine(text) : linesWith(finders, text)) {
        const to = text.indexOf('\n', from);
        if (!this.#mayMatch(text.slice(from, to), unseen)) continue;
        line += newlinesIn(part, counted, start + from);
        counted = start + from;
        yield { line, bytes: part.subarray(start + from, start + to) };
      }
    }
  }

  /** For what a line must hold one of; `undefined` if any line may do. */
  #findersOf(unseen: ReadonlySet<number>): ReadonlySet<Finder> | undefined {
    const wanted = this.#isAny ? this.#terms.keys() : new Set([this.#rarest, ...unseen]);
    const finders = new Set<Finder>();
    for (const index of wanted) {
      const term = this.#terms[index];
      if (term === undefined) return undefined;
      for (const finder of term.finders) finders.add(finder);
    }
    return finders;
  }

  #mayMatch(line: string, unseen: ReadonlySet<number>): boolean {
    const holds = (index: number): boolean => {
      const finders = this.#terms[index]?.finders;
      return finders === undefined || finders.some((find) => find(line, 0) !== -1);
    };
    const indexes = [...this.#terms.keys()];
    if (this.#isAny ? indexes.some(holds) : indexes.every(holds)) return true;
    return [...unseen].some(holds);
  }
}

/** Where lines begin that hold what one of these finds. */
function linesWith(finders: ReadonlySet<Finder>, text: string): readonly number[] {
  const starts = new Set<number>();
  for (const find of finders) {
    let end = -1;
    for (let at = find(text, 0); at !== -1; at = find(text, end + 1)) {
      end = text.indexOf('\n', at);
      starts.add(text.lastIndexOf('\n', at) + 1);
    }
  }
  return [...starts].sort((left, right) => left - right);
}

function* everyLine(text: string): Iterable<number> {
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
    yield start;
    start = end + 1;
  }
}

function newlinesIn(part: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = part.indexOf(newline, from); at !== -1 && at < to; ) {
    count += 1;
    at = part.indexOf(newline, at + 1);
  }
  return count;
}

const newline = 0x0a;

/** Longer texts are not allocated among V8's young objects, and cost more than looking through them. */
const chunkBytes = 96 * 1024;

/** Whole lines of a part, a few at a time. What follows the last newline is not whole yet. */
function* chunksOf(part: Buffer): Iterable<{ readonly start: number; readonly end: number }> {
  let start = 0;
  while (start < part.length) {
    const most = Math.min(start + chunkBytes, part.length) - 1;
    let last = part.lastIndexOf(newline, most);
    if (last < start) last = part.indexOf(newline, most);
    if (last === -1) return;
    yield { start, end: last + 1 };
    start = last + 1;
  }
}
