import { randomBytes } from 'node:crypto';
import type { Bucket } from '../bucket/bucket.js';
import { encodeDocument, type GenerationDocument } from '../protocol/documents.js';
import { generationName } from '../protocol/parts.js';
import type { Head } from './chain.js';
import type { Listing } from './listing.js';

/**
 * Opens the generation after the newest: the record of what it shares with the last is created, never replaced, so of two
 * writers that both find a conflict one opens it and the other looks again.
 */
export async function openGeneration(
  bucket: Bucket,
  listing: Listing,
  best: Head,
  reason: string,
  who: string,
): Promise<Head | 'lost'> {
  const generation = listing.newestGeneration + 1;
  const document: GenerationDocument & { nonce: string } = {
    gen: generation,
    firstSeq: listing.nextSequence,
    base: best.parts.length === 0 ? null : { gen: best.generation, parts: best.parts.length },
    reason,
    who,
    at: (await bucket.now()).toISOString(),
    nonce: randomBytes(8).toString('hex'),
  };
  const key = listing.prefix + generationName(generation);
  const outcome = await bucket.putIfAbsent(key, encodeDocument(document), {
    contentType: 'application/json',
  });
  if (!outcome.written) return 'lost';
  return {
    generation,
    sequence: document.firstSeq,
    parts: best.parts,
    position: best.position,
    ahead: false,
  };
}
