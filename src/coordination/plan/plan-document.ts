import { LostError, UsageError } from '../../errors.js';
import { encodeReadable, parseDocument } from '../../protocol/documents.js';
import { maxPlanBytes, type NewStep, planSchema } from '../../protocol/plan.js';
import { getBounded, isArbitrated, type StorePlace, unknownOutcome } from '../claims/document.js';
import { readStep } from '../claims/steps.js';
import type { CoordinationContext } from '../context.js';
import { newNonce } from '../event-timestamp.js';
import { type EventType, writeEvent } from '../events.js';
import {
  cycleThrough,
  editedStep,
  type PlannedSteps,
  type StepEdit,
  withoutStep,
  withSteps,
} from './plan.js';

export interface ReadPlan {
  readonly steps: PlannedSteps;
  readonly rev: number;
  /** `undefined`: there is no plan yet. */
  readonly etag: string | undefined;
}

export async function readPlan({ bucket, layout }: StorePlace): Promise<ReadPlan> {
  const key = layout.plan();
  const stored = await getBounded(bucket, key);
  if (stored === undefined) return { steps: {}, rev: 0, etag: undefined };
  const { steps, rev } = parseDocument(planSchema, key, stored.body);
  return { steps: withoutCycles(steps), rev, etag: stored.etag };
}

/**
 * On a store that arbitrates nothing, two simultaneous additions may create a cycle; the needs that
 * close it are ignored.
 */
function withoutCycles(steps: PlannedSteps): PlannedSteps {
  let next = steps;
  for (const id of Object.keys(steps).sort()) {
    for (let cycle = cycleThrough(next, id); cycle !== undefined; cycle = cycleThrough(next, id)) {
      const [, need] = cycle;
      const planned = next[id];
      if (planned === undefined) break;
      next = { ...next, [id]: { ...planned, needs: planned.needs.filter((one) => one !== need) } };
    }
  }
  return next;
}

const attempts = 16;
/**
 * How long, in milliseconds, a store that arbitrates nothing is given to show concurrent writes.
 */
const visibilityDelayMs = 2_000;

/** Plans steps, all in one write. Returns those that were not planned before. */
export async function addSteps(
  context: CoordinationContext,
  news: readonly NewStep[],
): Promise<readonly string[]> {
  const at = (await context.bucket.now()).toISOString();
  const author = { by: context.agent, at };
  let added: readonly string[] = [];
  const steps = await changePlan(context, (present) => {
    const next = withSteps(present, news, author);
    added = next.added.length === 0 ? added : next.added;
    return next.added.length === 0 ? undefined : next.steps;
  });
  for (const id of added) await tell(context, 'step.planned', id, { planned: steps[id] });
  return added;
}

/** Changes a planned step. Existing claims are not revoked. */
export async function editStep(
  context: CoordinationContext,
  id: string,
  edit: StepEdit,
): Promise<void> {
  const steps = await changePlan(context, (present) => editedStep(present, id, edit));
  await tell(context, 'step.edited', id, { planned: steps[id] });
}

/** `LostError` if somebody has claimed it or another step needs it. */
export async function removeStep(context: CoordinationContext, id: string): Promise<void> {
  const view = await readStep(context, id);
  if (view !== undefined) {
    throw new LostError(`step ${id} was claimed by ${view.agent ?? 'somebody'} already`, {
      hint: `See "tracecraft step-status ${id}".`,
    });
  }
  await changePlan(context, (present) => withoutStep(present, id));
  await tell(context, 'step.removed', id, {});
}

/**
 * Returns the planned steps after the change. `change` returns `undefined` if nothing has to be
 * written.
 */
async function changePlan(
  context: CoordinationContext,
  change: (present: PlannedSteps) => PlannedSteps | undefined,
): Promise<PlannedSteps> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const present = await readPlan(context);
    const steps = change(present.steps);
    if (steps === undefined) return present.steps;
    const nonce = newNonce();
    const body = encodeReadable(planSchema, { schema: 1, rev: present.rev + 1, nonce, steps });
    if (body.byteLength > maxPlanBytes) {
      throw new UsageError(
        `the plan would have ${body.byteLength} bytes, more than ${maxPlanBytes}`,
      );
    }
    if (await isWritten(context, present, body)) return steps;
    await context.clock.sleep(Math.random() * 20 * (attempt + 1));
  }
  throw new LostError(`the plan keeps changing: ${context.layout.plan()}`, {
    hint: 'Several agents are writing it right now. Try again.',
  });
}

async function isWritten(
  context: CoordinationContext,
  { etag }: ReadPlan,
  body: Buffer,
): Promise<boolean> {
  const { bucket, layout, clock } = context;
  const key = layout.plan();
  try {
    if (isArbitrated(context)) {
      const outcome =
        etag === undefined
          ? await bucket.putIfAbsent(key, body)
          : await bucket.putIfMatch(key, body, etag);
      return outcome.written || (await bucket.get(key))?.body.equals(body) === true;
    }
    await bucket.put(key, body);
    await clock.sleep(visibilityDelayMs);
    return (await bucket.get(key))?.body.equals(body) === true;
  } catch (error) {
    throw unknownOutcome(error, 'the plan was changed');
  }
}

function tell(
  context: CoordinationContext,
  type: EventType,
  step: string,
  said: object,
): Promise<void> {
  return writeEvent(context, {
    type,
    step,
    data: { ref: { key: context.layout.plan(), id: step }, ...said },
  });
}
