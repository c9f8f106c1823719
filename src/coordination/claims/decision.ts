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
  /** Whether a step that is done is wanted again. */
  readonly reopen: boolean;
  /** Who wants what they hold moved here from wherever they hold it; `undefined`: nobody. */
  readonly mover: string | undefined;
}

/** Whether a step may be claimed, and as which epoch. The store then decides who of those who may gets it. */
export function decideClaim({ claim, status, now, reopen, mover }: ClaimScene): ClaimDecision {
  // A claim that somebody deleted by hand leaves its epoch in the status, and its former holder with that epoch.
  if (claim === undefined) return { take: 'fresh', epoch: (status?.epoch ?? 0) + 1 };
  const { document } = claim;
  const epoch = document.epoch + 1;
  if (isDone(document, status)) return reopen ? { take: 'reopened', epoch } : { reject: 'done' };
  if (document.state === 'released') return { take: 'released', epoch };
  if (isExpired(claim, now)) return { take: 'expired', epoch };
  return mover === document.agent ? { take: 'mine', epoch } : { reject: 'held' };
}

/** The older tool says in `status.json` alone that a step is done. */
export function isDone({ state }: ClaimDocument, status: StatusDocument | undefined): boolean {
  if (state !== undefined) return state === 'done';
  return status !== undefined && status.status !== 'pending' && status.status !== 'in_progress';
}
