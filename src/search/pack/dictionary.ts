import type { TermRange } from '../terms/query-terms.js';
import { ByteReader, ByteWriter, DamagedPackError } from './bytes.js';

/** A stretch of the sorted terms, each with the numbers of the blocks that have it. */
export interface DictionaryPiece {
  readonly first: string;
  readonly bytes: Buffer;
}

const pieceBytes = 32 * 1024;

/**
 * Front-coded: of each term only what differs from the one before, then its blocks as differences. `undefined`: only
 * terms were sorted, which takes a while.
 */
export function* encodeDictionary(
  postings: ReadonlyMap<string, readonly number[]>,
): Generator<DictionaryPiece | undefined, void> {
  const writer = new ByteWriter();
  let [first, before] = ['', ''];
  for (const term of sortedTerms(postings.keys())) {
    if (term === undefined) {
      yield undefined;
      continue;
    }
    if (writer.length >= pieceBytes) {
      yield { first, bytes: Buffer.from(writer.written()) };
      writer.clear();
    }
    if (writer.length === 0) [first, before] = [term, ''];
    const shared = sharedLength(before, term);
    writer.number(shared);
    writer.text(term.slice(shared));
    const blocks = postings.get(term) ?? [];
    writer.number(blocks.length);
    let last = 0;
    for (const block of blocks) {
      writer.number(block - last);
      last = block;
    }
    before = term;
  }
  if (writer.length > 0) yield { first, bytes: Buffer.from(writer.written()) };
}

/** Marks the blocks that have a term of any of these ranges. */
export function findInPiece(
  bytes: Buffer,
  ranges: readonly TermRange[],
  isMarked: Uint8Array,
): void {
  const reader = new ByteReader(bytes);
  let before = '';
  while (!reader.isAtEnd) {
    const shared = reader.number();
    if (shared > before.length) throw new DamagedPackError('a term shares more than there is');
    const term = before.slice(0, shared) + reader.text();
    const isFound = ranges.some((range) => isIn(range, term));
    const count = reader.number();
    let block = 0;
    for (let n = 0; n < count; n += 1) {
      block += reader.number();
      if (block >= isMarked.length) throw new DamagedPackError('a term names a missing block');
      if (isFound) isMarked[block] = 1;
    }
    before = term;
  }
}

/** The pieces that may hold terms of a range, given the first term of each. */
export function piecesOf(
  firsts: readonly string[],
  { text, isPrefix }: TermRange,
): readonly number[] {
  const found: number[] = [];
  for (const [piece, first] of firsts.entries()) {
    const next = firsts[piece + 1];
    if (next !== undefined && next <= text) continue;
    if (first > text && !(isPrefix && first.startsWith(text))) break;
    found.push(piece);
  }
  return found;
}

function isIn({ text, isPrefix }: TermRange, term: string): boolean {
  return isPrefix ? term.startsWith(text) : term === text;
}

/** Sorted by what they begin with, one beginning at a time: all at once would hold up a watch. */
function* sortedTerms(terms: Iterable<string>): Generator<string | undefined, void> {
  const groups = new Map<string, string[]>();
  for (const term of terms) {
    const beginning = term.slice(0, 1);
    const group = groups.get(beginning);
    if (group === undefined) groups.set(beginning, [term]);
    else group.push(term);
  }
  for (const beginning of [...groups.keys()].sort(byUnits)) {
    yield undefined;
    yield* (groups.get(beginning) ?? []).sort(byUnits);
  }
}

/** In the order in which `<` has them. */
function byUnits(left: string, right: string): number {
  return left < right ? -1 : 1;
}

/** Never the first half of a surrogate pair. */
function sharedLength(before: string, term: string): number {
  const most = Math.min(before.length, term.length);
  let length = 0;
  while (length < most && before.charCodeAt(length) === term.charCodeAt(length)) length += 1;
  const isHalf = length > 0 && (term.charCodeAt(length - 1) & 0xfc00) === 0xd800;
  return isHalf ? length - 1 : length;
}
