import type { ClaimDocument } from '../../protocol/coordination.js';

/**
 * What somebody who wants to end a claim is to it.
 * - `holder`: it is theirs, or they insist.
 * - `ended`: it was theirs, and they have released or completed it already.
 * - `fenced`: it was theirs, and somebody else has taken the step over since.
 * - `stranger`: it never was.
 */
export type ClaimOwnership = 'holder' | 'ended' | 'fenced' | 'stranger';

export interface Claimant {
  readonly agent: string;
  /** The nonces of the claims of this step that this agent has made in this session on this machine. */
  readonly nonces: ReadonlySet<string>;
  /** The claim that they say is theirs, for one made elsewhere. */
  readonly epoch?: number;
  /** Whoever holds it. */
  readonly force?: boolean;
}

export function ownershipOf(claim: ClaimDocument, claimant: Claimant): ClaimOwnership {
  const { nonces, epoch, force } = claimant;
  if (force === true) return 'holder';
  if (isTheirs(claim, claimant)) return isOpen(claim) ? 'holder' : 'ended';
  const hadIt = nonces.size > 0 || (epoch !== undefined && epoch < claim.epoch);
  return hadIt ? 'fenced' : 'stranger';
}

/** The older tool's claims have no nonce: there the agent's name is all there is. */
function isTheirs({ nonce, agent, epoch }: ClaimDocument, claimant: Claimant): boolean {
  if (nonce !== null && claimant.nonces.has(nonce)) return true;
  if (agent !== claimant.agent) return false;
  return nonce === null || (claimant.epoch !== undefined && claimant.epoch === epoch);
}

function isOpen({ state }: ClaimDocument): boolean {
  return state === undefined || state === 'held';
}
