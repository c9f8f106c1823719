import { inParallel } from '../../concurrency.js';
import { BlockedError, TimedOutError } from '../../errors.js';
import { stepId } from '../../protocol/names.js';
import type { ClaimPlace } from '../claims/document.js';
import { readStep, type StepView } from '../claims/steps.js';
import { growingPauses } from '../pauses.js';
import { isClaimable } from './board.js';
import { blockedNeedOf, waitsForBlocked } from './needs.js';
import { readPlan } from './plan-document.js';

export interface WaitRequest {
  readonly steps: readonly string[];
  readonly timeoutMs: number;
  /**
   * Called once, before the first pause, for each step that is not complete; with only the name if
   * nobody has claimed it.
   */
  onWaiting?(step: string, view: StepView | undefined): void;
  /** Called after each check: whoever waits is alive. */
  onLook(): Promise<void>;
  /**
   * Called once for each step that needs a review; waiting continues until somebody completes it.
   */
  onNeedsReview(view: StepView): void;
}

/**
 * Waits until all steps are complete. `BlockedError` as soon as one is blocked or waits for a
 * blocked one, `TimedOutError` when the time is up.
 */
export async function waitForSteps(
  place: ClaimPlace,
  { steps: names, timeoutMs, onWaiting, onLook, onNeedsReview }: WaitRequest,
): Promise<readonly StepView[]> {
  const steps = [...new Set(names.map(stepId))];
  const { clock } = place;
  const pauses = growingPauses(
    () => clock.now(),
    (ms) => clock.sleep(ms),
    timeoutMs,
  );
  const reported = new Set<string>();
  const complete = new Map<string, StepView>();
  for (;;) {
    const open = steps.filter((step) => !complete.has(step));
    const views = await inParallel(open, (step) => readStep(place, step));
    for (const view of views) {
      if (view?.status === 'blocked') throw blocked(view);
      if (view?.status === 'complete') complete.set(view.step, view);
      if (view?.status !== 'needs_review' || reported.has(view.step)) continue;
      reported.add(view.step);
      onNeedsReview(view);
    }
    if (complete.size === steps.length) return steps.flatMap((step) => complete.get(step) ?? []);
    await refuseHopeless(
      place,
      open.filter((_, index) => isClaimable(views[index])),
    );
    if (pauses.leftMs() <= 0) {
      throw timedOut(
        steps.filter((step) => !complete.has(step)),
        timeoutMs,
      );
    }
    if (pauses.isFirst()) {
      for (const [index, step] of open.entries()) {
        if (!complete.has(step)) onWaiting?.(step, views[index]);
      }
    }
    await onLook();
    await pauses.pause();
  }
}

/** Nobody works on these steps. */
async function refuseHopeless(place: ClaimPlace, idle: readonly string[]): Promise<void> {
  if (idle.length === 0) return;
  const { steps } = await readPlan(place);
  for (const step of idle) {
    const need = await blockedNeedOf(place, steps, step);
    if (need !== undefined) throw waitsForBlocked(step, need);
  }
}

function blocked({ step, agent, note }: StepView): BlockedError {
  const reason = note === null || note === '' ? '' : `: ${note}`;
  return new BlockedError(`step ${step} was blocked by ${agent ?? 'its agent'}${reason}`, {
    hint: `See "tracecraft handoff ${step}"; to take it up, run "tracecraft claim ${step} --reopen".`,
  });
}

function timedOut(steps: readonly string[], timeoutMs: number): TimedOutError {
  const many = steps.length === 1 ? 'step' : 'steps';
  return new TimedOutError(
    `Timeout after ${Math.round(timeoutMs / 1000)} s: ${many} ${steps.join(', ')} not complete`,
    { hint: 'See who holds what with "tracecraft steps", or wait longer with --timeout.' },
  );
}
