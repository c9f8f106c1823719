import { systemClock } from '../clock.js';
import { defaultTtlMs } from '../coordination/agents/liveness.js';
import { review } from '../coordination/claims/review.js';
import { readBoard } from '../coordination/plan/board.js';
import { claimNext } from '../coordination/plan/claim-next.js';
import { addSteps } from '../coordination/plan/plan-document.js';
import { UsageError } from '../errors.js';
import { maxTextLength, type Verdict } from '../protocol/coordination.js';
import { checkName, stepId } from '../protocol/names.js';
import { checkNewStep, type NewStep } from '../protocol/plan.js';
import type { SdkContext } from './context.js';
import { textOf } from './environment.js';
import { handoffOf } from './results.js';
import type { NewPlannedStep, ReviewOptions, Tracecraft } from './types.js';

type Plans = Pick<Tracecraft, 'plan' | 'ready' | 'claimNext' | 'approve' | 'reject'>;

export function plansOf(acting: SdkContext): Plans {
  return {
    plan: async (steps) => {
      const news = steps.map(checkedStep);
      return acting.act(({ context }) => addSteps(context, news));
    },
    ready: async () => {
      const { steps, skipped } = await readBoard({ ...acting.place, clock: systemClock });
      for (const error of skipped.values()) acting.warn(error.message);
      const { agent } = acting.settings;
      return steps
        .filter(({ isReady, planned: { assign } }) => isReady && (assign ?? agent) === agent)
        .sort((left, right) => left.planned.priority - right.planned.priority)
        .map(({ step, planned: { title, needs, priority } }) => ({ step, title, needs, priority }));
    },
    claimNext: (options) => next(acting, options),
    approve: (step, options) => judge(acting, step, 'approved', options ?? {}),
    reject: (step, options) => {
      textOf('note', options.note);
      return judge(acting, step, 'rejected', options);
    },
  };
}

async function next(
  acting: SdkContext,
  { ttlMs = defaultTtlMs, priority, timeoutMs }: Parameters<Plans['claimNext']>[0] = {},
): ReturnType<Plans['claimNext']> {
  const { context, holders, heartbeat } = await acting.coordination();
  const { step, won } = await claimNext(context, holders, {
    ttlMs,
    priority,
    timeoutMs,
    alongside: (taken) => heartbeat({ step: taken, ttlMs }),
    onLook: () => heartbeat(),
  });
  const { claim, how, from, isBestEffort } = won;
  const before = from === undefined ? undefined : { agent: from.agent, epoch: from.epoch };
  return { claimed: true, step, epoch: claim.epoch, how, from: before, isBestEffort };
}

async function judge(
  acting: SdkContext,
  named: string,
  verdict: Verdict,
  { note, to, force }: ReviewOptions,
): ReturnType<Plans['approve']> {
  const step = stepId(textOf('step', named));
  if (note !== undefined && textOf('note', note).length > maxTextLength) {
    throw new UsageError(`note must have at most ${maxTextLength} characters`);
  }
  const said = note === undefined ? undefined : acting.scrub('note', note);
  const next = to === undefined ? undefined : checkName('agent', to);
  const { handoff } = await acting.act(({ context }) =>
    review(context, { step, verdict, note: said, to: next, force }),
  );
  return handoffOf(step, handoff);
}

function checkedStep(step: NewPlannedStep): NewStep {
  return checkNewStep({ ...step, id: textOf('id', step.id) });
}
