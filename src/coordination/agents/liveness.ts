import type { ClaimDocument } from '../../protocol/coordination.js';

/** Default TTL of a claim, in milliseconds. */
export const defaultTtlMs = 2 * 60 * 60 * 1000;
export const maxTtlMs = 7 * 24 * 60 * 60 * 1000;

/** S3 times are whole seconds, rounded down: a claim may be this much younger than its date says. */
const resolutionMs = 1000;

/** A document and when the store says that it was written. */
export interface Dated<Document> {
  readonly document: Document;
  readonly modifiedAt: Date;
}

/**
 * The requested TTL in milliseconds (`null`: never expires) as seconds in a claim document: between one second and
 * seven days.
 */
export function ttlSeconds(wishMs: number | null): number | null {
  if (wishMs === null) return null;
  return Math.max(1, Math.ceil(Math.min(wishMs, maxTtlMs) / 1000));
}

/**
 * Milliseconds after the last renewal; `null`: never. A document without `state` is the Python tool's, which has no
 * TTL.
 */
export function ttlOf({ state, ttl_s }: Pick<ClaimDocument, 'state' | 'ttl_s'>): number | null {
  if (state === undefined || ttl_s === null) return null;
  return Math.min(ttl_s * 1000, maxTtlMs);
}

/** How a heartbeat document's `sessions` names a session; '' is an agent outside any session. */
export function sessionKey(sessionId: string | null): string {
  return sessionId ?? '';
}

/**
 * Whether the step may be taken over: the claim was last written longer ago than its TTL. `now` is the store's. Agent
 * documents do not count; only a rewrite of the claim itself makes an already decided takeover fail.
 */
export function isExpired({ document, modifiedAt }: Dated<ClaimDocument>, now: Date): boolean {
  const ttlMs = ttlOf(document);
  return ttlMs !== null && now.getTime() - modifiedAt.getTime() >= ttlMs + resolutionMs;
}
