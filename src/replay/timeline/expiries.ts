import type { BucketState } from './bucket-state.js';

/**
 * When the claims that nobody ended ran out, by step: their TTL after the last sign of life, which is the claim itself or the
 * heartbeat of the session that holds it. Milliseconds by the store's clock.
 */
export function expiriesOf(
  { steps, agents }: Pick<BucketState, 'steps' | 'agents'>,
  nowMs: number,
): Record<string, number> {
  const expiries = new Map<string, number>();
  for (const { step, claim } of steps) {
    const { state, ttl_s: ttl, agent, session_id } = claim?.document ?? {};
    if (claim === undefined || state !== 'held' || ttl == null) continue;
    const heartbeat = agents.find((one) => one.agent === agent);
    const isSame = (heartbeat?.document.session_id ?? null) === session_id;
    const beatMs = isSame ? (heartbeat?.modifiedAt.getTime() ?? 0) : 0;
    const expiryMs = Math.max(claim.modifiedAt.getTime(), beatMs) + ttl * 1000;
    if (expiryMs < nowMs) expiries.set(step, expiryMs);
  }
  return Object.fromEntries(expiries);
}
