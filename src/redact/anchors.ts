import { sharesOf } from './text-frequency.js';

/**
 * A literal that every match of some detector contains. With `fold` it is lower case, and ASCII
 * letters match in either case.
 */
export interface Anchor {
  readonly bytes: Buffer;
  readonly fold: boolean;
}

/**
 * Called for every occurrence; returning true stops the scan. `start` is where the literal begins.
 * The order is only roughly ascending.
 */
export type Visit = (anchor: number, start: number) => boolean;

interface Entry {
  readonly anchor: number;
  /** Offset of the probed pair of bytes in the literal. */
  readonly offset: number;
}

export const shortestAnchor = 3;
/** One bit of a byte for each. */
const groups = 8;
/**
 * Bytes that agree in these bits are one class, as a letter is in either case; so the classes on both sides of
 * a pair fill one line of the processor's cache.
 */
const lowBits = 31;
const after = 32;
const rowShift = 6;
/** How many pairs are looked at before what fits is visited. */
const blockLength = 4096;
const none = 0xffff;

/**
 * Finds all occurrences of many literals in one pass that looks at every second byte. For each
 * literal two overlapping pairs of its bytes are in a table, so that whichever way it is aligned,
 * one of them is probed. The bytes on both sides of the pair must then fit: each literal is in one
 * of eight groups of its pair, and a bit per group says which classes of bytes may precede and follow. Bytes
 * are compared only if a bit remains. The pairs are the literal's rarest in text, so `password` is
 * found by `sw` and `wo`.
 */
export class AnchorIndex {
  readonly #literals: LiteralTable;
  /** The table row of each pair of bytes; row 0 is shared by all other pairs. */
  readonly #rowOf = new Uint16Array(0x10000);
  /** Where the entries of each row's eight groups begin. */
  readonly #firstOf: Uint32Array;
  readonly #anchorOf: Uint16Array;
  readonly #offsetOf: Uint16Array;
  /** For each row, the groups that each class of bytes before the pair fits, and each class after it. */
  readonly #around: Uint8Array;
  /** The next anchor with the same literal. */
  readonly #twinOf: Uint16Array;
  #lent: Uint32Array | undefined;

  constructor(anchors: readonly Anchor[]) {
    this.#literals = new LiteralTable(anchors);
    const equals = groupedByLiteral(anchors);
    this.#twinOf = twinsOf(anchors.length, equals);
    const firsts = equals.map(([first = 0]) => first);
    const rows = rowsOf(anchors, firsts, this.#rowOf);
    this.#around = neighbours(anchors, rows);
    const entries = rows.flat();
    this.#firstOf = firstOfGroups(rows);
    this.#anchorOf = Uint16Array.from(entries, (entry) => entry.anchor);
    this.#offsetOf = Uint16Array.from(entries, (entry) => entry.offset);
  }

  scan(bytes: Buffer, visit: Visit): void {
    if (bytes.length < shortestAnchor) return;
    const skew = bytes.byteOffset & 1;
    const count = (bytes.length - skew) >> 1;
    const pairs = new Uint16Array(bytes.buffer, bytes.byteOffset + skew, count);
    const found = this.#borrowed();
    let isStopped = false;
    let previous = skew === 1 ? (bytes[0] as number) : 0;
    for (let from = 0; from < count - 1 && !isStopped; from += blockLength) {
      const end = Math.min(from + blockLength, count - 1);
      const length = this.#fitting(pairs, from, end, previous, found);
      for (let index = 0; index < length && !isStopped; index += 1) {
        isStopped = this.#visitAt(bytes, (found[index] as number) * 2 + skew, visit);
      }
      previous = (pairs[end - 1] as number) >> 8;
    }
    this.#lent = found;
    if (!isStopped) this.#visitAt(bytes, count * 2 - 2 + skew, visit);
  }

  /**
   * Writes down which of the pairs have neighbours that fit; returns how many. The loop calls nothing, so
   * that it is compiled at once and for good.
   */
  #fitting(
    pairs: Uint16Array,
    from: number,
    end: number,
    before: number,
    found: Uint32Array,
  ): number {
    const rowOf = this.#rowOf;
    const around = this.#around;
    let length = 0;
    let previous = before & lowBits;
    let pair = pairs[from] as number;
    for (let index = from; index < end; index += 1) {
      const next = pairs[index + 1] as number;
      const row = (rowOf[pair] as number) << rowShift;
      const groups =
        (around[row | previous] as number) & (around[row | after | (next & lowBits)] as number);
      if (groups !== 0) {
        found[length] = index;
        length += 1;
      }
      previous = (pair >> 8) & lowBits;
      pair = next;
    }
    return length;
  }

  /** Room for the pairs of a block. What a visit decodes is scanned in the middle of a scan, in room of its own. */
  #borrowed(): Uint32Array {
    const found = this.#lent ?? new Uint32Array(blockLength);
    this.#lent = undefined;
    return found;
  }

  #visitAt(bytes: Buffer, at: number, visit: Visit): boolean {
    const row = this.#rowOf[((bytes[at + 1] as number) << 8) | (bytes[at] as number)] as number;
    const before = at > 0 ? (bytes[at - 1] as number) : 0;
    const next = at + 2 < bytes.length ? (bytes[at + 2] as number) : 0;
    let left =
      (this.#around[(row << rowShift) | (before & lowBits)] as number) &
      (this.#around[(row << rowShift) | after | (next & lowBits)] as number);
    for (; left !== 0; left &= left - 1) {
      const group = row * groups + 31 - Math.clz32(left & -left);
      const end = this.#firstOf[group + 1] as number;
      for (let entry = this.#firstOf[group] as number; entry < end; entry += 1) {
        const start = at - (this.#offsetOf[entry] as number);
        const first = this.#anchorOf[entry] as number;
        if (!this.#literals.isAt(bytes, start, first)) continue;
        for (let anchor = first; anchor !== none; anchor = this.#twinOf[anchor] as number) {
          if (visit(anchor, start)) return true;
        }
      }
    }
    return false;
  }
}

/** The anchors' bytes, concatenated. */
class LiteralTable {
  readonly #bytes: Uint8Array;
  readonly #startOf: Uint32Array;
  readonly #folds: Uint8Array;

  constructor(anchors: readonly Anchor[]) {
    this.#bytes = Buffer.concat(anchors.map((anchor) => anchor.bytes));
    this.#startOf = new Uint32Array(anchors.length + 1);
    anchors.forEach((anchor, index) => {
      this.#startOf[index + 1] = (this.#startOf[index] ?? 0) + anchor.bytes.length;
    });
    this.#folds = Uint8Array.from(anchors, (anchor) => (anchor.fold ? 1 : 0));
  }

  isAt(bytes: Buffer, start: number, anchor: number): boolean {
    const first = this.#startOf[anchor] as number;
    const length = (this.#startOf[anchor + 1] as number) - first;
    if (start < 0 || start + length > bytes.length) return false;
    const literals = this.#bytes;
    const folds = this.#folds[anchor] === 1;
    // Backwards, because literals that share a beginning differ in how they end.
    for (let at = length - 1; at >= 0; at -= 1) {
      const byte = bytes[start + at] as number;
      const wanted = literals[first + at] as number;
      if (byte !== wanted && !(folds && lowerOf[byte] === wanted)) return false;
    }
    return true;
  }
}

const lowerOf = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte,
);

/** The numbers of the anchors that have the same literal, together. */
function groupedByLiteral(anchors: readonly Anchor[]): readonly (readonly number[])[] {
  const numbers = new Map<string, number[]>();
  anchors.forEach(({ bytes, fold }, index) => {
    const literal = `${bytes.toString('latin1')}${fold ? '+' : '-'}`;
    const known = numbers.get(literal);
    if (known === undefined) numbers.set(literal, [index]);
    else known.push(index);
  });
  return [...numbers.values()];
}

function twinsOf(count: number, equals: readonly (readonly number[])[]): Uint16Array {
  const twinOf = new Uint16Array(count).fill(none);
  for (const numbers of equals) {
    numbers.forEach((number, index) => {
      twinOf[number] = numbers[index + 1] ?? none;
    });
  }
  return twinOf;
}

/** The entries of these anchors, grouped by pair of bytes; records each pair's row in `rowOf`. */
function rowsOf(
  anchors: readonly Anchor[],
  wanted: readonly number[],
  rowOf: Uint16Array,
): readonly Entry[][] {
  const rows: Entry[][] = [[]];
  for (const number of wanted) {
    const anchor = anchors[number];
    if (anchor === undefined) continue;
    const first = rarestPair(anchor.bytes);
    for (const offset of [first, first + 1]) {
      for (const high of casesOf(anchor, offset)) {
        for (const low of casesOf(anchor, offset + 1)) {
          const pair = (low << 8) | high;
          if (rowOf[pair] === 0) rowOf[pair] = rows.push([]) - 1;
          rows[rowOf[pair] ?? 0]?.push({ anchor: number, offset });
        }
      }
    }
  }
  for (const row of rows) row.sort((a, b) => surroundings(anchors, a) - surroundings(anchors, b));
  return rows;
}

/** Entries with the same bytes around their pair become neighbours. */
function surroundings(anchors: readonly Anchor[], { anchor, offset }: Entry): number {
  const bytes = anchors[anchor]?.bytes;
  return ((bytes?.[offset + 2] ?? 0) << 8) | (bytes?.[offset - 1] ?? 0);
}

/** Which groups of each row fit a neighbour: all those whose literal ends at the pair. */
function neighbours(anchors: readonly Anchor[], rows: readonly Entry[][]): Uint8Array {
  const table = new Uint8Array(rows.length << rowShift);
  rows.forEach((entries, row) => {
    entries.forEach(({ anchor, offset }, index) => {
      const group = 1 << groupOf(index, entries);
      const bytes = anchors[anchor]?.bytes;
      for (const [side, byte] of [
        [0, bytes?.[offset - 1]],
        [after, bytes?.[offset + 2]],
      ] as const) {
        const start = (row << rowShift) | side;
        const first = byte === undefined ? start : start | (byte & lowBits);
        const last = byte === undefined ? start | lowBits : first;
        for (let at = first; at <= last; at += 1) table[at] = (table[at] ?? 0) | group;
      }
    });
  });
  return table;
}

function isSmallLetter(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a;
}

/** Of a row's entries, which are sorted: neighbours share a group. */
function groupOf(index: number, row: readonly Entry[]): number {
  return Math.floor((index * groups) / Math.max(groups, row.length));
}

function firstOfGroups(rows: readonly (readonly Entry[])[]): Uint32Array {
  const first = new Uint32Array(rows.length * groups + 1);
  rows.forEach((row, number) => {
    row.forEach((_, index) => {
      const next = number * groups + groupOf(index, row) + 1;
      first[next] = (first[next] ?? 0) + 1;
    });
  });
  for (let at = 1; at < first.length; at += 1) first[at] = (first[at] ?? 0) + (first[at - 1] ?? 0);
  return first;
}

/** The bytes the anchor may have at `offset`; none outside it. */
function casesOf(anchor: Anchor | undefined, offset: number): readonly number[] {
  const byte = anchor?.bytes[offset];
  if (anchor === undefined || byte === undefined) return [];
  return anchor.fold && isSmallLetter(byte) ? [byte, byte & ~0x20] : [byte];
}

/** Where the rarest three bytes begin, as two pairs with their neighbours. */
function rarestPair(literal: Buffer): number {
  const shares = sharesOf(literal);
  let best = 0;
  let bestShare = Number.POSITIVE_INFINITY;
  for (let offset = 0; offset + 2 < literal.length; offset += 1) {
    const share = (shares[offset] ?? 0) + (shares[offset + 1] ?? 0);
    if (share >= bestShare) continue;
    best = offset;
    bestShare = share;
  }
  return best;
}
