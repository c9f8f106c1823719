import type { Bucket } from '../../bucket/bucket.js';
import {
  type Checkpoint,
  emptyCheckpoint,
  nameOf,
  nextPartName,
  type ShippedPart,
} from '../checkpoint.js';
import { completeLines, endsWithNewline } from '../lines.js';
import { type LineStream, type RecordStream, startPosition } from '../stream.js';
import { type Beyond, readBeyond } from './beyond-source.js';
import { foldedPart } from './folded-part.js';
import { fillGap } from './gap-repair.js';
import { reasonToReopen } from './generations.js';
import { ChainWalk, currentGeneration, type Listing, listStream, newestFirst } from './listing.js';
import {
  isUnsteady,
  type ReconcileContext,
  type Reconciliation,
  reconcileListed,
  type Unsteady,
} from './reconcile.js';

/** What recovery found: a chain to continue, or the best common beginning for a new generation. */
export type Recovery =
  | {
      readonly found: 'chain';
      readonly checkpoint: Checkpoint;
      readonly listing: Listing;
      /** Missing parts that were put back, by name. */
      readonly restored: ReadonlySet<string>;
      /** What the chain holds after the end of a source that is behind; `undefined` if nobody looked. */
      readonly beyond?: Beyond | undefined;
    }
  | { readonly found: 'conflict'; readonly best: Checkpoint; readonly listing: Listing };

/** A source that keeps changing is tried again later rather than forever. */
const maxRestarts = 5;

/**
 * Finds out from the bucket and the source alone how far the stream has come. It lists the bucket before it reads the
 * source: the other way round, a part that someone else uploaded in between would look like a conflict. With `mayFill`
 * a part missing from the chain is put back; otherwise nothing is written.
 */
export async function recoverLines(
  context: ReconcileContext,
  prefix: string,
  stream: LineStream,
  known: readonly ShippedPart[],
  mayFill: boolean,
): Promise<Recovery | Unsteady> {
  let listing = await listStream(context.bucket, prefix);
  const restored = new Set<string>();
  const hints = new Map(known.map((part) => [nameOf(part), part]));
  if ([...hints.keys()].some((name) => !listing.parts.has(name))) await context.confirmBucket?.();
  for (let restart = 0; restart < maxRestarts; ) {
    const tried = await tryGenerations(context, stream, listing, hints);
    const attempt =
      tried === 'moved' || tried === 'gone' || tried.found === 'conflict'
        ? tried
        : { ...tried, restored };
    if (attempt === 'moved') {
      restart += 1;
      continue;
    }
    if (attempt === 'gone' || attempt.found === 'conflict') return attempt;
    if (!mayFill || attempt.checkpoint.generation !== currentGeneration(listing)) return attempt;
    if (attempt.checkpoint.ahead) {
      const beyond = await readBeyond(context.bucket, listing, attempt.checkpoint, hints);
      return { ...attempt, beyond };
    }
    const filled = await fillGap(context, stream, listing, attempt.checkpoint, hints);
    if (filled === undefined) return attempt;
    restored.add(nextPartName(attempt.checkpoint));
    listing = filled;
  }
  return 'moved';
}

/** The newest generation that does not contradict the source; failing that, the longest common beginning of any. */
async function tryGenerations(
  context: ReconcileContext,
  stream: LineStream,
  listing: Listing,
  hints: ReadonlyMap<string, ShippedPart>,
): Promise<Recovery | Unsteady> {
  let best: Reconciliation | undefined;
  for (const generation of newestFirst(listing)) {
    const alignment = await reconcileListed(context, stream, listing, generation, hints);
    if (alignment === undefined) continue;
    if (isUnsteady(alignment)) return alignment;
    if (alignment.verdict !== 'conflict')
      return { found: 'chain', checkpoint: alignment.checkpoint, listing, restored: new Set() };
    const further = alignment.checkpoint.position.line > (best?.checkpoint.position.line ?? -1);
    if (further) best = alignment;
  }
  const checkpoint = best?.checkpoint ?? { ...emptyCheckpoint, sequence: listing.nextSequence };
  return { found: 'conflict', best: checkpoint, listing };
}

/**
 * Trusts a remembered head if the bucket still has all of it, as readers find it (anything others added meanwhile is
 * found at the next slot). Otherwise a stream of records has nothing to compare: its position is the fold of the
 * uploaded lines. It cannot conflict, so it continues the newest generation whose record can be read. `observe` is
 * called with each uploaded line that was folded, and its number.
 */
export async function recoverRecords(
  { bucket, observe, confirmBucket }: Omit<ReconcileContext, 'redactor'>,
  prefix: string,
  stream: RecordStream,
  remembered: Checkpoint | undefined,
): Promise<RecordsRecovery> {
  const listing = await listStream(bucket, prefix);
  if (remembered !== undefined && holdsAll(listing, remembered)) {
    return { checkpoint: remembered, listing, isTorn: false };
  }
  if (remembered !== undefined) await confirmBucket?.();
  const generation = currentGeneration(listing);
  const walk = ChainWalk.of(listing, generation);
  if (walk === undefined) return { checkpoint: emptyCheckpoint, listing, isTorn: false };
  return { listing, ...(await foldChain(bucket, listing, stream, generation, walk, observe)) };
}

export interface RecordsRecovery {
  readonly checkpoint: Checkpoint;
  readonly listing: Listing;
  /** A part was truncated, so nothing can follow it. */
  readonly isTorn: boolean;
}

/** Whether the bucket still holds what was uploaded, and nobody opened another generation. */
export async function isStillHeld(
  { bucket, prefix }: { readonly bucket: Bucket; readonly prefix: string },
  checkpoint: Checkpoint,
): Promise<boolean> {
  return isAsSent(bucket, await listStream(bucket, prefix), checkpoint);
}

export function isAsSent(bucket: Bucket, listing: Listing, checkpoint: Checkpoint): boolean {
  return holdsAll(listing, checkpoint) && reasonToReopen(bucket, listing, checkpoint) === undefined;
}

/** Whether every remembered part is listed, at its old length, in the generation that readers take. */
function holdsAll(listing: Listing, { parts, generation, ahead }: Checkpoint): boolean {
  if (generation !== currentGeneration(listing)) return false;
  const isThere = (part: ShippedPart): boolean =>
    listing.parts.get(nameOf(part))?.size === part.uploadedBytes;
  return !ahead && parts.every(isThere);
}

async function foldChain(
  bucket: Bucket,
  listing: Listing,
  stream: RecordStream,
  generation: number,
  walk: ChainWalk,
  observe: (shipped: Buffer, number: number) => void,
): Promise<Pick<RecordsRecovery, 'checkpoint' | 'isTorn'>> {
  let position = startPosition;
  const parts: ShippedPart[] = [];
  const checkpoint = (): Checkpoint => ({
    generation,
    sequence: walk.sequence,
    parts,
    position,
    ahead: false,
  });
  for (let slot = walk.next(0); slot !== undefined; slot = walk.next(position.line)) {
    const stored = await bucket.get(listing.prefix + slot.name);
    if (stored === undefined || !endsWithNewline(stored.body)) {
      return { checkpoint: checkpoint(), isTorn: true };
    }
    const { sequence, generation: writtenIn } = slot;
    const place = { sequence, generation: writtenIn, startLine: position.line };
    const lines = completeLines(stored.body);
    position = stream.fold(position, lines);
    for (const [index, line] of lines.entries()) observe(line, place.startLine + index);
    const part = foldedPart(place, position.line, stored.body, stored.modifiedAt);
    parts.push(slot.isRange ? { ...part, isRange: true } : part);
  }
  return { checkpoint: checkpoint(), isTorn: false };
}
