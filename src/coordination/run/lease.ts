import type { SentAt } from '../claims/claims.js';

/** How long a command may go on: until a TTL after the last confirmed renewal was sent. */
export interface Lease {
  readonly ttlMs: number;
  /** Counted from the answer instead, the store's TTL would end before ours. */
  readonly sentAt: SentAt;
}

const longestGraceMs = 10_000;

/** Between asking a command to end and killing it. */
export function graceMs({ ttlMs }: Pick<Lease, 'ttlMs'>): number {
  return Math.min(longestGraceMs, ttlMs / 6);
}

/**
 * What is left, by whichever clock says that more time has passed: a monotonic one may stand still while the machine sleeps, and
 * the wall clock may be set back.
 */
export function leftMs({ ttlMs, sentAt }: Lease, now: SentAt): number {
  return ttlMs - Math.max(now.wallMs - sentAt.wallMs, now.monotonicMs - sentAt.monotonicMs);
}
