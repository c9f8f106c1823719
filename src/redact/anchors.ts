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
 * pairs of its bytes are in a table, so that whichever way it is aligned, one of them is probed. Then the byte beside the
 * pair must fit some literal, and only then are bytes compared. The pairs are the literal's rarest in text, so that
 * `password` is looked for by `sw` and `wo`.
 */
export class AnchorIndex {
  readonly #anchors: readonly Anchor[];
  readonly #bucketOf = new Uint16Array(0x10000);
  readonly #buckets: Entry[][] = [[]];
  /** For each bucket, which bytes after the pair or before it belong to one of its literals. */
  readonly #after: Uint8Array;
  readonly #before: Uint8Array;

  constructor(anchors: readonly Anchor[]) {
    this.#anchors = anchors;
    anchors.forEach((anchor, index) => {
      this.#add(anchor, index);
    });
    this.#after = new Uint8Array(this.#buckets.length * 256);
    this.#before = new Uint8Array(this.#buckets.length * 256);
    this.#buckets.forEach((entries, bucket) => {
      for (const entry of entries) this.#markNeighbour(bucket, entry);
    });
  }

  scan(bytes: Buffer, visit: Visit): void {
    if (bytes.length < shortestAnchor) return;
    const bucketOf = this.#bucketOf;
    const after = this.#after;
    const before = this.#before;
    const last = bytes.length - 1;
    const skew = bytes.byteOffset & 1;
    const pairs = new Uint16Array(
      bytes.buffer,
      bytes.byteOffset + skew,
      (bytes.length - skew) >> 1,
    );
    for (let index = 0; index < pairs.length; index += 1) {
      const bucket = bucketOf[pairs[index] as number] as number;
      if (bucket === 0) continue;
      const at = index * 2 + skew;
      const row = bucket << 8;
      const isNear =
        (at + 2 <= last && after[row | (bytes[at + 2] as number)] === 1) ||
        (at > 0 && before[row | (bytes[at - 1] as number)] === 1);
      if (isNear && this.#visitAt(bytes, at, bucket, visit)) return;
    }
  }

  #visitAt(bytes: Buffer, at: number, bucket: number, visit: Visit): boolean {
    for (const entry of this.#buckets[bucket] ?? []) {
      const start = at - entry.offset;
      const anchor = this.#anchors[entry.anchor];
      if (anchor === undefined || !isAt(bytes, start, anchor)) continue;
      if (visit(entry.anchor, start)) return true;
    }
    return false;
  }

  #add(anchor: Anchor, index: number): void {
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
    if (this.#bucketOf[pair] === 0) {
      this.#bucketOf[pair] = this.#buckets.length;
      this.#buckets.push([]);
    }
    this.#buckets[this.#bucketOf[pair] ?? 0]?.push(entry);
  }

  #markNeighbour(bucket: number, entry: Entry): void {
    const anchor = this.#anchors[entry.anchor];
    if (anchor === undefined) return;
    const isLast = entry.offset + 2 >= anchor.bytes.length;
    const table = isLast ? this.#before : this.#after;
    const offset = isLast ? entry.offset - 1 : entry.offset + 2;
    for (const byte of casesOf(anchor, offset)) table[(bucket << 8) | byte] = 1;
  }
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

function casesOf(anchor: Anchor, offset: number): readonly number[] {
  const byte = anchor.bytes[offset] ?? 0;
  const isLetter = byte >= 0x61 && byte <= 0x7a;
  return anchor.fold && isLetter ? [byte, byte & ~0x20] : [byte];
}

/** Bytes of transcripts, roughly from frequent to rare; what is not listed is rare. */
const frequent =
  ' etaoinsrlcdupm\\"fhg.b,_:-v/y0w1k()2x\'`=35476*8TSECA9IPRDNjOLM<>{}[]|qF$BUzG#;@+HW&Y?V';

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
  const pair = literal.toString('latin1', offset, offset + 2);
  const cost = commonness(literal[offset] ?? 0) * commonness(literal[offset + 1] ?? 0);
  return isCommonPair(pair) ? cost * 6 : cost;
}

function commonness(byte: number): number {
  const rank = frequent.indexOf(String.fromCharCode(byte));
  return 1 / ((rank === -1 ? frequent.length : rank) + 4);
}
