import type { LiteralTable } from './literals.js';

/** Bytes that agree in these bits are one class, as a letter is in either case. */
export const lowBits = 31;
/** Where the row is that all pairs share which no literal is probed by. */
export const firstRow = 0x10000;
export const rowShift = 5;
/** Which of a row's buckets an entry is in, by the byte after its pair. */
export const bucketBits = 7;
export const bucketShift = 3;
/** Of an entry: what the pair and its neighbours must be, in which bits, and which literal it is. */
export const entryLength = 3;
/** An entry's literal is above these bits; where in it the pair is, below. */
export const offsetBits = 16;
const otherCase = 0x20;
const allPairs = 0x10000;

/** What an index probes for its literals. */
export interface AnchorTable {
  /**
   * In one array, because the loop that reads it for every pair has no registers for more: for each pair of bytes,
   * where its row is; then the rows, which hold, for each class of the byte before the pair, a bit for each class of
   * the one after it; then room for what a scan finds.
   */
  readonly rows: Int32Array;
  /** Where that room begins. */
  readonly room: number;
  /** Where the entries of each row's buckets begin. A literal that ends with its pair is in all buckets. */
  readonly firstOf: Int32Array;
  readonly entries: Int32Array;
}

/** `room` is the number of places that a scan may find. */
export function anchorTable(literals: LiteralTable, room: number): AnchorTable {
  const probes = probesFor(literals);
  const rowOf = new Uint16Array(allPairs);
  let count = 1;
  for (let index = 0; index < probes.count; index += 1) {
    const pair = probes.pairOf[index] as number;
    if (rowOf[pair] !== 0) continue;
    rowOf[pair] = count;
    count += 1;
  }
  const end = firstRow + (count << rowShift);
  const rows = new Int32Array(end + room);
  for (let pair = 0; pair < allPairs; pair += 1) {
    rows[pair] = firstRow + ((rowOf[pair] as number) << rowShift);
  }
  addFits(rows, probes);
  return { rows, room: end, ...entriesOf(probes, rowOf, count) };
}

/** A pair of bytes that is probed for a literal, in each case that the literal may have; in parallel arrays. */
interface Probes {
  readonly count: number;
  readonly pairOf: Uint16Array;
  readonly literalOf: Uint16Array;
  readonly offsetOf: Uint16Array;
  /** The byte before the pair and the one after it; `anyByte` outside of the literal. */
  readonly beforeOf: Int16Array;
  readonly afterOf: Int16Array;
  readonly foldsOf: Uint8Array;
}

const anyByte = -1;
/** Two overlapping pairs, whose letters may be in either case. */
const mostProbes = 8;

function probesFor(literals: LiteralTable): Probes {
  const most = literals.count * mostProbes;
  const pairOf = new Uint16Array(most);
  const literalOf = new Uint16Array(most);
  const offsetOf = new Uint16Array(most);
  const beforeOf = new Int16Array(most);
  const afterOf = new Int16Array(most);
  const foldsOf = new Uint8Array(most);
  const { bytes, startOf } = literals;
  let count = 0;
  for (let literal = 0; literal < literals.count; literal += 1) {
    const start = startOf[literal] as number;
    const end = startOf[literal + 1] as number;
    const folds = literals.foldsOf[literal] as number;
    const rarest = start + (literals.rarestOf[literal] as number);
    for (let at = rarest; at < rarest + 2 && at + 1 < end; at += 1) {
      const first = bytes[at] as number;
      const second = bytes[at + 1] as number;
      const firstCases = folds === 1 && isSmallLetter(first) ? otherCase : 0;
      const secondCases = folds === 1 && isSmallLetter(second) ? otherCase : 0;
      for (let one = 0; one <= firstCases; one += otherCase) {
        for (let two = 0; two <= secondCases; two += otherCase) {
          pairOf[count] = ((second ^ two) << 8) | (first ^ one);
          literalOf[count] = literal;
          offsetOf[count] = at - start;
          beforeOf[count] = at > start ? (bytes[at - 1] as number) : anyByte;
          afterOf[count] = at + 2 < end ? (bytes[at + 2] as number) : anyByte;
          foldsOf[count] = folds;
          count += 1;
        }
      }
    }
  }
  return { count, pairOf, literalOf, offsetOf, beforeOf, afterOf, foldsOf };
}

function addFits(rows: Int32Array, probes: Probes): void {
  for (let index = 0; index < probes.count; index += 1) {
    const row = rows[probes.pairOf[index] as number] as number;
    const before = probes.beforeOf[index] as number;
    const after = probes.afterOf[index] as number;
    const classes = after === anyByte ? -1 : 1 << (after & lowBits);
    const first = before === anyByte ? row : row | (before & lowBits);
    const last = before === anyByte ? row | lowBits : first;
    for (let at = first; at <= last; at += 1) rows[at] = (rows[at] as number) | classes;
  }
}

type Entries = Pick<AnchorTable, 'firstOf' | 'entries'>;

function entriesOf(probes: Probes, rowOf: Uint16Array, rows: number): Entries {
  const firstOf = firstOfBuckets(probes, rowOf, rows);
  const total = firstOf.at(-1) ?? 0;
  const entries = new Int32Array(total * entryLength);
  const nextOf = firstOf.slice();
  for (let index = 0; index < probes.count; index += 1) {
    const pair = probes.pairOf[index] as number;
    const before = probes.beforeOf[index] as number;
    const after = probes.afterOf[index] as number;
    const folds = probes.foldsOf[index] === 1;
    const mask = maskOfByte(before, folds) | 0xffff00 | (maskOfByte(after, folds) << 24);
    const wanted = ((before & 0xff) | (pair << 8) | (after << 24)) & mask;
    const offset = probes.offsetOf[index] as number;
    const literal = ((probes.literalOf[index] as number) << offsetBits) | offset;
    const row = (rowOf[pair] as number) << bucketShift;
    const first = after === anyByte ? row : row | (after & bucketBits);
    const last = after === anyByte ? row | bucketBits : first;
    for (let bucket = first; bucket <= last; bucket += 1) {
      const place = nextOf[bucket] as number;
      nextOf[bucket] = place + 1;
      const entry = place * entryLength;
      entries[entry] = wanted;
      entries[entry + 1] = mask;
      entries[entry + 2] = literal;
    }
  }
  return { firstOf, entries };
}

function firstOfBuckets(probes: Probes, rowOf: Uint16Array, rows: number): Int32Array {
  const firstOf = new Int32Array((rows << bucketShift) + 1);
  for (let index = 0; index < probes.count; index += 1) {
    const row = (rowOf[probes.pairOf[index] as number] as number) << bucketShift;
    const after = probes.afterOf[index] as number;
    const first = after === anyByte ? row : row | (after & bucketBits);
    const last = after === anyByte ? row | bucketBits : first;
    for (let at = first + 1; at <= last + 1; at += 1) firstOf[at] = (firstOf[at] as number) + 1;
  }
  for (let at = 1; at < firstOf.length; at += 1) {
    firstOf[at] = (firstOf[at] as number) + (firstOf[at - 1] as number);
  }
  return firstOf;
}

function maskOfByte(byte: number, folds: boolean): number {
  if (byte === anyByte) return 0;
  return folds && isSmallLetter(byte) ? 0xff ^ otherCase : 0xff;
}

function isSmallLetter(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a;
}
