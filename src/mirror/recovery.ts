import type { Bucket } from '../bucket/bucket.js';
import { partName } from '../protocol/parts.js';
import { countMarkers } from '../redact/agreement.js';
import {
  type AlignContext,
  type Alignment,
  alignListed,
  isUnsteady,
  type Unsteady,
} from './align.js';
import { type Head, nameOf, type ShippedPart } from './chain.js';
import { completeLines } from './lines.js';
import { chainSegments, type Listing, listStream } from './listing.js';
import { type LineStream, type RecordStream, startPosition } from './stream.js';

/** What recovery found: a chain to go on with, or the best common beginning for a new generation. */
export type Recovery =
  | { readonly found: 'chain'; readonly head: Head }
  | { readonly found: 'conflict'; readonly best: Head; readonly listing: Listing };

/** A source that never holds still is tried again later rather than for ever. */
const maxRestarts = 5;

/**
 * Finds out from the bucket and the source alone how far the stream has come. The bucket is listed first and the source
 * read after it: the other way round, a part that somebody else shipped in between would look like a conflict.
 */
export async function recoverLines(
  context: AlignContext,
  prefix: string,
  stream: LineStream,
  known: readonly ShippedPart[],
): Promise<Recovery | Unsteady> {
  const listing = await listStream(context.bucket, prefix);
  const hints = new Map(known.map((part) => [nameOf(part), part]));
  for (let restart = 0; restart < maxRestarts; restart += 1) {
    const attempt = await tryGenerations(context, stream, listing, hints);
    if (attempt !== 'moved') return attempt;
  }
  return 'moved';
}

/** The newest generation that the source does not contradict; failing that, the longest common beginning of any. */
async function tryGenerations(
  context: AlignContext,
  stream: LineStream,
  listing: Listing,
  hints: ReadonlyMap<string, ShippedPart>,
): Promise<Recovery | Unsteady> {
  let best: Alignment | undefined;
  for (let generation = listing.newestGeneration; generation >= 0; generation -= 1) {
    const alignment = await alignListed(context, stream, listing, generation, hints);
    if (alignment === undefined) continue;
    if (isUnsteady(alignment)) return alignment;
    if (alignment.verdict !== 'conflict') return { found: 'chain', head: alignment.head };
    const further = alignment.head.position.line > (best?.head.position.line ?? -1);
    if (further) best = alignment;
  }
  const head = best?.head ?? { ...emptyChain(listing) };
  return { found: 'conflict', best: head, listing };
}

function emptyChain(listing: Listing): Head {
  return {
    generation: 0,
    sequence: listing.nextSequence,
    parts: [],
    position: startPosition,
    ahead: false,
  };
}

/**
 * A remembered head is believed when the bucket still has all of it (what others added meanwhile is found at the next slot).
 * Otherwise: a stream of records has nothing to compare, its position is what folding the shipped lines gives. It cannot conflict; the newest
 * generation whose record can be read is the one to go on with.
 */
export async function recoverRecords(
  bucket: Bucket,
  prefix: string,
  stream: RecordStream,
  remembered: Head | undefined,
): Promise<Head> {
  const listing = await listStream(bucket, prefix);
  const whole = remembered?.parts.every((part) => listing.parts.has(nameOf(part)));
  if (remembered !== undefined && whole) return remembered;
  for (let generation = listing.newestGeneration; generation > 0; generation -= 1) {
    if (chainSegments(listing.generations, generation) === undefined) continue;
    return foldChain(bucket, listing, stream, generation);
  }
  return foldChain(bucket, listing, stream, 0);
}

async function foldChain(
  bucket: Bucket,
  listing: Listing,
  stream: RecordStream,
  generation: number,
): Promise<Head> {
  let position = startPosition;
  let sequence = 0;
  const parts: ShippedPart[] = [];
  for (const segment of chainSegments(listing.generations, generation) ?? []) {
    sequence = segment.firstSequence;
    for (let count = 0; count !== segment.parts; count += 1) {
      const name = partName(sequence, segment.generation, position.line);
      const stored = listing.parts.has(name) ? await bucket.get(listing.prefix + name) : undefined;
      if (stored === undefined) break;
      const slot = { sequence, generation: segment.generation, startLine: position.line };
      position = stream.fold(position, completeLines(stored.body));
      parts.push(foldedPart(slot, position.line, stored.body, stored.modifiedAt));
      sequence += 1;
    }
  }
  return { generation, sequence, parts, position, ahead: false };
}

export function foldedPart(
  slot: Pick<ShippedPart, 'sequence' | 'generation' | 'startLine'>,
  endLine: number,
  body: Buffer,
  modifiedAt: Date,
): ShippedPart {
  return {
    ...slot,
    endLine,
    sourceBytes: body.length,
    uploadedBytes: body.length,
    fingerprint: '',
    redactions: Object.fromEntries(countMarkers(body)),
    uploadedAtMs: modifiedAt.getTime(),
  };
}
