import type { ClaimDocument, StatusDocument } from '../../protocol/coordination.js';
import { type Dated, isExpired } from '../agents/liveness.js';

export type TakeKind = 'fresh' | 'released' | 'expired' | 'reopened' | 'mine';
export type RejectReason = 'held' | 'done';

export type ClaimDecision =
  | { readonly take: TakeKind; readonly epoch: number }
  | { readonly reject: RejectReason };

export interface ClaimScene {
  readonly claim: Dated<ClaimDocument> | undefined;
  readonly status: StatusDocument | undefined;
  /** The store's. */
  readonly now: Date;
  /** A step that is done may be claimed again. */
  readonly reopen: boolean;
  /**
   * The agent that wants its own claim moved here, wherever it holds it; `undefined`: no such
   * agent.
   */
  readonly mover: string | undefined;
}

/**
 * Decides whether a step may be claimed, and as which epoch. The store then decides which of the
 * eligible callers gets it.
 */
export function decideClaim({ claim, status, now, reopen, mover }: ClaimScene): ClaimDecision {
  // If somebody deleted a claim by hand, the status still has its epoch, and its former holder may
  // still act on it.
  if (claim === undefined) return { take: 'fresh', epoch: (status?.epoch ?? 0) + 1 };
  const { document } = claim;
  const epoch = document.epoch + 1;
  if (isDone(document, status)) return reopen ? { take: 'reopened', epoch } : { reject: 'done' };
  if (document.state === 'released') return { take: 'released', epoch };
  if (isExpired(claim, now)) return { take: 'expired', epoch };
  return mover === document.agent ? { take: 'mine', epoch } : { reject: 'held' };
}

/** The Python tool records only in `status.json` that a step is done. */
export function isDone({ state }: ClaimDocument, status: StatusDocument | undefined): boolean {
  if (state !== undefined) return state === 'done';
  return status !== undefined && status.status !== 'pending' && status.status !== 'in_progress';
}
