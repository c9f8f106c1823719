import { LostError } from '../../errors.js';
import type { ClaimDocument, HandoffDocument, Verdict } from '../../protocol/coordination.js';
import { stepId } from '../../protocol/names.js';
import type { CoordinationContext } from '../context.js';
import { newMoment } from '../event-timestamp.js';
import { afterwards } from '../events.js';
import { contested } from './contested.js';
import { readClaim, unknownOutcome, writeClaim } from './document.js';
import { readFolded } from './fold.js';
import { unclaimed } from './lost-step.js';
import { settle } from './settle.js';

export interface ReviewRequest {
  readonly step: string;
  readonly verdict: Verdict;
  readonly note?: string | undefined;
  /** Who is told of an approval; a rejection always goes to whoever handed the step over. */
  readonly to?: string | undefined;
  /** Allows the agent that handed the step over to review it. */
  readonly force?: boolean | undefined;
}

export interface Reviewed {
  readonly claim: ClaimDocument;
  readonly handoff: HandoffDocument;
}

const attempts = 16;

/**
 * Gives the verdict on a step that needs a review. Approved, it is complete; rejected, it is free
 * again and keeps both the handoff and the reason for the rejection. `LostError` if it needs no
 * review, or somebody else was faster.
 */
export async function review(
  context: CoordinationContext,
  request: ReviewRequest,
): Promise<Reviewed> {
  const step = stepId(request.step);
  const at = await newMoment(context);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const documents = await readFolded(context, step);
    const present = documents.claim;
    if (present === undefined) throw unclaimed(step);
    const handoff = reviewable(context, step, present.document, request);
    // Whatever its completer did not get to write would be lost with the overwritten claim.
    await settle(context, step, present.document, documents);
    const reviewed = reviewedClaim(
      context.agent,
      { ...present.document, outcome: handoff },
      request,
      at,
    );
    const { written } = await write(context, step, reviewed.claim, present.etag);
    if (!written && !(await isOurs(context, step, reviewed.claim))) continue;
    await afterwards(context, settle(context, step, reviewed.claim));
    return reviewed;
  }
  throw contested(step, context.layout.claim(step));
}

function reviewable(
  { agent }: CoordinationContext,
  step: string,
  { state, outcome }: ClaimDocument,
  { force = false }: ReviewRequest,
): HandoffDocument {
  if (outcome?.review != null) {
    const { verdict, by } = outcome.review;
    throw new LostError(`step ${step} was ${verdict} already by ${by}. Nothing was changed.`, {
      hint: `See "tracecraft handoff ${step}".`,
    });
  }
  if (state !== 'done' || outcome?.state !== 'needs_review') {
    throw new LostError(`step ${step} does not need a review`, {
      hint: `See "tracecraft step-status ${step}".`,
    });
  }
  if (outcome.from_agent !== agent || force) return outcome;
  throw new LostError(`step ${step} was handed over by you: let another agent review it`, {
    hint: 'To review it yourself anyway: --force.',
  });
}

function reviewedClaim(
  by: string,
  claim: ClaimDocument & { readonly outcome: HandoffDocument },
  { verdict, note: said, to }: ReviewRequest,
  at: string,
): Reviewed {
  const { outcome } = claim;
  const note = said ?? null;
  if (verdict === 'approved') {
    const review = { by, verdict, note, to: to ?? null, at };
    const handoff: HandoffDocument = { ...outcome, state: 'complete', review };
    return { claim: { ...claim, outcome: handoff }, handoff };
  }
  const handoff = { ...outcome, review: { by, verdict, note, to: outcome.from_agent, at } };
  return { claim: { ...claim, state: 'released', released_at: at, outcome: handoff }, handoff };
}

async function write(
  context: CoordinationContext,
  step: string,
  claim: ClaimDocument,
  etag: string,
) {
  try {
    return await writeClaim(context, step, claim, { etag });
  } catch (error) {
    throw unknownOutcome(error, `step ${step} was reviewed`);
  }
}

/** The refusal may be for our own write, sent twice on the way. */
async function isOurs(
  context: CoordinationContext,
  step: string,
  { outcome }: ClaimDocument,
): Promise<boolean> {
  const review = (await readClaim(context, step))?.document.outcome?.review;
  return review != null && review.by === outcome?.review?.by && review.at === outcome.review.at;
}
