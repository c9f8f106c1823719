import type { ClaimDocument } from '../../protocol/coordination.js';
import type { ClaimOwnership } from './ownership.js';

/**
 * What `complete` does with a step.
 * - `unclaimed`: nobody holds it, so it is claimed and ended in one write.
 * - `own`: the holder ends it.
 * - `forced`: it is taken from whoever holds it, and ended.
 * - `repeat`: it is done, and stays as it was handed over.
 * - `refused`: it is somebody else's.
 */
export type EndingDecision = 'unclaimed' | 'own' | 'forced' | 'repeat' | 'refused';

export function decideEnding(
  claim: Pick<ClaimDocument, 'state'> | undefined,
  standing: ClaimOwnership,
  force: boolean,
): EndingDecision {
  if (claim === undefined) return 'unclaimed';
  if (claim.state === 'done') return standing === 'fenced' ? 'refused' : 'repeat';
  if (standing === 'holder') return 'own';
  if (claim.state === 'released' && standing !== 'fenced') return 'unclaimed';
  return force ? 'forced' : 'refused';
}
