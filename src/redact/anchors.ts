import {
  type AnchorTable,
  anchorTable,
  bucketBits,
  bucketShift,
  lowBits,
  rowShift,
} from './anchor-table.js';
import { type LiteralList, LiteralTable } from './literals.js';

/**
 * Called for every occurrence; returning true stops the scan. `start` is where the literal begins.
 * The order is only roughly ascending.
 */
export type Visit = (literal: number, start: number) => boolean;

export const shortestAnchor = 3;
/** How many pairs are looked at before what fits is visited. */
const blockLength = 4096;

/**
 * Finds all occurrences of many literals in one pass that looks at every second byte. For each
 * literal two overlapping pairs of its bytes are in a table, so that whichever way it is aligned,
 * one of them is probed. A bit per pair and classes of the bytes on both sides of it says whether
 * some literal fits; only then are bytes compared, four at first. The pairs are the literal's
 * rarest in text, so `password` is found by `sw` and `wo`.
 */
export class AnchorIndex {
  readonly #literals: LiteralTable;
  readonly #table: AnchorTable;
  /** For the places of the pairs of a block that fit. */
  readonly #room = newRoom();
  #isScanning = false;

  constructor(lists: readonly LiteralList[]) {
    this.#literals = new LiteralTable(lists);
    this.#table = anchorTable(this.#literals);
  }

  scan(bytes: Buffer, visit: Visit): void {
    if (bytes.length < shortestAnchor) return;
    // What a visit decodes is scanned in the middle of a scan, in room of its own.
    const room = this.#isScanning ? newRoom() : this.#room;
    const isOutermost = !this.#isScanning;
    this.#isScanning = true;
    this.#scanInto(room, bytes, visit);
    if (isOutermost) this.#isScanning = false;
  }

  #scanInto(room: Uint32Array, bytes: Buffer, visit: Visit): void {
    const skew = bytes.byteOffset & 1;
    const count = (bytes.length - skew) >> 1;
    const pairs = new Uint16Array(bytes.buffer, bytes.byteOffset + skew, count);
    const { rowOf, fits } = this.#table;
    let previous = skew === 1 ? (bytes[0] as number) : 0;
    for (let from = 0; from < count - 1; from += blockLength) {
      const end = Math.min(from + blockLength, count - 1);
      const length = fitting(rowOf, fits, pairs, from, end, previous, room);
      for (let index = 0; index < length; index += 1) {
        if (this.#visitAt(bytes, (room[index] as number) * 2 + skew, visit)) return;
      }
      previous = (pairs[end - 1] as number) >> 8;
    }
    this.#visitAt(bytes, count * 2 - 2 + skew, visit);
  }

  #visitAt(bytes: Buffer, at: number, visit: Visit): boolean {
    const first = bytes[at] as number;
    const second = bytes[at + 1] as number;
    const before = at > 0 ? (bytes[at - 1] as number) : 0;
    const after = at + 2 < bytes.length ? (bytes[at + 2] as number) : 0;
    const seen = before | (first << 8) | (second << 16) | (after << 24);
    const { rowOf, firstOf, wantedOf, maskOf, offsetOf, literalOf } = this.#table;
    const row = rowOf[(second << 8) | first] as number;
    const bucket = (row << bucketShift) | (after & bucketBits);
    const end = firstOf[bucket + 1] as number;
    for (let entry = firstOf[bucket] as number; entry < end; entry += 1) {
      if ((seen & (maskOf[entry] as number)) !== wantedOf[entry]) continue;
      const start = at - (offsetOf[entry] as number);
      const literal = literalOf[entry] as number;
      if (this.#literals.isAt(bytes, start, literal) && visit(literal, start)) return true;
    }
    return false;
  }
}

function newRoom(): Uint32Array {
  return new Uint32Array(blockLength + 1);
}

/**
 * Writes down which of the pairs have neighbours that fit; returns how many. The loop calls nothing, so that it
 * is compiled at once and for good, and has no branch, which the processor would often guess wrong.
 */
function fitting(
  rowOf: Uint16Array,
  fits: Int32Array,
  pairs: Uint16Array,
  from: number,
  end: number,
  before: number,
  found: Uint32Array,
): number {
  let length = 0;
  let previous = before & lowBits;
  let pair = pairs[from] as number;
  for (let index = from; index < end; index += 1) {
    const next = pairs[index + 1] as number;
    const row = (rowOf[pair] as number) << rowShift;
    found[length] = index;
    // A shift counts by the lowest five bits of its right side: the class of the next byte.
    length += ((fits[row | previous] as number) >> next) & 1;
    previous = (pair >> 8) & lowBits;
    pair = next;
  }
  return length;
}
