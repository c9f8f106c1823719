import type { Bucket } from '../../bucket/bucket.js';
import { completeLines } from '../lines.js';
import { ChainWalk, type Listing } from './listing.js';

/** One part as a reader meets it, in order, with its whole content. */
export interface ReadPart {
  readonly key: string;
  readonly sequence: number;
  readonly generation: number;
  readonly startLine: number;
  readonly endLine: number;
  readonly body: Buffer;
  /** Both its ends are in its name; parts beside it may overlap. */
  readonly isRange: boolean;
}

/**
 * The parts of one generation's chain in order, from the bucket alone: each part's end gives the name of the next. Stops at
 * the first name that is not there. Nothing when the generation's record, or one of its bases', cannot be read.
 */
export async function* readChain(
  bucket: Bucket,
  listing: Listing,
  generation: number,
): AsyncIterable<ReadPart> {
  const walk = ChainWalk.of(listing, generation);
  let startLine = 0;
  for (let slot = walk?.next(0); slot !== undefined; slot = walk?.next(startLine)) {
    const key = listing.prefix + slot.name;
    const stored = await bucket.get(key);
    if (stored === undefined) return;
    const endLine = startLine + completeLines(stored.body).length;
    const { sequence, generation: writtenIn, isRange } = slot;
    yield { key, sequence, generation: writtenIn, startLine, endLine, body: stored.body, isRange };
    startLine = endLine;
  }
}
