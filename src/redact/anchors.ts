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
 * Finds all occurrences of many literals in one pass that looks at every second byte. For each
 * literal two overlapping pairs of its bytes are in a table, so that whichever way it is aligned,
 * one of them is probed. The bytes on both sides of the pair must then fit: each literal is in one
 * of eight groups of its pair, and a bit per group says which bytes may precede and follow. Bytes
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
  readonly #before: Uint8Array;
  readonly #after: Uint8Array;

  constructor(anchors: readonly Anchor[]) {
    this.#literals = new LiteralTable(anchors);
    const rows = rowsOf(anchors, this.#rowOf);
    this.#before = neighbours(anchors, rows, -1);
    this.#after = neighbours(anchors, rows, 2);
    const entries = rows.flat();
    this.#firstOf = firstOfGroups(rows);
    this.#anchorOf = Uint16Array.from(entries, (entry) => entry.anchor);
    this.#offsetOf = Uint16Array.from(entries, (entry) => entry.offset);
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
    for (let left = fits; left !== 0; left &= left - 1) {
      const group = row * groups + 31 - Math.clz32(left & -left);
      const end = this.#firstOf[group + 1] as number;
      for (let entry = this.#firstOf[group] as number; entry < end; entry += 1) {
        const start = at - (this.#offsetOf[entry] as number);
        const anchor = this.#anchorOf[entry] as number;
        if (this.#literals.isAt(bytes, start, anchor) && visit(anchor, start)) return true;
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

/** The entries grouped by pair of bytes; records each pair's row in `rowOf`. */
function rowsOf(anchors: readonly Anchor[], rowOf: Uint16Array): readonly Entry[][] {
  const rows: Entry[][] = [[]];
  anchors.forEach((anchor, index) => {
    const first = rarestPair(anchor.bytes);
    for (const offset of [first, first + 1]) {
      for (const high of casesOf(anchor, offset)) {
        for (const low of casesOf(anchor, offset + 1)) {
          const pair = (low << 8) | high;
          if (rowOf[pair] === 0) rowOf[pair] = rows.push([]) - 1;
          rows[rowOf[pair] ?? 0]?.push({ anchor: index, offset });
        }
      }
    }
  });
  for (const row of rows) row.sort((a, b) => surroundings(anchors, a) - surroundings(anchors, b));
  return rows;
}

/** Entries with the same bytes around their pair become neighbours. */
function surroundings(anchors: readonly Anchor[], { anchor, offset }: Entry): number {
  const bytes = anchors[anchor]?.bytes;
  return ((bytes?.[offset + 2] ?? 0) << 8) | (bytes?.[offset - 1] ?? 0);
}

/** The table of bytes allowed at this distance from a pair: any byte where the literal has none. */
function neighbours(
  anchors: readonly Anchor[],
  rows: readonly Entry[][],
  distance: -1 | 2,
): Uint8Array {
  const table = new Uint8Array(rows.length << 8);
  rows.forEach((entries, row) => {
    const start = row << 8;
    const allow = (byte: number, group: number): void => {
      table[start | byte] = (table[start | byte] ?? 0) | group;
    };
    let open = 0;
    entries.forEach(({ anchor, offset }, index) => {
      const group = 1 << groupOf(index, entries);
      const byte = anchors[anchor]?.bytes[offset + distance];
      if (byte === undefined) {
        open |= group;
        return;
      }
      allow(byte, group);
      if (anchors[anchor]?.fold && isSmallLetter(byte)) allow(byte & ~0x20, group);
    });
    if (open === 0) return;
    for (let byte = 0; byte < 0x100; byte += 1) allow(byte, open);
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

/**
 * The most frequent pairs of bytes in transcripts, two characters each, in descending order: two
 * thirds of all pairs.
 */
const frequentPairs =
  '  \\n":n ,"inone erreeste",seen:"\\"stntut, at adeti tor omengthalhet leion\\s \\\\litoouconean staedpe"tare"' +
  'ss if d isronsittrri felasetlopund \\d" ct\\rasichr g {"fige)\\exec lypilomura tys"mapat"acmpidamtpkeolooof' +
  ': ceeacactrtllotimnave r"ct_usod=  defpoprnc\\tagun =oktu:{lafoha"s e,\\nlhoad (:\\ p11emditsrs00ulo xtpt"\\' +
  'faue},oprn b"}\\--4n.ife_lf"iic n\\fls_t.\\tt wspaicl20plnoe\\n""py "mni--moso0, m02dasu \'sa-1crrrl sc *) qu' +
  'ckmmape,:0ie_sIdsh"as._iabhios_cbef.To uCoe-l_luipir"r==Renpe(# va9926"d 1 2umruepgi011-lt6-"u. mis\\oc 8' +
  '> s/(seeigeqblt.29dovin_"2ry 7-ah 12wi17/s -cu #p"ba"fui()ow {): 0"osk10up:1),-2e.pi S hnu "pp}}"e_r__rg' +
  ' Td_//;\\fRnf:2 _';
const costOfPair = new Map<number, number>();
for (let at = 0; at < frequentPairs.length; at += 2) {
  const pair = (frequentPairs.charCodeAt(at) << 8) | frequentPairs.charCodeAt(at + 1);
  costOfPair.set(pair, 1 / (at / 2 + 30));
}
const isFrequent = new Uint8Array(256);
for (const byte of Buffer.from(' etaoinsrlcdupm\\"fhgb,_:-v/y0w1k()2x\'`=3')) isFrequent[byte] = 1;

function rarestPair(literal: Buffer): number {
  let best = 0;
  let bestCost = Number.POSITIVE_INFINITY;
  let cost = probeCost(literal, 0);
  for (let offset = 0; offset + 2 < literal.length; offset += 1) {
    const next = probeCost(literal, offset + 1);
    if (cost + next < bestCost) {
      best = offset;
      bestCost = cost + next;
    }
    cost = next;
  }
  return best;
}

/** How often the pair passes the table: less if the literal also says what surrounds it. */
function probeCost(literal: Buffer, offset: number): number {
  const known = Number(offset > 0) + Number(offset + 2 < literal.length);
  return pairCost(literal[offset] ?? 0, literal[offset + 1] ?? 0) * 0.25 ** known;
}

function pairCost(first: number, second: number): number {
  const known = costOfPair.get((first << 8) | second);
  if (known !== undefined) return known;
  const frequent = (isFrequent[first] ?? 0) + (isFrequent[second] ?? 0);
  return 0.0002 * 2 ** frequent;
}
