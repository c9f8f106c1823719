import { inParallel } from '../../concurrency.js';
import { BlockedError } from '../../errors.js';
import type { ClaimPlace } from '../claims/document.js';
import { readStep, type StepView } from '../claims/steps.js';
import { firstBlocked, type UnmetNeed, unmetNeeds } from './board.js';
import { type PlannedSteps, stepIn } from './plan.js';
import { type ReadPlan, readPlan } from './plan-document.js';

/** What a planned step is still waiting for; empty if it is not planned. */
export async function unmetNeedsOf(
  place: ClaimPlace,
  step: string,
  plan?: Pick<ReadPlan, 'steps'>,
): Promise<readonly UnmetNeed[]> {
  const planned = stepIn((plan ?? (await readPlan(place))).steps, step);
  if (planned === undefined || planned.needs.length === 0) return [];
  const views = await inParallel(planned.needs, (need) => readStep(place, need));
  const known = views.filter((view) => view !== undefined);
  return unmetNeeds(planned, new Map(known.map((view) => [view.step, view])));
}

/** `firstBlocked`, from the store. */
export function blockedNeedOf(
  place: ClaimPlace,
  planned: PlannedSteps,
  step: string,
): Promise<UnmetNeed | undefined> {
  return firstBlocked(planned, step, (needs) =>
    inParallel(needs, async (need) => ({ step: need, view: await readStep(place, need) })),
  );
}

export function waitsForBlocked(step: string, need: UnmetNeed): BlockedError {
  return new BlockedError(`step ${step} waits for blocked ${needText(need)}`, {
    hint: `See "tracecraft handoff ${need.step}".`,
  });
}

/** `BlockedError` if the step is waiting for others. */
export function checkNeeds(step: string, unmet: readonly UnmetNeed[]): void {
  const [first] = unmet;
  if (first === undefined) return;
  throw new BlockedError(`step ${step} waits for ${unmet.map(needText).join(', ')}`, {
    hint: `Wait with "tracecraft claim ${step} --wait", or take what is ready: "tracecraft ready".`,
  });
}

/** `b (in progress by ann)`. */
export function needText({ step, view }: UnmetNeed): string {
  return `${step} (${statusText(view)})`;
}

function statusText(view: StepView | undefined): string {
  if (view === undefined) return 'not begun';
  const by = view.agent === null ? '' : ` by ${view.agent}`;
  return `${view.status.replace('_', ' ')}${by}`;
}
