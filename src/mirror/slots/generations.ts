import { randomBytes } from 'node:crypto';
import type { Bucket } from '../../bucket/bucket.js';
import { writeOver } from '../../bucket/write-over.js';
import { UnsupportedError } from '../../errors.js';
import { encodeDocument, type GenerationDocument } from '../../protocol/documents.js';
import { generationName } from '../../protocol/parts.js';
import { type Checkpoint, nameOf } from '../checkpoint.js';
import { currentGeneration, hasStranded, type Listing, listStream } from './listing.js';

/**
 * Opens the next generation. The record of what it shares with the last one is created, never replaced, so if two
 * writers find a conflict, one opens the generation and the other checks again.
 */
export async function openGeneration(
  bucket: Bucket,
  listing: Listing,
  best: Checkpoint,
  reason: string,
  who: string,
): Promise<Checkpoint | 'lost'> {
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
  const body = encodeDocument(document);
  const options = { contentType: 'application/json' };
  if (!(await writeOver(bucket, key, body, undefined, options)).written) return 'lost';
  return {
    generation,
    sequence: document.firstSeq,
    parts: best.parts,
    position: best.position,
    ahead: false,
  };
}

/** Why a chain that agrees with the source cannot be continued as it is; `undefined` if it can. */
export function reasonToReopen(
  bucket: Bucket,
  listing: Listing,
  checkpoint: Checkpoint,
): 'resumed' | 'repaired' | undefined {
  if (checkpoint.generation !== currentGeneration(listing)) return 'resumed';
  if (checkpoint.ahead || !bucket.capabilities.putIfAbsent) return undefined;
  if (checkpoint.parts.some(({ isRange }) => isRange)) return undefined;
  return hasStranded(listing, new Set(checkpoint.parts.map(nameOf))) ? 'repaired' : undefined;
}

/**
 * A chain is never continued in the other naming scheme. Slots after ranges begin a new generation. Ranges after slots
 * are refused: a writer that fills slots may still be running, and could not see them.
 */
export async function inMode(
  bucket: Bucket,
  prefix: string,
  checkpoint: Checkpoint,
  who: string,
): Promise<Checkpoint | 'lost'> {
  const last = checkpoint.parts[checkpoint.parts.length - 1];
  const isNewGeneration = last?.generation !== checkpoint.generation;
  const isRange = !bucket.capabilities.putIfAbsent;
  if (checkpoint.ahead || isNewGeneration || (last?.isRange === true) === isRange)
    return checkpoint;
  if (!isRange)
    return openGeneration(bucket, await listStream(bucket, prefix), checkpoint, 'mode', who);
  throw new UnsupportedError(
    `${prefix} was started through an access that arbitrates between writers`,
    {
      hint: 'Continue with that access, e.g. the S3 gateway, or use another project.',
    },
  );
}
