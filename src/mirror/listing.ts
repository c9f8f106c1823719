import type { Bucket, ObjectEntry } from '../bucket/bucket.js';
import {
  DocumentError,
  type GenerationDocument,
  generationSchema,
  parseDocument,
} from '../protocol/documents.js';
import { generationName, parseGenerationName, parsePartName } from '../protocol/parts.js';

/** What the bucket holds of one stream. */
export interface Listing {
  readonly prefix: string;
  /** By leaf name. */
  readonly parts: ReadonlyMap<string, ObjectEntry>;
  /** Every generation that was opened (0 needs no record), by number. */
  readonly generations: ReadonlyMap<number, GenerationDocument>;
  /** The highest number any generation has or claims, readable or not. */
  readonly newestGeneration: number;
  /** Higher than any sequence number in use. */
  readonly nextSequence: number;
}

export async function listStream(bucket: Bucket, prefix: string): Promise<Listing> {
  const parts = new Map<string, ObjectEntry>();
  const numbers: number[] = [];
  let nextSequence = 0;
  for await (const entry of bucket.list(prefix)) {
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

/**
 * Where the chain of `generation` begins: the generations it is built from, oldest first, each with the number of its
 * parts that belong to the chain (`undefined` for the last: as many as there are) and its first sequence number.
 *
 * A base may end inside the base of its own base, so each count is limited by those after it.
 */
export interface ChainSegment {
  readonly generation: number;
  readonly firstSequence: number;
  readonly parts: number | undefined;
}

export function chainSegments(
  generations: ReadonlyMap<number, GenerationDocument>,
  generation: number,
): readonly ChainSegment[] | undefined {
  if (generation === 0) return [{ generation: 0, firstSequence: 0, parts: undefined }];
  const document = generations.get(generation);
  if (document === undefined) return undefined;
  const own = { generation, firstSequence: document.firstSeq, parts: undefined };
  if (document.base === null) return [own];
  if (document.base.gen >= generation) return undefined;
  const base = chainSegments(generations, document.base.gen);
  if (base === undefined) return undefined;
  return [...limitedTo(document.base.parts, base), own];
}

/** The total is a limit over the whole base chain, so a segment keeps only what those before it leave. */
function limitedTo(total: number, segments: readonly ChainSegment[]): readonly ChainSegment[] {
  let left = total;
  const kept: ChainSegment[] = [];
  for (const segment of segments) {
    if (left <= 0) break;
    const parts = segment.parts === undefined ? left : Math.min(left, segment.parts);
    kept.push({ ...segment, parts });
    left -= parts;
  }
  return kept;
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

/** A damaged record makes its generation unreadable, not the stream: the others still count. */
function readable(key: string, body: Buffer): GenerationDocument | undefined {
  try {
    return parseDocument(generationSchema, key, body);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}
