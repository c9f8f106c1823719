import type { LiteralTable } from './literals.js';

/** Bytes that agree in these bits are one class, as a letter is in either case. */
export const lowBits = 31;
export const rowShift = 5;
/** Which of a row's buckets an entry is in, by the byte after its pair. */
export const bucketBits = 7;
export const bucketShift = 3;
const otherCase = 0x20;

/** What an index probes for its literals. */
export interface AnchorTable {
  /** The table row of each pair of bytes; row 0 is shared by all pairs that no literal is probed by. */
  readonly rowOf: Uint16Array;
  /** For each row and class of the byte before the pair, a bit for each class of the one after it. */
  readonly fits: Int32Array;
  /** Where the entries of each row's buckets begin. A literal that ends with its pair is in all buckets. */
  readonly firstOf: Uint32Array;
  readonly literalOf: Uint16Array;
  /** Where in the literal the pair is. */
  readonly offsetOf: Uint16Array;
  /** The pair and its neighbours in the literal, and the bits of them that matter. */
  readonly wantedOf: Int32Array;
  readonly maskOf: Int32Array;
}

export function anchorTable(literals: LiteralTable): AnchorTable {
  const probes = probesFor(literals);
  const rowOf = new Uint16Array(0x10000);
  let rows = 1;
  for (let index = 0; index < probes.count; index += 1) {
    const pair = probes.pairOf[index] as number;
    if (rowOf[pair] !== 0) continue;
    rowOf[pair] = rows;
    rows += 1;
  }
  return { rowOf, fits: fitsOf(probes, rowOf, rows), ...entriesOf(probes, rowOf, rows) };
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

function fitsOf(probes: Probes, rowOf: Uint16Array, rows: number): Int32Array {
  const fits = new Int32Array(rows << rowShift);
  for (let index = 0; index < probes.count; index += 1) {
    const row = (rowOf[probes.pairOf[index] as number] as number) << rowShift;
    const before = probes.beforeOf[index] as number;
    const after = probes.afterOf[index] as number;
    const classes = after === anyByte ? -1 : 1 << (after & lowBits);
    const first = before === anyByte ? row : row | (before & lowBits);
    const last = before === anyByte ? row | lowBits : first;
    for (let at = first; at <= last; at += 1) fits[at] = (fits[at] as number) | classes;
  }
  return fits;
}

type Entries = Pick<AnchorTable, 'firstOf' | 'literalOf' | 'offsetOf' | 'wantedOf' | 'maskOf'>;

function entriesOf(probes: Probes, rowOf: Uint16Array, rows: number): Entries {
  const firstOf = firstOfBuckets(probes, rowOf, rows);
  const total = firstOf.at(-1) ?? 0;
  const literalOf = new Uint16Array(total);
  const offsetOf = new Uint16Array(total);
  const wantedOf = new Int32Array(total);
  const maskOf = new Int32Array(total);
  const nextOf = firstOf.slice();
  for (let index = 0; index < probes.count; index += 1) {
    const pair = probes.pairOf[index] as number;
    const before = probes.beforeOf[index] as number;
    const after = probes.afterOf[index] as number;
    const folds = probes.foldsOf[index] === 1;
    const mask = maskOfByte(before, folds) | 0xffff00 | (maskOfByte(after, folds) << 24);
    const row = (rowOf[pair] as number) << bucketShift;
    const first = after === anyByte ? row : row | (after & bucketBits);
    const last = after === anyByte ? row | bucketBits : first;
    for (let bucket = first; bucket <= last; bucket += 1) {
      const entry = nextOf[bucket] as number;
      nextOf[bucket] = entry + 1;
      literalOf[entry] = probes.literalOf[index] as number;
      offsetOf[entry] = probes.offsetOf[index] as number;
      wantedOf[entry] = ((before & 0xff) | (pair << 8) | (after << 24)) & mask;
      maskOf[entry] = mask;
    }
  }
  return { firstOf, literalOf, offsetOf, wantedOf, maskOf };
}

function firstOfBuckets(probes: Probes, rowOf: Uint16Array, rows: number): Uint32Array {
  const firstOf = new Uint32Array((rows << bucketShift) + 1);
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
