import type { Need } from '../terms/query-terms.js';
import { decodeBlock, type PlacedRow } from './block.js';
import { DamagedPackError } from './bytes.js';
import { findInPiece, piecesOf } from './dictionary.js';
import {
  decodeFooter,
  footerLength,
  type PackFooter,
  type PackPiece,
  type PackSection,
  piecesFrom,
  trailerBytes,
  unpackPiece,
} from './footer.js';

/** Where a pack is read from, by stretches. */
export interface PackSource {
  readonly size: number;
  /** Others may have written it, so a hit in it counts only if the bucket has the line, too. */
  readonly isShared?: boolean;
  read(at: number, length: number): Promise<Buffer>;
}

/** A block of a pack, as its footer tells. */
export interface BlockPlace {
  readonly block: number;
  readonly first: number;
  readonly end: number;
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** Immutable, and checked: whatever is not as it must be throws a `DamagedPackError`. */
export class Pack {
  readonly #source: PackSource;
  readonly #footer: PackFooter;
  readonly #blocks: readonly PackPiece[];
  readonly #terms: readonly PackPiece[];
  readonly #bySection: readonly (readonly BlockPlace[])[];
  #isDamaged = false;

  private constructor(source: PackSource, footer: PackFooter) {
    this.#source = source;
    this.#footer = footer;
    this.#blocks = piecesFrom(0, footer.blocks);
    const last = this.#blocks.at(-1);
    this.#terms = piecesFrom(last === undefined ? 0 : last.at + last.packed, footer.terms);
    this.#bySection = placesBySection(footer);
  }

  static async open(source: PackSource): Promise<Pack> {
    const { size } = source;
    if (size < trailerBytes) throw new DamagedPackError('it is not a pack');
    const trailer = await source.read(size - trailerBytes, trailerBytes);
    const length = footerLength(trailer, size);
    const packed = await source.read(size - trailerBytes - length, length);
    return new Pack(source, decodeFooter(packed, trailer, size));
  }

  /** Something in it was not as it must be. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  get isShared(): boolean {
    return this.#source.isShared === true;
  }

  /** It says what the bucket does not, so nothing in it counts any more. */
  distrust(): void {
    this.#isDamaged = true;
  }

  get sections(): readonly PackSection[] {
    return this.#footer.sections;
  }

  /** What its blocks unpack to. */
  get textBytes(): number {
    return this.#footer.blocks.raw.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** The blocks of a section, in the order of their lines. */
  blocksOf(section: number): readonly BlockPlace[] {
    return this.#bySection[section] ?? [];
  }

  /** What a block unpacks to. */
  rawBytesOf(block: number): number {
    return this.#blocks[block]?.raw ?? 0;
  }

  /** By number, 1 for each block that may hold a text with all these needs. */
  blocksWith(needs: readonly Need[]): Promise<Uint8Array> {
    return this.#checked(() => this.#blocksWithAll(needs));
  }

  rows(block: number): Promise<readonly PlacedRow[]> {
    return this.#checked(async () => {
      const piece = this.#blocks[block];
      if (piece === undefined) throw new DamagedPackError('it has no such block');
      return decodeBlock(await this.#read(piece));
    });
  }

  async #checked<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof DamagedPackError) this.#isDamaged = true;
      throw error;
    }
  }

  async #blocksWithAll(needs: readonly Need[]): Promise<Uint8Array> {
    const { firsts } = this.#footer.terms;
    const asked = needs.map((need) => new Set(need.flatMap((range) => piecesOf(firsts, range))));
    const packed = await this.#packedTerms(asked.flatMap((numbers) => [...numbers]));
    const common = new Uint8Array(this.#blocks.length).fill(1);
    for (const [at, need] of needs.entries()) {
      const isMarked = new Uint8Array(this.#blocks.length);
      for (const number of asked[at] ?? []) {
        const [piece, bytes] = [this.#terms[number], packed.get(number)];
        if (piece === undefined || bytes === undefined) continue;
        findInPiece(unpackPiece(bytes, piece), need, isMarked);
      }
      for (const [block, mark] of isMarked.entries()) if (mark === 0) common[block] = 0;
    }
    return common;
  }

  /** These pieces of the dictionary, still packed. In a bucket, reading one after the other would be as many round trips. */
  async #packedTerms(numbers: readonly number[]): Promise<ReadonlyMap<number, Buffer>> {
    const packed = new Map<number, Buffer>();
    await Promise.all(
      stretchesOf(numbers).map(async ({ from, to }) => {
        const pieces = this.#terms.slice(from, to);
        const at = pieces[0]?.at ?? 0;
        const length = pieces.reduce((sum, piece) => sum + piece.packed, 0);
        const bytes = await this.#source.read(at, length);
        for (const [n, piece] of pieces.entries()) {
          packed.set(from + n, bytes.subarray(piece.at - at, piece.at - at + piece.packed));
        }
      }),
    );
    return packed;
  }

  async #read(piece: PackPiece): Promise<Buffer> {
    return unpackPiece(await this.#source.read(piece.at, piece.packed), piece);
  }
}

function placesBySection({ sections, blocks }: PackFooter): readonly (readonly BlockPlace[])[] {
  const places = sections.map((): BlockPlace[] => []);
  for (const [block, section] of blocks.section.entries()) {
    const [first, end] = [blocks.first[block] ?? 0, blocks.end[block] ?? 0];
    const [fromMs, toMs] = [blocks.from[block] ?? null, blocks.to[block] ?? null];
    places[section]?.push({ block, first, end, fromMs, toMs });
  }
  return places;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Consecutive ones together. */
function stretchesOf(numbers: readonly number[]): readonly Stretch[] {
  const stretches: { from: number; to: number }[] = [];
  for (const number of [...new Set(numbers)].sort((left, right) => left - right)) {
    const last = stretches.at(-1);
    if (last?.to === number) last.to = number + 1;
    else stretches.push({ from: number, to: number + 1 });
  }
  return stretches;
}
