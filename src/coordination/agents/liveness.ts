import type { ClaimDocument, HeartbeatDocument } from '../../protocol/coordination.js';

/** Milliseconds that a holder may be silent when nobody said otherwise. */
export const defaultTtlMs = 2 * 60 * 60 * 1000;
export const maxTtlMs = 7 * 24 * 60 * 60 * 1000;

/**
 * The times of an S3 answer have whole seconds, cut off: a sign of life may be this much younger than its date says. So much
 * longer a claim lives, rather than end a moment too early.
 */
const resolutionMs = 1000;

/** A document and when the store says that it was written. */
export interface Dated<Document> {
  readonly document: Document;
  readonly modifiedAt: Date;
}

/** A wish in milliseconds (`null`: never expires) as the seconds of a claim document: at least one, at most seven days. */
export function ttlSeconds(wishMs: number | null): number | null {
  if (wishMs === null) return null;
  return Math.max(1, Math.ceil(Math.min(wishMs, maxTtlMs) / 1000));
}

/** Milliseconds after the last sign of life; `null`: never. A document without `state` is the older tool's, which has no TTL. */
export function ttlOf({ state, ttl_s }: ClaimDocument): number | null {
  if (state === undefined || ttl_s === null) return null;
  return Math.min(ttl_s * 1000, maxTtlMs);
}

/**
 * The newer of the claim's own time and the heartbeat of the session that holds it. Another session of the same agent says
 * nothing about this one, and what was before the claim cannot make it live longer.
 */
export function lastSeenAlive(
  claim: Dated<ClaimDocument>,
  heartbeat: Dated<HeartbeatDocument> | undefined,
): Date {
  const beat = heartbeat === undefined ? undefined : beatOf(claim.document.session_id, heartbeat);
  return beat !== undefined && beat > claim.modifiedAt ? beat : claim.modifiedAt;
}

function beatOf(
  sessionId: string | null,
  { document, modifiedAt }: Dated<HeartbeatDocument>,
): Date | undefined {
  if (document.session_id === sessionId) return modifiedAt;
  const recorded = document.sessions[sessionKey(sessionId)];
  if (recorded === undefined) return undefined;
  const at = new Date(recorded);
  if (Number.isNaN(at.getTime())) return undefined;
  // It was written before the document was: a later date is not one that the store gave.
  return at > modifiedAt ? modifiedAt : at;
}

/** How `sessions` of a heartbeat document names a session; '' is an agent outside of any. */
export function sessionKey(sessionId: string | null): string {
  return sessionId ?? '';
}

/** Whether the next one may take the step. `now` is the store's. */
export function isExpired(claim: ClaimDocument, lastSign: Date, now: Date): boolean {
  const ttlMs = ttlOf(claim);
  return ttlMs !== null && now.getTime() - lastSign.getTime() >= ttlMs + resolutionMs;
}
