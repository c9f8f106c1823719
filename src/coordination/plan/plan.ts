import { LostError, NotFoundError, UsageError } from '../../errors.js';
import {
  defaultPriority,
  type NewStep,
  type PlanDocument,
  type PlannedStep,
} from '../../protocol/plan.js';

/** The steps of a plan by their ids. */
export type PlannedSteps = PlanDocument['steps'];

export interface Author {
  readonly by: string;
  readonly at: string;
}

/**
 * The plan with these steps added, and which of them are new. A step that is already there and
 * identical is left alone; one that differs is a `LostError`. `NotFoundError` for a need that does
 * not exist, `UsageError` for a cycle.
 */
export function withSteps(
  steps: PlannedSteps,
  news: readonly NewStep[],
  author: Author,
): { readonly steps: PlannedSteps; readonly added: readonly string[] } {
  const next: Record<string, PlannedStep> = { ...steps };
  const added: string[] = [];
  for (const one of news) {
    const planned = plannedOf(one, author);
    const before = stepIn(next, one.id);
    if (before === undefined) added.push(one.id);
    else if (!isSame(before, planned)) throw differs(one.id);
    next[one.id] = before ?? planned;
  }
  for (const { id } of news) checkNeeds(next, id);
  return { steps: next, added };
}

export type StepEdit = Omit<NewStep, 'id'>;

/** The plan with the given changes to that step; omitted fields stay. */
export function editedStep(steps: PlannedSteps, id: string, edit: StepEdit): PlannedSteps {
  const before = stepIn(steps, id);
  if (before === undefined) throw unplanned(id);
  const said = Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined));
  const next = { ...steps, [id]: { ...before, ...said } };
  checkNeeds(next, id);
  return next;
}

/** The plan without that step. `LostError` if another needs it. */
export function withoutStep(steps: PlannedSteps, id: string): PlannedSteps {
  if (stepIn(steps, id) === undefined) throw unplanned(id);
  const user = Object.entries(steps).find(([, { needs }]) => needs.includes(id))?.[0];
  if (user !== undefined) {
    throw new LostError(`step ${user} needs step ${id}`, {
      hint: `Change that first: "tracecraft step edit ${user} --needs …".`,
    });
  }
  const { [id]: _, ...rest } = steps;
  return rest;
}

export function stepIn(steps: PlannedSteps, id: string): PlannedStep | undefined {
  return Object.hasOwn(steps, id) ? steps[id] : undefined;
}

function plannedOf(one: NewStep, { by, at }: Author): PlannedStep {
  const { title = null, needs = [], priority = defaultPriority, assign = null, paths = null } = one;
  return { title, needs: [...needs], priority, assign, paths, by, at };
}

function isSame(left: PlannedStep, right: PlannedStep): boolean {
  const said = ({ title, needs, priority, assign, paths }: PlannedStep): string =>
    JSON.stringify([title, [...needs].sort(), priority, assign, paths]);
  return said(left) === said(right);
}

function checkNeeds(steps: PlannedSteps, id: string): void {
  const needs = stepIn(steps, id)?.needs ?? [];
  const unknown = needs.find((need) => stepIn(steps, need) === undefined);
  if (unknown !== undefined) {
    throw new NotFoundError(`step ${id} needs ${unknown}, and no such step is planned`, {
      hint: `Add it first: "tracecraft step add ${unknown}".`,
    });
  }
  const cycle = cycleThrough(steps, id);
  if (cycle === undefined) return;
  throw new UsageError(`these steps need each other: ${cycle.join(' → ')}`, {
    hint: 'Nothing was changed. None of them could ever start.',
  });
}

/** The path from a step through its needs back to itself, if there is one. */
export function cycleThrough(steps: PlannedSteps, id: string): string[] | undefined {
  const seen = new Set<string>();
  const ways: string[][] = [[id]];
  for (const way of ways) {
    for (const need of stepIn(steps, way.at(-1) ?? '')?.needs ?? []) {
      if (need === id) return [...way, id];
      if (seen.has(need)) continue;
      seen.add(need);
      ways.push([...way, need]);
    }
  }
  return undefined;
}

function differs(id: string): LostError {
  return new LostError(`step ${id} is already planned, but differently`, {
    hint: `See "tracecraft steps --graph"; to change it: "tracecraft step edit ${id}".`,
  });
}

function unplanned(id: string): NotFoundError {
  return new NotFoundError(`step ${id} is not planned`, {
    hint: `Add it with "tracecraft step add ${id}".`,
  });
}
