import type { SentAt } from '../claims/claims.js';

/** How long a command may continue: until one TTL after the last confirmed renewal was sent. */
export interface Lease {
  readonly ttlMs: number;
  /** Counting from the answer instead, the TTL would end at the store before it ends here. */
  readonly sentAt: SentAt;
}

const longestGraceMs = 10_000;

/** Between asking a command to end and killing it. */
export function graceMs({ ttlMs }: Pick<Lease, 'ttlMs'>): number {
  return Math.min(longestGraceMs, ttlMs / 6);
}

/**
 * The time left, by whichever clock shows more time passed: a monotonic one may stop while the
 * machine sleeps, and the wall clock may be set back.
 */
export function leftMs({ ttlMs, sentAt }: Lease, now: SentAt): number {
  return ttlMs - Math.max(now.wallMs - sentAt.wallMs, now.monotonicMs - sentAt.monotonicMs);
}
