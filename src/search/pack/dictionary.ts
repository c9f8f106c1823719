import type { TermRange } from '../terms/query-terms.js';
import { ByteReader, ByteWriter, DamagedPackError } from './bytes.js';

/** A term, in UTF-8, and the blocks that have it: those of `blocks` from one place to another, ascending. */
export interface IndexedTerm {
  readonly term: Uint8Array;
  readonly blocks: Uint32Array;
  readonly from: number;
  readonly to: number;
}

/** A stretch of the sorted terms, each with the numbers of the blocks that have it. */
export interface DictionaryPiece {
  readonly first: string;
  readonly bytes: Buffer;
}

const pieceBytes = 32 * 1024;
const none: Uint8Array = new Uint8Array(0);
/** No term is longer: 24 letters, of up to four bytes each. */
const longestTermBytes = 128;

/**
 * Front-coded: of each term only the bytes that differ from the one before, then its blocks as differences. `undefined` is
 * passed on.
 */
export function* encodeDictionary(
  terms: Iterable<IndexedTerm | undefined>,
): Generator<DictionaryPiece | undefined, void> {
  const writer = new ByteWriter();
  const known = new Uint8Array(longestTermBytes);
  let first = '';
  let before = none;
  for (const one of terms) {
    if (one === undefined) {
      yield undefined;
      continue;
    }
    const { term, blocks, from, to } = one;
    if (writer.length >= pieceBytes) {
      yield { first, bytes: Buffer.from(writer.written()) };
      writer.cut(0);
    }
    if (writer.length === 0) {
      first = Buffer.from(term).toString('utf8');
      before = none;
    }
    const shared = sharedLength(before, term);
    writer.number(shared);
    writer.number(term.length - shared);
    writer.bytes(term, shared);
    writer.number(to - from);
    let last = 0;
    for (let at = from; at < to; at += 1) {
      const block = blocks[at] ?? 0;
      writer.number(block - last);
      last = block;
    }
    known.set(term);
    before = known.subarray(0, term.length);
  }
  if (writer.length > 0) yield { first, bytes: Buffer.from(writer.written()) };
}

/** What pieces that were made here hold, in order; of each term as long as the next one is not asked for. */
export function* termsOf(pieces: readonly DictionaryPiece[]): Generator<IndexedTerm, void> {
  const known = new Uint8Array(longestTermBytes);
  let blocks = new Uint32Array(64);
  for (const { bytes } of pieces) {
    const reader = new ByteReader(bytes);
    while (!reader.isAtEnd) {
      const shared = reader.number();
      const rest = reader.bytes(reader.number());
      known.set(rest, shared);
      const to = reader.number();
      if (to > blocks.length) blocks = new Uint32Array(2 * to);
      let block = 0;
      for (let at = 0; at < to; at += 1) {
        block += reader.number();
        blocks[at] = block;
      }
      yield { term: known.subarray(0, shared + rest.length), blocks, from: 0, to };
    }
  }
}

/** Marks the blocks that have a term of any of these ranges. */
export function findInPiece(
  bytes: Buffer,
  ranges: readonly TermRange[],
  isMarked: Uint8Array,
): void {
  const reader = new ByteReader(bytes);
  const wanted = ranges.map(({ text, isPrefix }) => ({ bytes: Buffer.from(text), isPrefix }));
  const term = Buffer.alloc(longestTermBytes);
  let length = 0;
  while (!reader.isAtEnd) {
    const shared = reader.number();
    if (shared > length) throw new DamagedPackError('a term shares more than there is');
    const rest = reader.bytes(reader.number());
    length = shared + rest.length;
    if (length > term.length) throw new DamagedPackError('a term is longer than any');
    term.set(rest, shared);
    const whole = term.subarray(0, length);
    const isFound = wanted.some((range) => isIn(range, whole));
    const count = reader.number();
    let block = 0;
    for (let n = 0; n < count; n += 1) {
      block += reader.number();
      if (block >= isMarked.length) throw new DamagedPackError('a term names a missing block');
      if (isFound) isMarked[block] = 1;
    }
  }
}

/** The pieces that may hold terms of a range, given the first term of each. */
export function piecesOf(
  firsts: readonly string[],
  { text, isPrefix }: TermRange,
): readonly number[] {
  const wanted = Buffer.from(text);
  const found: number[] = [];
  for (const [piece, first] of firsts.entries()) {
    const next = firsts[piece + 1];
    if (next !== undefined && compare(next, wanted) <= 0) continue;
    if (compare(first, wanted) > 0 && !(isPrefix && first.startsWith(text))) break;
    found.push(piece);
  }
  return found;
}

/** In the order of their bytes, which is not that of texts. */
function compare(text: string, bytes: Buffer): number {
  return Buffer.from(text).compare(bytes);
}

function isIn(
  { bytes, isPrefix }: { readonly bytes: Buffer; readonly isPrefix: boolean },
  term: Buffer,
): boolean {
  const isLong = isPrefix ? term.length >= bytes.length : term.length === bytes.length;
  return isLong && bytes.compare(term, 0, bytes.length) === 0;
}

function sharedLength(before: Uint8Array, term: Uint8Array): number {
  const most = Math.min(before.length, term.length);
  let length = 0;
  while (length < most && before[length] === term[length]) length += 1;
  return length;
}
