import { type Spelling, spellingOf } from './spelling.js';

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
   * hold no other. Terms may be taken out of it on the way.
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
  /** Those whose spelling is known, by how few lines should hold them. */
  readonly #rarestFirst: readonly Spelling[];
  readonly #isAny: boolean;

  constructor(terms: readonly (Spelling | undefined)[], isAny: boolean) {
    this.#terms = terms;
    this.#isAny = isAny;
    this.#rarestFirst = terms
      .filter((term) => term !== undefined)
      .sort((left, right) => right.length - left.length);
  }

  *linesIn(part: Buffer, unseen: ReadonlySet<number>): Iterable<LineInPart> {
    let [line, counted] = [0, 0];
    for (const { start, end } of chunksOf(part)) {
      // One character a byte: much cheaper than decoding, and the spellings are made for it.
      const text = part.toString('latin1', start, end);
      for (const from of this.#startsIn(text, unseen) ?? everyLine(text)) {
        const to = text.indexOf('\n', from);
        line += newlinesIn(part, counted, start + from);
        counted = start + from;
        yield { line, bytes: part.subarray(start + from, start + to) };
      }
    }
  }

  /** Where the lines begin that may match, in order; `undefined`: all may. */
  #startsIn(text: string, unseen: ReadonlySet<number>): readonly number[] | undefined {
    const starts = this.#isAny ? new Set<number>() : this.#withAll(text);
    if (starts === undefined) return undefined;
    for (const index of this.#isAny ? this.#terms.keys() : unseen) {
      const term = this.#terms[index];
      if (term === undefined) return undefined;
      for (const start of linesWith(term, text)) starts.add(start);
    }
    return [...starts].sort((left, right) => left - right);
  }

  /** Lines that may hold every term; `undefined` if nothing is known about any of them. */
  #withAll(text: string): Set<number> | undefined {
    let common: Set<number> | undefined;
    for (const term of this.#rarestFirst) {
      const those = linesWith(term, text);
      const before = common;
      common = before === undefined ? those : new Set([...those].filter((one) => before.has(one)));
      if (common.size === 0) break;
    }
    return common;
  }
}

/** Where the lines begin that may hold a term. */
function linesWith({ finders }: Spelling, text: string): Set<number> {
  const starts = new Set<number>();
  for (const find of finders) {
    let end = -1;
    for (let at = find(text, 0); at !== -1; at = find(text, end + 1)) {
      end = text.indexOf('\n', at);
      starts.add(text.lastIndexOf('\n', at) + 1);
    }
  }
  return starts;
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
