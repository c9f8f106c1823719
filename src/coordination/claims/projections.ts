import type { Bucket, Stored } from '../../bucket/bucket.js';
import {
  type ClaimDocument,
  type HandoffDocument,
  handoffSchema,
  type StatusDocument,
  statusSchema,
} from '../../protocol/coordination.js';
import { DocumentError, encodeDocument, parseDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';

/**
 * `status.json` and `handoff.json` follow from `claim.json`: they are there for people and for the older tool. Whoever is
 * stopped between the one and the others leaves them behind the claim, and anybody may catch them up. Nobody sets them back:
 * a later epoch, or a later state of the same one, stays.
 */
export interface ProjectionPlace {
  readonly bucket: Bucket;
  readonly layout: Layout;
}

/** What was read of a step's projections before its claim was written; `undefined`: there was nothing. */
export interface SeenProjections {
  readonly status?: Stored | undefined;
  readonly handoff?: Stored | undefined;
}

export function statusOf(claim: ClaimDocument): StatusDocument {
  const { agent, epoch, claimed_at, state, outcome } = claim;
  const about = { agent, started_at: claimed_at, epoch };
  if (state === 'released') return { status: 'pending', ...about };
  if (state !== 'done') return { status: 'in_progress', ...about };
  return {
    status: outcome?.state ?? 'complete',
    ...about,
    completed_at: outcome?.created_at ?? null,
  };
}

/** Brings both up to the claim. `seen` saves reading what was read already. */
export async function project(
  place: ProjectionPlace,
  step: string,
  claim: ClaimDocument,
  seen: SeenProjections = {},
): Promise<void> {
  const { layout } = place;
  const status = follow(place, {
    key: layout.status(step),
    wanted: statusOf(claim),
    read: statusRank,
    seen: 'status' in seen ? { stored: seen.status } : undefined,
  });
  const { outcome } = claim;
  const handoff =
    claim.state !== 'done' || outcome == null
      ? undefined
      : follow(place, {
          key: layout.handoff(step),
          wanted: outcome,
          read: handoffRank,
          seen: 'handoff' in seen ? { stored: seen.handoff } : undefined,
        });
  await Promise.all([status, handoff]);
}

/** How far along a document is: its epoch, then its place within it. */
type Rank = readonly [epoch: number, place: number];

interface Following<Document extends StatusDocument | HandoffDocument> {
  readonly key: string;
  readonly wanted: Document;
  read(key: string, body: Buffer): Rank;
  readonly seen: { readonly stored: Stored | undefined } | undefined;
}

const attempts = 5;

async function follow<Document extends StatusDocument | HandoffDocument>(
  { bucket }: ProjectionPlace,
  { key, wanted, read, seen }: Following<Document>,
): Promise<void> {
  const body = encodeDocument(wanted);
  const rank = read(key, body);
  let stored = seen === undefined ? await bucket.get(key) : seen.stored;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (stored?.body.equals(body)) return;
    if (stored !== undefined && isBehind(rank, rankOf(read, key, stored.body))) return;
    if (await isWritten(bucket, key, body, stored)) return;
    stored = await bucket.get(key);
  }
}

async function isWritten(
  bucket: Bucket,
  key: string,
  body: Buffer,
  over: Stored | undefined,
): Promise<boolean> {
  const { putIfAbsent, putIfMatch } = bucket.capabilities;
  if (over === undefined && putIfAbsent) return (await bucket.putIfAbsent(key, body)).written;
  if (over !== undefined && putIfMatch) {
    return (await bucket.putIfMatch(key, body, over.etag)).written;
  }
  await bucket.put(key, body);
  return true;
}

function isBehind([epoch, place]: Rank, [otherEpoch, otherPlace]: Rank): boolean {
  return epoch < otherEpoch || (epoch === otherEpoch && place < otherPlace);
}

/** What cannot be read is behind everything: it is written anew. */
function rankOf(read: Following<StatusDocument>['read'], key: string, body: Buffer): Rank {
  try {
    return read(key, body);
  } catch (error) {
    if (error instanceof DocumentError) return [-1, 0];
    throw error;
  }
}

function statusRank(key: string, body: Buffer): Rank {
  const { epoch, status } = parseDocument(statusSchema, key, body);
  return [epoch, status === 'in_progress' ? 0 : 1];
}

function handoffRank(key: string, body: Buffer): Rank {
  return [parseDocument(handoffSchema, key, body).epoch, 0];
}
