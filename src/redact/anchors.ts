import {
  type AnchorTable,
  anchorTable,
  bucketBits,
  bucketShift,
  entryLength,
  firstRow,
  lowBits,
  offsetBits,
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
const roomLength = blockLength + 1;
/** A text, and what is decoded from it, from that, and so on. */
const mostScans = 8;

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
  /** How many scans are under way: what a visit decodes is scanned in the middle of a scan. */
  #depth = 0;

  constructor(lists: readonly LiteralList[]) {
    this.#literals = new LiteralTable(lists);
    this.#table = anchorTable(this.#literals, roomLength * mostScans);
  }

  scan(bytes: Buffer, visit: Visit): void {
    if (bytes.length < shortestAnchor) return;
    if (this.#depth === mostScans) throw new RangeError('a scan within too many others');
    const room = this.#table.room + this.#depth * roomLength;
    this.#depth += 1;
    try {
      this.#scanInto(room, bytes, visit);
    } finally {
      this.#depth -= 1;
    }
  }

  #scanInto(room: number, bytes: Buffer, visit: Visit): void {
    const skew = bytes.byteOffset & 1;
    const count = (bytes.length - skew) >> 1;
    const pairs = new Uint16Array(bytes.buffer, bytes.byteOffset + skew, count);
    const { rows } = this.#table;
    let previous = skew === 1 ? (bytes[0] as number) : 0;
    for (let from = 0; from < count - 1; from += blockLength) {
      const end = Math.min(from + blockLength, count - 1);
      const roomEnd = fitting(rows, pairs, from, end, previous, room);
      for (let place = room; place < roomEnd; place += 1) {
        if (this.#visitAt(bytes, (rows[place] as number) * 2 + skew, visit)) return;
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
    const { rows, firstOf, entries } = this.#table;
    const row = ((rows[(second << 8) | first] as number) - firstRow) >> rowShift;
    const bucket = (row << bucketShift) | (after & bucketBits);
    const end = (firstOf[bucket + 1] as number) * entryLength;
    for (let entry = (firstOf[bucket] as number) * entryLength; entry < end; entry += entryLength) {
      if ((seen & (entries[entry + 1] as number)) !== entries[entry]) continue;
      const found = entries[entry + 2] as number;
      const literal = found >>> offsetBits;
      const start = at - (found & ((1 << offsetBits) - 1));
      if (this.#literals.isAt(bytes, start, literal) && visit(literal, start)) return true;
    }
    return false;
  }
}

/**
 * Writes down, from `room` on, which of the pairs have neighbours that fit; returns where the next would be written.
 * The loop calls nothing, so that it is compiled at once and for good, and has no branch, which the processor would
 * often guess wrong.
 */
function fitting(
  rows: Int32Array,
  pairs: Uint16Array,
  from: number,
  end: number,
  before: number,
  room: number,
): number {
  let place = room;
  let previous = before & lowBits;
  let pair = pairs[from] as number;
  for (let index = from; index < end; index += 1) {
    const next = pairs[index + 1] as number;
    rows[place] = index;
    // A shift counts by the lowest five bits of its right side: the class of the next byte.
    place += ((rows[(rows[pair] as number) | previous] as number) >> next) & 1;
    previous = (pair >> 8) & lowBits;
    pair = next;
  }
  return place;
}
