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
  return { steps: await boardOf(plan.steps, views, skipped), views, plan, skipped };
}

async function boardOf(
  planned: PlannedSteps,
  views: readonly StepView[],
  skipped: ListedSteps['skipped'],
): Promise<BoardStep[]> {
  const viewOf = new Map(views.map((view) => [view.step, view]));
  const steps: BoardStep[] = [];
  for (const step of Object.keys(planned).sort()) {
    const own = stepIn(planned, step);
    if (own === undefined) continue;
    const view = viewOf.get(step);
    const unmet = unmetNeeds(own, viewOf);
    const blocked = await firstBlocked(planned, step, async (needs) => viewsIn(viewOf, needs));
    const unreadable = skipped.get(step);
    const isFree = unreadable === undefined && isReady(view, unmet);
    const blockedBy = blocked?.step;
    steps.push({ step, planned: own, view, unmet, blockedBy, unreadable, isReady: isFree });
  }
  return steps;
}

export function unmetNeeds(
  { needs }: PlannedStep,
  viewOf: ReadonlyMap<string, StepView>,
): UnmetNeed[] {
  return viewsIn(viewOf, needs).filter(({ view }) => view?.status !== 'complete');
}

function viewsIn(viewOf: ReadonlyMap<string, StepView>, steps: readonly string[]): UnmetNeed[] {
  return steps.map((step) => ({ step, view: viewOf.get(step) }));
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
 * at work in between: waiting does not help. `viewsOf` is asked for one level of needs at a time.
 */
export async function firstBlocked(
  planned: PlannedSteps,
  step: string,
  viewsOf: (needs: readonly string[]) => Promise<readonly UnmetNeed[]>,
): Promise<UnmetNeed | undefined> {
  const needsOf = (one: string): readonly string[] => stepIn(planned, one)?.needs ?? [];
  const seen = new Set<string>();
  let level = needsOf(step);
  while (level.length > 0) {
    for (const need of level) seen.add(need);
    const needs = await viewsOf(level);
    const blocked = needs.find(({ view }) => view?.status === 'blocked');
    if (blocked !== undefined) return blocked;
    const idle = needs.filter(({ view }) => isClaimable(view));
    const next = new Set(idle.flatMap((need) => needsOf(need.step)));
    level = [...next].filter((need) => !seen.has(need));
  }
  return undefined;
}
