import type { RejectedClaim } from '../coordination/claims/claims.js';
import { LostError } from '../errors.js';
import { formatDuration } from './format.js';

const doneTexts = {
  complete: 'already completed',
  blocked: 'is blocked',
  needs_review: 'was handed over for review',
} as const;

/** Why a claim was not won, as the error that the command ends with. */
export function rejectedClaim(step: string, rejected: RejectedClaim, now: Date): LostError {
  const { reason, holder, isOwnName } = rejected;
  if (reason === 'done') {
    const { state = 'complete', note } = holder.outcome ?? {};
    const why = note === null || note === undefined || note === '' ? '' : `: ${note}`;
    return new LostError(`Step ${step} ${doneTexts[state]} by ${holder.agent}${why}`, {
      hint: `See "tracecraft handoff ${step}". To take it up again: "tracecraft claim ${step} --reopen".`,
    });
  }
  if (isOwnName) return heldByYou(step, rejected, now);
  return new LostError(`Step ${step} already claimed by ${holder.agent}`, {
    hint: `Take another one, or wait with "tracecraft wait-for ${step}".`,
  });
}

function heldByYou(step: string, { holder, isHere }: RejectedClaim, now: Date): LostError {
  const { epoch, claimed_at } = holder;
  const ageMs = now.getTime() - Date.parse(claimed_at ?? '');
  const since = Number.isNaN(ageMs) ? '' : `, since ${formatDuration(ageMs)}`;
  const where = isHere ? 'this session' : 'another session or machine';
  return new LostError(`you hold step ${step} already (epoch ${epoch}${since}, ${where})`, {
    hint: `If you won it yourself, continue. If another process did, leave it alone.\nTo move it here and stop the other: "tracecraft claim ${step} --mine".`,
    details: { held_by_you: true, epoch },
  });
}
