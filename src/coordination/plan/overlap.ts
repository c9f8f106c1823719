import { inParallel } from '../../concurrency.js';
import type { ClaimPlace } from '../claims/document.js';
import { readStep, type StepView } from '../claims/steps.js';
import { stepIn } from './plan.js';
import { type ReadPlan, readPlan } from './plan-document.js';

export interface Overlap {
  readonly view: StepView;
  readonly paths: string;
}

/** Steps held by others whose planned files overlap with those of this one; `known` is the plan, if it was read already. */
export async function overlapsOf(
  place: ClaimPlace,
  step: string,
  known?: Pick<ReadPlan, 'steps'>,
): Promise<readonly Overlap[]> {
  const { steps } = known ?? (await readPlan(place));
  const own = stepIn(steps, step)?.paths ?? null;
  if (own === null) return [];
  const near = Object.entries(steps).flatMap(([id, { paths }]) =>
    id !== step && paths !== null && mayOverlap(own, paths) ? [{ id, paths }] : [],
  );
  const views = await inParallel(near, async ({ id, paths }) => ({
    paths,
    view: await readStep(place, id),
  }));
  return views.flatMap(({ view, paths }) =>
    view?.status === 'in_progress' && !view.expired ? [{ view, paths }] : [],
  );
}

/**
 * Whether two globs may match the same file, judging by their beginnings before any wildcard.
 * Several globs are separated by commas.
 */
function mayOverlap(left: string, right: string): boolean {
  const beginnings = (globs: string): string[] =>
    globs.split(',').map((glob) =>
      glob
        .trim()
        .replace(/^\.\//, '')
        .replace(/[*?[{].*$/, ''),
    );
  return beginnings(left).some((one) =>
    beginnings(right).some((other) => one.startsWith(other) || other.startsWith(one)),
  );
}
