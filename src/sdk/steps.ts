import { systemClock } from '../clock.js';
import { defaultTtlMs, maxTtlMs } from '../coordination/agents/liveness.js';
import { pinArtifacts } from '../coordination/artifacts/pins.js';
import { acquire, type ClaimResult, type WonClaim } from '../coordination/claims/claims.js';
import { complete, release } from '../coordination/claims/finish-claim.js';
import { listSteps, readHandoff } from '../coordination/claims/steps.js';
import { checkNeeds, unmetNeedsOf } from '../coordination/plan/needs.js';
import { waitForSteps } from '../coordination/plan/wait-for-steps.js';
import { UsageError } from '../errors.js';
import { nodeIo } from '../io.js';
import { maxTextLength, outcomes } from '../protocol/coordination.js';
import { checkName, stepId } from '../protocol/names.js';
import type { SdkContext } from './context.js';
import { textOf } from './environment.js';
import { handoffOf, stepOf } from './results.js';
import type {
  ClaimAnswer,
  ClaimOptions,
  NotClaimed,
  Report,
  Tracecraft,
  WaitOptions,
} from './types.js';

type Steps = Pick<Tracecraft, 'claim' | 'complete' | 'release' | 'handoff' | 'steps' | 'waitFor'>;

const maxFiles = 10_000;

export function stepsOf(acting: SdkContext): Steps {
  const { place, warn } = acting;
  const reading = { ...place, clock: systemClock };
  return {
    claim: (named, options) => claimStep(acting, named, options),
    complete: (named, report) => completeStep(acting, named, report),
    release: async (named, { epoch, force } = {}) => {
      const step = stepOfName(named);
      await acting.act(
        ({ context, holders, epochOf }) =>
          release(context, holders, { step, epoch: epoch ?? epochOf(step), force }),
        { step: null },
      );
    },
    handoff: async (named) => {
      const step = stepOfName(named);
      const document = await readHandoff(reading, step);
      return document === undefined ? undefined : handoffOf(step, document);
    },
    steps: async () => {
      const { steps, skipped } = await listSteps(reading);
      for (const error of skipped.values()) warn(error.message);
      return steps.map(stepOf);
    },
    waitFor: async (named, options) => {
      const timeoutMs = timeoutOf(options);
      const names = typeof named === 'string' ? [named] : named;
      const views = await waitForSteps(reading, {
        steps: names.map(stepOfName),
        timeoutMs,
        onLook: async () => {
          if (acting.settings.agent === undefined) return;
          await (await acting.coordination()).heartbeat();
        },
        onNeedsReview: ({ step }) => warn(`step ${step} needs a review`),
      });
      return views.map(stepOf);
    },
  };
}

async function claimStep(
  acting: SdkContext,
  ...[named, options]: Parameters<Steps['claim']>
): ReturnType<Steps['claim']> {
  const step = stepOfName(named);
  return claimAnswer(step, await acquireStep(acting, step, options));
}

export async function acquireStep(
  acting: SdkContext,
  step: string,
  { ttlMs: wishMs, reopen = false, mine = false, force = false }: ClaimOptions = {},
): Promise<ClaimResult> {
  const ttlMs = ttlOf(wishMs, acting.settings.claimTtlMs);
  const { context, holders, heartbeat } = await acting.coordination();
  return acquire(context, holders, {
    step,
    ttlMs,
    reopen,
    mine,
    mayTake: async () => {
      if (!force) checkNeeds(step, await unmetNeedsOf(context, step));
    },
    alongside: async (outcome) => {
      const failure = await heartbeat(outcome === 'claimed' ? { step, ttlMs } : {});
      if (failure !== undefined) acting.warn(`the heartbeat was not sent: ${failure.message}`);
    },
  });
}

export function rejectedAnswer(
  step: string,
  { holder: { agent, epoch }, reason, isOwnName }: Exclude<ClaimResult, WonClaim>,
): NotClaimed {
  return { claimed: false, step, reason, holder: { agent, epoch }, isOwnName };
}

function claimAnswer(step: string, result: ClaimResult): ClaimAnswer {
  if (result.outcome === 'rejected') return rejectedAnswer(step, result);
  const { claim, how, from, isBestEffort } = result;
  const before = from === undefined ? undefined : { agent: from.agent, epoch: from.epoch };
  return { claimed: true, step, epoch: claim.epoch, how, from: before, isBestEffort };
}

async function completeStep(
  acting: SdkContext,
  ...[named, report = {}]: Parameters<Steps['complete']>
): ReturnType<Steps['complete']> {
  const step = stepOfName(named);
  const checked = checkReport(acting, report);
  const artifacts =
    report.artifacts === undefined
      ? undefined
      : await pinArtifacts(acting.place, nodeIo, step, report.artifacts);
  const { epoch, force } = report;
  const { handoff, isRepeated } = await acting.act(
    ({ context, holders, epochOf }) =>
      complete(
        context,
        holders,
        { step, epoch: epoch ?? epochOf(step), force },
        { ...checked, artifacts },
      ),
    { step: null },
  );
  if (isRepeated) acting.warn(`step ${step} had already ended; its handoff is unchanged`);
  return handoffOf(step, handoff);
}

export function stepOfName(name: unknown): string {
  return stepId(textOf('step', name));
}

function ttlOf(
  wishMs: number | null | undefined,
  configured: number | null | undefined,
): number | null {
  const ttlMs = wishMs === undefined ? configured : wishMs;
  if (ttlMs === undefined) return defaultTtlMs;
  if (ttlMs === null || (ttlMs >= 1_000 && ttlMs <= maxTtlMs)) return ttlMs;
  throw new UsageError('ttlMs must be between 1,000 and 604,800,000 milliseconds, or null');
}

function timeoutOf(options: Partial<WaitOptions> | undefined): number {
  const { timeoutMs = Number.NaN } = options ?? {};
  if (Number.isFinite(timeoutMs) && timeoutMs >= 0) return timeoutMs;
  throw new UsageError('timeoutMs must be a number of milliseconds');
}

function checkFiles(files: readonly string[] | undefined): readonly string[] | undefined {
  if (files === undefined) return undefined;
  const isList = Array.isArray(files) && files.length <= maxFiles;
  if (isList && files.every((file) => typeof file === 'string' && file.length <= maxTextLength))
    return files;
  throw new UsageError(`changedFiles must be an array of at most ${maxFiles} strings`);
}

function checkReport(acting: SdkContext, report: Report) {
  const { outcome = 'complete', note, nextAgent, nextAction, changedFiles } = report;
  if (!outcomes.includes(outcome))
    throw new UsageError(`outcome must be one of ${outcomes.join(', ')}`);
  const scrub = (what: string, text: string | undefined): string | undefined => {
    if (text === undefined) return undefined;
    if (typeof text === 'string' && text.length <= maxTextLength) return acting.scrub(what, text);
    throw new UsageError(`${what} must be a string of at most ${maxTextLength} characters`, {
      hint: 'Upload it as an artifact, and name that.',
    });
  };
  return {
    outcome,
    note: scrub('note', note),
    nextAgent: nextAgent === undefined ? undefined : checkName('agent', nextAgent),
    nextAction: scrub('nextAction', nextAction),
    changedFiles: checkFiles(changedFiles),
  };
}
