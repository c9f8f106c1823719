import { isCommonPair } from './entropy.js';

/** A literal that every match of some detector holds. Lower case with `fold`: ASCII letters then match in either case. */
export interface Anchor {
  readonly bytes: Buffer;
  readonly fold: boolean;
}

/** Told of every occurrence; true stops the scan. `start` is where the literal begins. Order is only nearly ascending. */
export type Visit = (anchor: number, start: number) => boolean;

interface Entry {
  readonly anchor: number;
  /** Where in the literal the probed pair of bytes lies. */
  readonly offset: number;
}

export const shortestAnchor = 3;

/**
 * Finds all occurrences of many literals in one pass that looks at every second byte. For each literal two overlapping
 * pairs of its bytes are in a table, so that whichever way it is aligned, one of them is probed. The bytes on both sides of
 * the pair must then fit: each literal is in one of eight groups of its pair, and a bit per group says for either side which
 * bytes may stand there. Only if a bit is left over are bytes compared. The pairs are the literal's rarest in text, so that
 * `password` is looked for by `sw` and `wo`.
 */
export class AnchorIndex {
  readonly #anchors: readonly Anchor[];
  /** For each pair of bytes its row in the tables of neighbours; row 0 is that of all other pairs. */
  readonly #rowOf = new Uint16Array(0x10000);
  readonly #rows: Entry[][] = [[]];
  readonly #before: Uint8Array;
  readonly #after: Uint8Array;

  constructor(anchors: readonly Anchor[]) {
    this.#anchors = anchors;
    for (let index = 0; index < anchors.length; index += 1) this.#add(index);
    this.#before = this.#neighbours(-1);
    this.#after = this.#neighbours(2);
  }

  scan(bytes: Buffer, visit: Visit): void {
    if (bytes.length < shortestAnchor) return;
    const rowOf = this.#rowOf;
    const before = this.#before;
    const after = this.#after;
    const skew = bytes.byteOffset & 1;
    const count = (bytes.length - skew) >> 1;
    const pairs = new Uint16Array(bytes.buffer, bytes.byteOffset + skew, count);
    let previous = skew === 1 ? (bytes[0] as number) : 0;
    let pair = pairs[0] as number;
    for (let index = 1; index < count; index += 1) {
      const next = pairs[index] as number;
      const row = (rowOf[pair] as number) << 8;
      const fits = (before[row | previous] as number) & (after[row | (next & 0xff)] as number);
      if (fits !== 0 && this.#visitAt(bytes, index * 2 - 2 + skew, row >> 8, fits, visit)) return;
      previous = pair >> 8;
      pair = next;
    }
    const at = count * 2 - 2 + skew;
    const row = (rowOf[pair] as number) << 8;
    const fits = (before[row | previous] as number) & (after[row | (bytes[at + 2] ?? 0)] as number);
    if (fits !== 0) this.#visitAt(bytes, at, row >> 8, fits, visit);
  }

  #visitAt(bytes: Buffer, at: number, row: number, fits: number, visit: Visit): boolean {
    const entries = this.#rows[row] ?? [];
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index];
      if (entry === undefined || (fits & groupOf(index)) === 0) continue;
      const start = at - entry.offset;
      const anchor = this.#anchors[entry.anchor];
      if (anchor === undefined || !isAt(bytes, start, anchor)) continue;
      if (visit(entry.anchor, start)) return true;
    }
    return false;
  }

  #add(index: number): void {
    const anchor = this.#anchors[index];
    if (anchor === undefined) return;
    const first = rarestPair(anchor.bytes);
    for (const offset of [first, first + 1]) {
      for (const high of casesOf(anchor, offset)) {
        for (const low of casesOf(anchor, offset + 1)) {
          this.#enter((low << 8) | high, { anchor: index, offset });
        }
      }
    }
  }

  #enter(pair: number, entry: Entry): void {
    const known = this.#rows[this.#rowOf[pair] ?? 0];
    if (this.#rowOf[pair] !== 0 && known !== undefined) {
      known.push(entry);
      return;
    }
    this.#rowOf[pair] = this.#rows.length;
    this.#rows.push([entry]);
  }

  /** The table of the bytes that may stand so far from a pair: any byte where the literal has none. */
  #neighbours(distance: -1 | 2): Uint8Array {
    const table = new Uint8Array(this.#rows.length << 8);
    this.#rows.forEach((entries, row) => {
      let open = 0;
      entries.forEach((entry, index) => {
        if (this.#bytesAt(entry, distance).length === 0) open |= groupOf(index);
      });
      if (open !== 0) table.fill(open, row << 8, (row + 1) << 8);
      entries.forEach((entry, index) => {
        for (const byte of this.#bytesAt(entry, distance)) {
          table[(row << 8) | byte] = (table[(row << 8) | byte] ?? 0) | groupOf(index);
        }
      });
    });
    return table;
  }

  #bytesAt(entry: Entry, distance: number): readonly number[] {
    const anchor = this.#anchors[entry.anchor];
    return anchor === undefined ? [] : casesOf(anchor, entry.offset + distance);
  }
}

function groupOf(index: number): number {
  return 1 << (index & 7);
}

function isAt(bytes: Buffer, start: number, anchor: Anchor): boolean {
  const literal = anchor.bytes;
  if (start < 0 || start + literal.length > bytes.length) return false;
  for (let at = 0; at < literal.length; at += 1) {
    const byte = bytes[start + at] as number;
    if (byte !== literal[at] && !(anchor.fold && lowerCase(byte) === literal[at])) return false;
  }
  return true;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

/** The bytes that the anchor may have at `offset`: none outside of it. */
function casesOf(anchor: Anchor, offset: number): readonly number[] {
  const byte = anchor.bytes[offset];
  if (byte === undefined) return [];
  const isLetter = byte >= 0x61 && byte <= 0x7a;
  return anchor.fold && isLetter ? [byte, byte & ~0x20] : [byte];
}

/** Bytes of transcripts, roughly from frequent to rare; what is not listed is rare. */
const frequent =
  ' etaoinsrlcdupm\\"fhg.b,_:-v/y0w1k()2x\'`=35476*8TSECA9IPRDNjOLM<>{}[]|qF$BUzG#;@+HW&Y?V';
const commonness = new Float64Array(256).fill(1 / (frequent.length + 4));
for (let rank = 0; rank < frequent.length; rank += 1) {
  commonness[frequent.charCodeAt(rank)] = 1 / (rank + 4);
}

function rarestPair(literal: Buffer): number {
  let best = 0;
  let bestCost = Number.POSITIVE_INFINITY;
  for (let offset = 0; offset + 2 < literal.length; offset += 1) {
    const cost = pairCost(literal, offset) + pairCost(literal, offset + 1);
    if (cost < bestCost) {
      best = offset;
      bestCost = cost;
    }
  }
  return best;
}

function pairCost(literal: Buffer, offset: number): number {
  const first = literal[offset] ?? 0;
  const second = literal[offset + 1] ?? 0;
  const cost = (commonness[first] ?? 0) * (commonness[second] ?? 0);
  return isCommonPair(first, second) ? cost * 6 : cost;
}
