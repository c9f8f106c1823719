import type { BucketState } from './bucket-state.js';

/**
 * When each claim that was never ended expired, by step: one TTL after its last renewal.
 * Milliseconds by the store's clock.
 */
export function expiriesOf(
  { steps }: Pick<BucketState, 'steps'>,
  nowMs: number,
): Record<string, number> {
  const expiries = new Map<string, number>();
  for (const { step, claim } of steps) {
    const { state, ttl_s: ttl } = claim?.document ?? {};
    if (claim === undefined || state !== 'held' || ttl == null) continue;
    const expiryMs = claim.modifiedAt.getTime() + ttl * 1000;
    if (expiryMs < nowMs) expiries.set(step, expiryMs);
  }
  return Object.fromEntries(expiries);
}
