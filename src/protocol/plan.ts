import * as v from 'valibot';
import { UsageError } from '../errors.js';
import { checkName, isStepId, stepId } from './names.js';

const text = v.pipe(v.string(), v.maxLength(1_000));
const nullableText = v.optional(v.nullable(text), null);

/** Maximum size in bytes of the document, which every `claim` and `ready` reads. */
export const maxPlanBytes = 4_194_304;
export const defaultPriority = 5;

export const plannedStepSchema = v.object({
  title: nullableText,
  /** Steps that must be complete before this one may be claimed. */
  needs: v.optional(v.pipe(v.array(text), v.maxLength(1_000)), []),
  /** 0 comes first, 9 last. */
  priority: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9)),
    defaultPriority,
  ),
  /** The only agent that may take it with `claim --next`. */
  assign: nullableText,
  /** A glob of the files it will change: advice to others, not a lock. */
  paths: nullableText,
  by: nullableText,
  at: nullableText,
});
export type PlannedStep = v.InferOutput<typeof plannedStepSchema>;

/**
 * A map rather than a record, which would drop steps named `prototype` or `constructor`. Whatever
 * cannot be a step is ignored.
 */
const plannedStepsSchema = v.pipe(
  v.custom<object>((value) => typeof value === 'object' && value !== null, 'Expected an object'),
  v.transform((steps) => new Map(Object.entries(steps).filter(([id]) => isStepId(id)))),
  v.map(v.string(), plannedStepSchema),
  v.transform((steps): Readonly<Record<string, PlannedStep>> => Object.fromEntries(steps)),
);

/**
 * `plan.json`: one document, because two additions to separate ones could together close a cycle.
 */
export const planSchema = v.object({
  schema: v.optional(v.number(), 1),
  rev: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0),
  nonce: nullableText,
  steps: v.optional(plannedStepsSchema, {}),
});
export type PlanDocument = v.InferOutput<typeof planSchema>;

/** A step to add; all other fields have defaults. */
export interface NewStep {
  readonly id: string;
  readonly title?: string | null | undefined;
  readonly needs?: readonly string[] | undefined;
  readonly priority?: number | undefined;
  readonly assign?: string | null | undefined;
  readonly paths?: string | null | undefined;
}

const newStepSchema = v.strictObject({
  id: v.string(),
  title: v.optional(v.nullable(text)),
  needs: v.optional(v.array(v.string())),
  priority: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9))),
  assign: v.optional(v.nullable(v.string())),
  paths: v.optional(v.nullable(text)),
});
const newStepsSchema = v.union([
  v.array(newStepSchema),
  v.object({ steps: v.array(newStepSchema) }),
]);

/** The steps of a file for `step add --from`: a JSON list, or an object with a list in `steps`. */
export function parseNewSteps(source: string, json: string): NewStep[] {
  const result = v.safeParse(newStepsSchema, jsonIn(source, json));
  if (!result.success) {
    throw new UsageError(`not a list of steps: ${source}: ${result.issues[0].message}`, {
      hint: 'Write [{"id": "build", "needs": ["design"]}, …]; title, priority, assign and paths are optional.',
    });
  }
  return Array.isArray(result.output) ? result.output : result.output.steps;
}

/** Checks the names and converts them to the form used in keys. */
export function checkNewStep(step: NewStep): NewStep {
  const needs = (step.needs ?? []).map((one) => stepId(one.trim()));
  return {
    ...step,
    id: stepId(step.id),
    needs: [...new Set(needs)].sort(),
    ...(step.assign == null ? {} : { assign: checkName('agent', step.assign) }),
  };
}

function jsonIn(source: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new UsageError(`not JSON: ${source}`);
  }
}
