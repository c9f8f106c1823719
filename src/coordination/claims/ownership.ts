import type { ClaimDocument } from '../../protocol/coordination.js';
import { isDone } from './decision.js';

/**
 * How the agent that wants to end a claim relates to it.
 * - `holder`: it is theirs.
 * - `ended`: it was theirs, and they have released or completed it already.
 * - `fenced`: it was theirs, and somebody else has taken the step over since.
 * - `stranger`: it never was.
 */
export type ClaimOwnership = 'holder' | 'ended' | 'fenced' | 'stranger';

export interface Claimant {
  readonly agent: string;
  /** The nonces of the claims of this step that this agent has made in this session on this machine. */
  readonly nonces: ReadonlySet<string>;
  /**
   * The epoch of the claim the agent says is theirs, wherever it was made; if given, nothing else
   * counts.
   */
  readonly epoch?: number | undefined;
}

export function ownershipOf(claim: ClaimDocument, claimant: Claimant): ClaimOwnership {
  if (isTheirs(claim, claimant)) return isOpen(claim) ? 'holder' : 'ended';
  const { nonces, epoch } = claimant;
  const hadIt = epoch === undefined ? nonces.size > 0 : epoch < claim.epoch;
  return hadIt ? 'fenced' : 'stranger';
}

/** The Python tool's claims have no nonce, so the agent's name has to do. */
function isTheirs({ nonce, agent, epoch }: ClaimDocument, claimant: Claimant): boolean {
  if (claimant.epoch !== undefined) return agent === claimant.agent && epoch === claimant.epoch;
  return nonce === null ? agent === claimant.agent : claimant.nonces.has(nonce);
}

function isOpen(claim: ClaimDocument): boolean {
  return claim.state !== 'released' && !isDone(claim, undefined);
}
