import type { DocumentError } from '../../protocol/documents.js';
import type { PlannedStep } from '../../protocol/plan.js';
import type { ClaimPlace } from '../claims/document.js';
import { type ListedSteps, listSteps, type StepView } from '../claims/steps.js';
import { type PlannedSteps, stepIn } from './plan.js';
import { type ReadPlan, readPlan } from './plan-document.js';

/** A need that is not complete, and why not. */
export interface UnmetNeed {
  readonly step: string;
  /** `undefined`: nobody has touched it. */
  readonly view: StepView | undefined;
}

export interface BoardStep {
  readonly step: string;
  readonly planned: PlannedStep;
  readonly view: StepView | undefined;
  readonly unmet: readonly UnmetNeed[];
  /** A blocked step among its needs, direct or indirect: waiting does not help. */
  readonly blockedBy: string | undefined;
  /** Why its claim cannot be read: nobody knows whether it is free. */
  readonly unreadable?: DocumentError | undefined;
  /** It can be claimed, and everything it needs is complete. */
  readonly isReady: boolean;
}

export interface Board {
  /** Ordered by id. */
  readonly steps: readonly BoardStep[];
  readonly views: readonly StepView[];
  readonly plan: Pick<ReadPlan, 'steps'>;
  readonly skipped: ListedSteps['skipped'];
}

/** The plan with the progress of each step: one read, one listing, one read per claim. */
export async function readBoard(place: ClaimPlace): Promise<Board> {
  const [plan, { steps: views, skipped }] = await Promise.all([readPlan(place), listSteps(place)]);
  return { steps: boardOf(plan.steps, views, skipped), views, plan, skipped };
}

function boardOf(
  planned: PlannedSteps,
  views: readonly StepView[],
  skipped: ListedSteps['skipped'],
): BoardStep[] {
  const viewOf = new Map(views.map((view) => [view.step, view]));
  return Object.keys(planned)
    .sort()
    .flatMap((step) => {
      const own = stepIn(planned, step);
      if (own === undefined) return [];
      const view = viewOf.get(step);
      const unmet = unmetNeeds(own, viewOf);
      const blockedBy = firstBlocked(planned, viewOf, step);
      const unreadable = skipped.get(step);
      const isFree = unreadable === undefined && isReady(view, unmet);
      return [{ step, planned: own, view, unmet, blockedBy, unreadable, isReady: isFree }];
    });
}

export function unmetNeeds(
  { needs }: PlannedStep,
  viewOf: ReadonlyMap<string, StepView>,
): UnmetNeed[] {
  return needs
    .map((step) => ({ step, view: viewOf.get(step) }))
    .filter(({ view }) => view?.status !== 'complete');
}

function isReady(view: StepView | undefined, unmet: readonly UnmetNeed[]): boolean {
  return unmet.length === 0 && isClaimable(view);
}

/** Nobody has it: never claimed, given back, or expired. */
export function isClaimable(view: StepView | undefined): boolean {
  return view === undefined || view.status === 'pending' || view.expired;
}

/**
 * The first blocked step among all that this one needs, needs of needs included, unless somebody is
 * at work in between.
 */
function firstBlocked(
  planned: PlannedSteps,
  viewOf: ReadonlyMap<string, StepView>,
  step: string,
): string | undefined {
  const seen = new Set<string>();
  const open = [...(stepIn(planned, step)?.needs ?? [])];
  for (const need of open) {
    const view = viewOf.get(need);
    if (view?.status === 'blocked') return need;
    if (!isClaimable(view) || seen.has(need)) continue;
    seen.add(need);
    open.push(...(stepIn(planned, need)?.needs ?? []));
  }
  return undefined;
}
