import type { ClaimDocument } from '../../protocol/coordination.js';

/** Milliseconds that a holder may be silent when nobody said otherwise. */
export const defaultTtlMs = 2 * 60 * 60 * 1000;
export const maxTtlMs = 7 * 24 * 60 * 60 * 1000;

/** S3 times are whole seconds, rounded down: a claim may be this much younger than its date says. */
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

/** Milliseconds after the last renewal; `null`: never. A document without `state` is the older tool's, which has no TTL. */
export function ttlOf({ state, ttl_s }: Pick<ClaimDocument, 'state' | 'ttl_s'>): number | null {
  if (state === undefined || ttl_s === null) return null;
  return Math.min(ttl_s * 1000, maxTtlMs);
}

/** How `sessions` of a heartbeat document names a session; '' is an agent outside of any. */
export function sessionKey(sessionId: string | null): string {
  return sessionId ?? '';
}

/**
 * Whether the next one may take the step: the claim was written or renewed longer ago than its TTL. `now` is the store's. Agent
 * documents say nothing here; only a rewrite of the claim itself makes a takeover that was already decided fail.
 */
export function isExpired({ document, modifiedAt }: Dated<ClaimDocument>, now: Date): boolean {
  const ttlMs = ttlOf(document);
  return ttlMs !== null && now.getTime() - modifiedAt.getTime() >= ttlMs + resolutionMs;
}
