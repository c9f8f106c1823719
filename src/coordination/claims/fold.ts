import type { Stored } from '../../bucket/bucket.js';
import { UnreachableError } from '../../errors.js';
import {
  type ClaimDocument,
  type HandoffDocument,
  handoffSchema,
  type StatusDocument,
} from '../../protocol/coordination.js';
import { DocumentError, parseDocument } from '../../protocol/documents.js';
import { newNonce } from '../event-timestamp.js';
import {
  type ClaimPlace,
  getBounded,
  parseStatus,
  type ReadClaim,
  readClaim,
  writeClaim,
} from './document.js';
import { isAhead, isForeignEnding, settle } from './settle.js';

/** A step's documents as read, with everything the Python tool recorded merged into the claim. */
export interface StepDocuments {
  readonly claim: ReadClaim | undefined;
  readonly stored: Stored | undefined;
  readonly status: StatusDocument | undefined;
}

const attempts = 5;

/**
 * Reads a step before anything builds on it. A step the Python tool ended in `status.json` alone is
 * first recorded as ended in the claim, which fences its holder; if that cannot be confirmed,
 * nothing may build on what was read.
 */
export async function readFolded(place: ClaimPlace, step: string): Promise<StepDocuments> {
  const { bucket, layout } = place;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const [early, stored] = await Promise.all([
      readClaim(place, step),
      bucket.get(layout.status(step)),
    ]);
    const status = parseStatus(place, step, stored);
    // Together they would show a step that was ended as held.
    const claim = isAhead(status, early?.document) ? await readClaim(place, step) : early;
    if (stored === undefined || !isForeignEnding(status) || claim?.document.state === 'done') {
      return { claim, stored, status };
    }
    const folded = await foldedClaim(place, step, { claim, stored, status });
    const { written } = await writeClaim(place, step, folded, claim);
    if (written) await settle(place, step, folded, { stored });
  }
  throw new UnreachableError(`step ${step} was ended by another tool, and keeps changing`, {
    hint: 'Nothing was built on it. Try again.',
  });
}

interface ForeignEnding {
  readonly claim: ReadClaim | undefined;
  readonly stored: Stored;
  readonly status: StatusDocument;
}

async function foldedClaim(
  place: ClaimPlace,
  step: string,
  { claim, stored, status }: ForeignEnding,
): Promise<ClaimDocument> {
  const epoch = (claim?.document.epoch ?? 0) + 1;
  const agent = status.agent ?? claim?.document.agent ?? 'unknown';
  const endedAt = isTime(status.completed_at)
    ? status.completed_at
    : stored.modifiedAt.toISOString();
  const handoff = await foreignHandoff(place, step);
  const { status: state } = status;
  return {
    agent,
    session_id: null,
    host: null,
    nonce: newNonce(),
    epoch,
    claimed_at: status.started_at ?? claim?.document.claimed_at ?? endedAt,
    ttl_s: null,
    state: 'done',
    renewals: 0,
    outcome: {
      schema: 2,
      from_agent: agent,
      from_step: step,
      next_agent: handoff?.next_agent ?? null,
      state: state === 'blocked' || state === 'needs_review' ? state : 'complete',
      next_action: handoff?.next_action ?? null,
      note: handoff?.note ?? null,
      created_at: endedAt,
      ...(handoff?.changed_files === undefined ? {} : { changed_files: handoff.changed_files }),
      epoch,
    },
  };
}

/**
 * Its `handoff.json` has no epoch either; one with an epoch comes from an earlier holder using our
 * tool.
 */
async function foreignHandoff(
  { bucket, layout }: ClaimPlace,
  step: string,
): Promise<HandoffDocument | undefined> {
  const key = layout.handoff(step);
  try {
    const stored = await getBounded(bucket, key);
    const handoff =
      stored === undefined ? undefined : parseDocument(handoffSchema, key, stored.body);
    return handoff?.epoch === 0 ? handoff : undefined;
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}

function isTime(at: string | null | undefined): at is string {
  return !Number.isNaN(Date.parse(at ?? ''));
}
