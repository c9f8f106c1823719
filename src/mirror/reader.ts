import type { Bucket } from '../bucket/bucket.js';
import { partName } from '../protocol/parts.js';
import { completeLines } from './lines.js';
import { chainSegments, type Listing } from './listing.js';

/** One part as a reader meets it, in order, with its whole content. */
export interface ReadPart {
  readonly key: string;
  readonly sequence: number;
  readonly generation: number;
  readonly startLine: number;
  readonly endLine: number;
  readonly body: Buffer;
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
  let startLine = 0;
  for (const segment of chainSegments(listing.generations, generation) ?? []) {
    let sequence = segment.firstSequence;
    for (let count = 0; count !== segment.parts; count += 1) {
      const name = partName(sequence, segment.generation, startLine);
      const key = listing.prefix + name;
      const stored = listing.parts.has(name) ? await bucket.get(key) : undefined;
      if (stored === undefined) break;
      const endLine = startLine + completeLines(stored.body).length;
      yield {
        key,
        sequence,
        generation: segment.generation,
        startLine,
        endLine,
        body: stored.body,
      };
      startLine = endLine;
      sequence += 1;
    }
  }
}
