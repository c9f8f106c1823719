import type { Bucket } from '../bucket/bucket.js';
import { writeOver } from '../bucket/write-over.js';
import { newNonce, newStamp } from '../coordination/event-timestamp.js';
import { type EventType, putEventAt } from '../coordination/events.js';
import { LostError, NotFoundError } from '../errors.js';
import type { Io } from '../io.js';
import { leaveMarker } from '../mirror/removal/markers.js';
import { readRemoval } from '../mirror/removal/record.js';
import { type Deleted, deleteSession } from '../mirror/removal/session-objects.js';
import { forgetSession } from '../mirror/state/stream-state.js';
import type { SessionRef } from '../mirror/stream.js';
import { DocumentError, encodeDocument } from '../protocol/documents.js';
import { type Layout, parseStampName, stampName } from '../protocol/keys.js';
import type { RemovalDocument } from '../protocol/removal.js';

export interface Removing {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly io: Io;
  /** This machine's local state of the destination. */
  readonly folder: string;
  /** Who does it, for the log. */
  readonly agent: string;
}

/** Each loss means that somebody else decided about the same session. */
const mostAttempts = 6;

/**
 * Deletes all objects of a session for good: the record that says so is written first and keeps every mirror from bringing
 * them back. Killed at any point and run again, it completes, and tells the log once.
 */
export async function removeSession(context: Removing, ref: SessionRef): Promise<Deleted> {
  const removal = await decide(context, ref, 'removed');
  await leaveMarker(context.io, context.folder, ref, removal.nonce);
  await tell(context, removal, 'session.removed');
  const deleted = await deleteSession(context, ref);
  await forget(context, ref);
  return deleted;
}

/** Retires the record, so that whoever has the transcript mirrors it anew. */
export async function restoreSession(context: Removing, ref: SessionRef): Promise<void> {
  const removal = await decide(context, ref, 'restored');
  await forget(context, ref);
  await leaveMarker(context.io, context.folder, ref, removal.nonce);
  await tell(context, removal, 'session.restored');
}

async function decide(
  context: Removing,
  ref: SessionRef,
  state: RemovalDocument['state'],
): Promise<RemovalDocument> {
  const { bucket, layout } = context;
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const known = await readRemoval(context, ref);
    if (known?.document.state === state) return known.document;
    if (known === undefined && state === 'restored') throw neverRemoved(ref);
    const document = await decision(context, ref, state);
    const body = encodeDocument(document);
    const key = layout.removal(ref.harness, ref.id);
    if ((await writeOver(bucket, key, body, known?.etag)).written) return document;
  }
  throw new LostError(`others keep removing and restoring ${nameOf(ref)}`, { hint: 'Try again.' });
}

async function decision(
  { bucket, agent }: Removing,
  { harness, id }: SessionRef,
  state: RemovalDocument['state'],
): Promise<RemovalDocument> {
  const { stamp, at } = await newStamp({ bucket, agent });
  return {
    schema: 1,
    harness,
    session_id: id,
    state,
    agent,
    at,
    nonce: newNonce(),
    event: stampName(stamp),
  };
}

/** Under a name that the record has chosen: a second attempt writes the same event again. */
async function tell(
  { bucket, layout }: Removing,
  { harness, session_id, at, nonce, event }: RemovalDocument,
  type: EventType,
): Promise<void> {
  const stamp = parseStampName(`${event}.json`);
  const key = layout.removal(harness, session_id);
  if (stamp === undefined) throw new DocumentError(key, 'event: not a name of an event');
  const data = { ref: { key, nonce }, harness, session_id };
  await putEventAt({ bucket, layout }, { type, data }, { stamp, at });
}

async function forget({ io, folder }: Removing, { harness, id }: SessionRef): Promise<void> {
  await forgetSession(io, folder, harness, id);
}

function neverRemoved(ref: SessionRef): NotFoundError {
  return new NotFoundError(`${nameOf(ref)} was not removed`);
}

function nameOf({ harness, id }: SessionRef): string {
  return `${harness}/${id}`;
}
