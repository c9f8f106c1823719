import type { Bucket, Entry, ObjectEntry } from '../../bucket/bucket.js';
import {
  DocumentError,
  type GenerationDocument,
  generationSchema,
  parseDocument,
} from '../../protocol/documents.js';
import {
  generationName,
  parseGenerationName,
  parsePartName,
  partName,
} from '../../protocol/parts.js';
import { type RangePart, rangePath } from './range-path.js';

/** What the bucket holds of one stream. */
export interface Listing {
  readonly prefix: string;
  /** By leaf name. */
  readonly parts: ReadonlyMap<string, ObjectEntry>;
  /** Every generation that was opened, by number (0 needs no record). */
  readonly generations: ReadonlyMap<number, GenerationDocument>;
  /** The highest number that any generation has or claims, readable or not. */
  readonly newestGeneration: number;
  /** Higher than any sequence number in use. */
  readonly nextSequence: number;
}

/** `entries`: what is below the prefix, if that was listed before. */
export async function listStream(
  bucket: Bucket,
  prefix: string,
  entries: Iterable<Entry> | AsyncIterable<Entry> = bucket.list(prefix),
): Promise<Listing> {
  const parts = new Map<string, ObjectEntry>();
  const numbers: number[] = [];
  let nextSequence = 0;
  for await (const entry of entries) {
    if (entry.kind !== 'object') continue;
    const leaf = entry.key.slice(prefix.length);
    const part = parsePartName(leaf);
    const generation = parseGenerationName(leaf);
    if (generation !== undefined && generation > 0) numbers.push(generation);
    if (part === undefined) continue;
    parts.set(leaf, entry);
    nextSequence = Math.max(nextSequence, part.sequence + 1);
  }
  const generations = await readGenerations(bucket, prefix, numbers);
  for (const { firstSeq } of generations.values()) nextSequence = Math.max(nextSequence, firstSeq);
  return { prefix, parts, generations, newestGeneration: Math.max(0, ...numbers), nextSequence };
}

export interface ChainSegment {
  readonly generation: number;
  readonly firstSequence: number;
  /** How many parts of the chain precede the next generation; `undefined` for the last one. */
  readonly partsInAll: number | undefined;
}

/**
 * The generations that the chain of `generation` is built from, oldest first; `undefined` if a record is missing. A
 * base may end inside its own base, so each length is limited by those after it.
 */

export function chainSegments(
  generations: ReadonlyMap<number, GenerationDocument>,
  generation: number,
): readonly ChainSegment[] | undefined {
  const segments: ChainSegment[] = [];
  let limit: number | undefined;
  let next = generation;
  for (;;) {
    const document = generations.get(next);
    if (document === undefined && next !== 0) return undefined;
    const firstSequence = document?.firstSeq ?? 0;
    segments.unshift({ generation: next, firstSequence, partsInAll: limit });
    if (document === undefined || document.base === null) return segments;
    if (document.base.gen >= next) return undefined;
    limit = Math.min(limit ?? Number.POSITIVE_INFINITY, document.base.parts);
    next = document.base.gen;
  }
}

/** One part of a chain, as listed. */
export interface ChainSlot {
  readonly name: string;
  readonly generation: number;
  readonly sequence: number;
  readonly entry: ObjectEntry;
  /** Its name contains both its ends. */
  readonly isRange: boolean;
}

/**
 * Walks a listed chain from its beginning. The caller reads each part and reports where it ends; that gives the next
 * name.
 */
export class ChainWalk {
  readonly #listing: Listing;
  readonly #segments: readonly ChainSegment[];
  #segment = 0;
  #parts = 0;
  #sequence: number;
  /** The path through this segment's parts whose names contain both ends, once it was computed. */
  #ranges: readonly RangePart[] | undefined;

  private constructor(listing: Listing, segments: readonly ChainSegment[]) {
    this.#listing = listing;
    this.#segments = segments;
    this.#sequence = segments[0]?.firstSequence ?? 0;
  }

  /** `undefined` if the record of the generation or of one of its bases is missing or unreadable. */
  static of(listing: Listing, generation: number): ChainWalk | undefined {
    const segments = chainSegments(listing.generations, generation);
    return segments === undefined ? undefined : new ChainWalk(listing, segments);
  }

  /** The sequence number after the last part walked. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The part that begins at this line; `undefined` at the end of the chain. */
  next(startLine: number): ChainSlot | undefined {
    for (;;) {
      const segment = this.#segments[this.#segment];
      if (segment === undefined) return undefined;
      const slot = this.#slotIn(segment, startLine);
      if (slot !== undefined) {
        this.#parts += 1;
        this.#sequence += 1;
        return slot;
      }
      const following = this.#segments[this.#segment + 1];
      if (following === undefined) return undefined;
      this.#segment += 1;
      this.#sequence = following.firstSequence;
      this.#ranges = undefined;
    }
  }

  #slotIn({ generation, partsInAll }: ChainSegment, startLine: number): ChainSlot | undefined {
    if (partsInAll !== undefined && this.#parts >= partsInAll) return undefined;
    const name = partName(this.#sequence, generation, startLine);
    const entry = this.#listing.parts.get(name);
    const sequence = this.#sequence;
    if (entry !== undefined) return { name, generation, sequence, entry, isRange: false };
    return this.#rangeIn(generation, startLine);
  }

  #rangeIn(generation: number, startLine: number): ChainSlot | undefined {
    const sequence = this.#sequence;
    this.#ranges ??= rangePath(this.#listing.parts, generation, sequence, startLine);
    const part = this.#ranges.find((one) => one.sequence === sequence);
    if (part?.startLine !== startLine) return undefined;
    return { name: part.name, generation, sequence, entry: part.entry, isRange: true };
  }
}

/** Another tool wrote it: it has a first part, but none that a chain could begin with. */
export function isUnchained(listing: Listing): boolean {
  if (listing.newestGeneration > 0) return false;
  const hasFirst = [...listing.parts.keys()].some((name) => parsePartName(name)?.sequence === 0);
  return hasFirst && ChainWalk.of(listing, 0)?.next(0) === undefined;
}

/** The generation that readers take for the current transcript: the newest whose record and bases can be read. */
export function currentGeneration(listing: Listing): number {
  const readable = newestFirst(listing).find((one) => chainSegments(listing.generations, one));
  return readable ?? 0;
}

/**
 * Whether a stream of one generation has parts that its chain does not reach. Once generations were opened, readers
 * follow names; before that they may join every part there is, and would show those lines as well.
 */
export function hasStranded(
  { parts, newestGeneration }: Listing,
  reached: ReadonlySet<string>,
): boolean {
  return newestGeneration === 0 && [...parts.keys()].some((name) => !reached.has(name));
}

/** The generations to try, newest first; 0 needs no record. */
export function newestFirst({ generations }: Listing): readonly number[] {
  return [...[...generations.keys()].sort((left, right) => right - left), 0];
}

async function readGenerations(
  bucket: Bucket,
  prefix: string,
  numbers: readonly number[],
): Promise<ReadonlyMap<number, GenerationDocument>> {
  const documents = new Map<number, GenerationDocument>();
  for (const number of numbers) {
    const key = prefix + generationName(number);
    const stored = await bucket.get(key);
    const document = stored === undefined ? undefined : readable(key, stored.body);
    if (document?.gen === number) documents.set(number, document);
  }
  return documents;
}

/** A damaged record makes its generation unreadable, but not the whole stream: the others still count. */
function readable(key: string, body: Buffer): GenerationDocument | undefined {
  try {
    return parseDocument(generationSchema, key, body);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}
