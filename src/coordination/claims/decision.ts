import type {
  ClaimDocument,
  HeartbeatDocument,
  StatusDocument,
} from '../../protocol/coordination.js';
import { type Dated, isExpired, lastSeenAlive } from '../agents/liveness.js';

export type TakeKind = 'fresh' | 'released' | 'expired' | 'reopened';
export type RejectReason = 'held' | 'done';

export type ClaimDecision =
  | { readonly take: TakeKind; readonly epoch: number }
  | { readonly reject: RejectReason };

export interface ClaimScene {
  readonly claim: Dated<ClaimDocument> | undefined;
  readonly status: StatusDocument | undefined;
  /** Of the agent that holds the claim. */
  readonly heartbeat: Dated<HeartbeatDocument> | undefined;
  /** The store's. */
  readonly now: Date;
  /** Whether a step that is done is wanted again. */
  readonly reopen: boolean;
}

/** Whether a step may be claimed, and as which epoch. The store then decides who of those who may gets it. */
export function decideClaim(scene: ClaimScene): ClaimDecision {
  const { claim, status, heartbeat, now, reopen } = scene;
  // A claim that somebody deleted by hand leaves its epoch in the status, and its former holder with that epoch.
  if (claim === undefined) return { take: 'fresh', epoch: (status?.epoch ?? 0) + 1 };
  const epoch = claim.document.epoch + 1;
  if (isDone(claim.document, status)) {
    return reopen ? { take: 'reopened', epoch } : { reject: 'done' };
  }
  if (claim.document.state === 'released') return { take: 'released', epoch };
  const lastSign = lastSeenAlive(claim, heartbeat);
  return isExpired(claim.document, lastSign, now) ? { take: 'expired', epoch } : { reject: 'held' };
}

/** The older tool says in `status.json` alone that a step is done. */
export function isDone({ state }: ClaimDocument, status: StatusDocument | undefined): boolean {
  if (state !== undefined) return state === 'done';
  return status !== undefined && status.status !== 'pending' && status.status !== 'in_progress';
}
