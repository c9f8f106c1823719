import type { Bucket } from '../../bucket/bucket.js';
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

/**
 * The parts of one generation's chain in order, from the bucket alone: each part's end gives the name of the next.
 * Stops at the first missing name. Yields nothing if the record of the generation or of one of its bases cannot be
 * read.
 */
export async function* readChain(
  bucket: Bucket,
  listing: Listing,
  generation: number,
  read: ReadPartNamed = (name) => bucket.get(listing.prefix + name),
): AsyncIterable<ReadPart> {
  if (generation === 0 && isUnchained(listing)) {
    yield* readInKeyOrder(listing, read);
    return;
  }
  const walk = ChainWalk.of(listing, generation);
  let startLine = 0;
  for (let slot = walk?.next(0); slot !== undefined; slot = walk?.next(startLine)) {
    const key = listing.prefix + slot.name;
    const stored = await read(slot.name);
    if (stored === undefined) return;
    const endLine = startLine + countLines(stored.body);
    const { sequence, generation: writtenIn, isRange } = slot;
    yield { key, sequence, generation: writtenIn, startLine, endLine, body: stored.body, isRange };
    startLine = endLine;
  }
}

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
