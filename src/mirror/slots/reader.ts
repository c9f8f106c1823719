import type { Bucket, ObjectEntry } from '../../bucket/bucket.js';
import { parsePartName } from '../../protocol/parts.js';
import { countLines, endsWithNewline } from '../lines.js';
import { ChainWalk, isUnchained, type Listing } from './listing.js';
import type { ReadPartNamed } from './parts-ahead.js';

/** One part as a reader sees it, in order, with its whole content. */
export interface ReadPart {
  readonly key: string;
  readonly sequence: number;
  readonly generation: number;
  readonly startLine: number;
  readonly endLine: number;
  readonly body: Buffer;
  /** Its name contains both its ends; other parts may overlap it. */
  readonly isRange: boolean;
}

/** A part of which only the number of lines may be known. */
export interface WalkedPart extends Omit<ReadPart, 'body'> {
  /** `undefined`: it was not read. */
  readonly body: Buffer | undefined;
  /** As listed; `undefined` where lines run on from one part to the next. */
  readonly entry: ObjectEntry | undefined;
}

/** How many lines a listed part has; `undefined`: it has to be read. */
export type LinesOfPart = (entry: ObjectEntry) => number | undefined;

interface ChainReading {
  readonly read?: ReadPartNamed;
  readonly linesOf?: LinesOfPart | undefined;
}

/**
 * The parts of one generation's chain in order, from the bucket alone: each part's end gives the name of the next.
 * Stops at the first missing name. Yields nothing if the record of the generation or of one of its bases cannot be
 * read.
 */
export async function* readChain(
  bucket: Bucket,
  listing: Listing,
  generation: number,
  reading: Pick<ChainReading, 'read'> = {},
): AsyncIterable<ReadPart> {
  const parts = walkChain(bucket, listing, generation, reading);
  for await (const { body, entry: _, ...part } of parts) {
    if (body !== undefined) yield { ...part, body };
  }
}

/** The same, but parts of which the number of lines is known are not read. */
export async function* walkChain(
  bucket: Bucket,
  listing: Listing,
  generation: number,
  { read = (name) => bucket.get(listing.prefix + name), linesOf }: ChainReading = {},
): AsyncIterable<WalkedPart> {
  if (generation === 0 && isUnchained(listing)) {
    for await (const part of readInKeyOrder(listing, read)) yield { ...part, entry: undefined };
    return;
  }
  const walk = ChainWalk.of(listing, generation);
  let startLine = 0;
  for (let slot = walk?.next(0); slot !== undefined; slot = walk?.next(startLine)) {
    const { name, entry, sequence, generation: writtenIn, isRange } = slot;
    const lines = linesOf?.(entry);
    const body = lines === undefined ? (await read(name))?.body : undefined;
    if (lines === undefined && body === undefined) return;
    const endLine = startLine + (lines ?? countLines(body ?? none));
    const key = listing.prefix + name;
    yield { key, sequence, generation: writtenIn, startLine, endLine, body, isRange, entry };
    startLine = endLine;
  }
}

const none = Buffer.alloc(0);

/**
 * The Python tool splits a transcript by bytes and names its parts by number alone: a part's last line may continue in
 * the next part.
 */
async function* readInKeyOrder(listing: Listing, read: ReadPartNamed): AsyncIterable<ReadPart> {
  const names = [...listing.parts.keys()].sort();
  let startLine = 0;
  let rest: Buffer = Buffer.alloc(0);
  for (const [index, name] of names.entries()) {
    const key = listing.prefix + name;
    const stored = await read(name);
    if (stored === undefined) continue;
    const joined = Buffer.concat([rest, stored.body]);
    const isCut = index === names.length - 1 && joined.length > 0 && !endsWithNewline(joined);
    const bytes = isCut ? Buffer.concat([joined, Buffer.from('\n')]) : joined;
    const end = bytes.lastIndexOf('\n') + 1;
    rest = bytes.subarray(end);
    const body = bytes.subarray(0, end);
    const endLine = startLine + countLines(body);
    const sequence = parsePartName(name)?.sequence ?? 0;
    yield { key, sequence, generation: 0, startLine, endLine, body, isRange: false };
    startLine = endLine;
  }
}
