import type { Bucket, Stored } from '../../bucket/bucket.js';
import { writeOver } from '../../bucket/write-over.js';
import { inParallel } from '../../concurrency.js';
import { UnreachableError } from '../../errors.js';
import {
  type ClaimDocument,
  type HandoffDocument,
  handoffSchema,
  type StatusDocument,
  statusSchema,
} from '../../protocol/coordination.js';
import { DocumentError, encodeDocument, parseDocument } from '../../protocol/documents.js';
import { parseStatus, type StorePlace } from './document.js';
import { type FollowUp, followUpsOf, handoffIn, statusOf } from './follow-ups.js';

/** A status that was already read; `undefined` inside: there was none. */
export interface SeenStatus {
  readonly stored: Stored | undefined;
}

/**
 * Writes what follows from a claim: mail, events and `handoff.json`, then `status.json`. A status
 * that shows the end of the step therefore proves that the rest is there, and a reader that finds a
 * status older than the claim resumes where the last writer stopped. Throws at the first write that
 * cannot be confirmed, before the status.
 */
export async function settle(
  place: StorePlace,
  step: string,
  claim: ClaimDocument,
  seen?: SeenStatus,
): Promise<void> {
  if (claim.state === undefined) return;
  const { bucket, layout } = place;
  const key = layout.status(step);
  const stored = seen === undefined ? await bucket.get(key) : seen.stored;
  if (isSettled(claim, parseStatus(place, step, stored))) return;
  const handoff = handoffIn(claim);
  await Promise.all([
    inParallel(followUpsOf(layout, step, claim), (one) => createOnce(bucket, one)),
    handoff === undefined ? undefined : follow(bucket, handoffAt(layout.handoff(step), handoff)),
  ]);
  await follow(bucket, statusAt(key, claim), { stored });
}

/** Whether `status.json` matches the claim or is newer. */
export function isSettled(claim: ClaimDocument, status: StatusDocument | undefined): boolean {
  if (status === undefined || claim.state === undefined) return status !== undefined;
  const [epoch, place] = rankOfStatus(statusOf(claim));
  const [shownEpoch, shownPlace] = rankOfStatus(status);
  return shownEpoch > epoch || (shownEpoch === epoch && shownPlace >= place);
}

/** Whether `status.json` shows more than this claim: the claim was read before it was replaced. */
export function isAhead(
  status: StatusDocument | undefined,
  claim: ClaimDocument | undefined,
): boolean {
  if (status === undefined) return false;
  if (claim === undefined) return status.epoch > 0;
  return isBehind(rankOfStatus(statusOf(claim)), rankOfStatus(status));
}

/** The Python tool ends a step by writing `status.json` alone. Ours always has an epoch, so one without it came later. */
export function isForeignEnding(status: StatusDocument | undefined): status is StatusDocument {
  if (status === undefined || status.epoch !== 0) return false;
  return status.status !== 'pending' && status.status !== 'in_progress';
}

async function createOnce(bucket: Bucket, { key, body }: FollowUp): Promise<void> {
  if (bucket.capabilities.putIfAbsent) await bucket.putIfAbsent(key, body);
  else if ((await bucket.get(key)) === undefined) await bucket.put(key, body);
}

/** How far along a document is: its epoch, then its place within the epoch. */
type Rank = readonly [epoch: number, place: number];

interface Followed {
  readonly key: string;
  readonly body: Buffer;
  readonly rank: Rank;
  rankOf(body: Buffer): Rank;
}

const attempts = 5;

/** Brings a document up to the claim, never backwards. */
async function follow(
  bucket: Bucket,
  { key, body, rank, rankOf }: Followed,
  seen?: SeenStatus,
): Promise<void> {
  let stored = seen === undefined ? await bucket.get(key) : seen.stored;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (stored?.body.equals(body)) return;
    if (stored !== undefined && isBehind(rank, readRank(rankOf, stored.body))) return;
    if ((await writeOver(bucket, key, body, stored?.etag)).written) return;
    stored = await bucket.get(key);
  }
  throw new UnreachableError(`${key} keeps changing, and is not what the claim says yet`);
}

function isBehind([epoch, place]: Rank, [otherEpoch, otherPlace]: Rank): boolean {
  return epoch < otherEpoch || (epoch === otherEpoch && place < otherPlace);
}

/** An unreadable document ranks below everything and is rewritten. */
function readRank(rankOf: Followed['rankOf'], body: Buffer): Rank {
  try {
    return rankOf(body);
  } catch (error) {
    if (error instanceof DocumentError) return [-1, 0];
    throw error;
  }
}

function statusAt(key: string, claim: ClaimDocument): Followed {
  const status = statusOf(claim);
  return {
    key,
    body: encodeDocument(status),
    rank: rankOfStatus(status),
    rankOf: (body) => {
      const present = parseDocument(statusSchema, key, body);
      // Only a finished claim already includes what the Python tool said; any other would undo that
      // completion.
      const isLater = isForeignEnding(present) && claim.state !== 'done';
      return isLater ? [Number.POSITIVE_INFINITY, 0] : rankOfStatus(present);
    },
  };
}

function handoffAt(key: string, handoff: HandoffDocument): Followed {
  return {
    key,
    // The Python tool expects a string here, even if empty.
    body: encodeDocument({ ...handoff, note: handoff.note ?? '' }),
    rank: rankOfHandoff(handoff),
    rankOf: (body) => rankOfHandoff(parseDocument(handoffSchema, key, body)),
  };
}

/** Within one epoch a step is worked on, then handed over, then possibly reviewed or given back. */
const placeOf = { in_progress: 0, needs_review: 1, complete: 2, blocked: 2, pending: 3 } as const;

function rankOfStatus({ epoch, status }: StatusDocument): Rank {
  return [epoch, placeOf[status]];
}

function rankOfHandoff({ epoch, review }: HandoffDocument): Rank {
  return [epoch, review == null ? 0 : 1];
}
