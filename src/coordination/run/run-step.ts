import { LostError, NotFoundError, UnreachableError } from '../../errors.js';
import { maxTextLength, type Outcome } from '../../protocol/coordination.js';
import type { SentAt, WonClaim } from '../claims/claims.js';
import { readClaim } from '../claims/document.js';
import { complete, type Report, release } from '../claims/finish-claim.js';
import type { HolderFile, HolderFiles } from '../claims/holder-files.js';
import { renewClaim } from '../claims/renew.js';
import type { CoordinationContext } from '../context.js';
import type { RunningCommand } from './command.js';
import { graceMs, type Lease, leftMs } from './lease.js';

export interface RunPlan {
  readonly step: string;
  readonly won: WonClaim;
  readonly ttlMs: number;
  start(): RunningCommand;
  /** What becomes of the step if the command fails. */
  readonly onFailure: 'block' | 'release';
  /** The step is a lock: it is released whatever happens. */
  readonly isLock: boolean;
  /** The report on a command that ended, except for its outcome and, if it failed, the reason. */
  report(outcome: Outcome): Promise<Omit<Report, 'outcome'>>;
  /**
   * Resolves with the exit code of a signal that ends the run. The command, if it is running, has already received the
   * signal; otherwise it is not started.
   */
  readonly interrupted: Promise<number>;
}

export type EndedBy = 'command' | 'fenced' | 'contact' | 'signal';

export interface RunResult {
  readonly exit: number;
  readonly endedBy: EndedBy;
  /** How the step was left; `undefined`: unchanged. */
  readonly outcome: Outcome | 'released' | undefined;
}

/**
 * Holds a step while a command runs, and ends it according to the command's result. The command is
 * dead before anybody else may take the step over: without a confirmed renewal it is terminated,
 * then killed, within one TTL of the last renewal sent.
 */
export async function runStep(
  context: CoordinationContext,
  holders: HolderFiles,
  plan: RunPlan,
): Promise<RunResult> {
  const lease: Lease = { ttlMs: plan.ttlMs, sentAt: plan.won.sentAt };
  // The writes after the claim may have taken so long that another agent could have the step by
  // now.
  if (leftMs(lease, nowOf(context)) <= graceMs(lease)) {
    await giveBack(context, holders, plan).catch(() => undefined);
    return { exit: 8, endedBy: 'contact', outcome: undefined };
  }
  const already = await Promise.race([plan.interrupted, undefined]);
  if (already !== undefined) {
    await giveBack(context, holders, plan);
    return { exit: already, endedBy: 'signal', outcome: 'released' };
  }
  const startedMs = context.clock.monotonic();
  const run: Run = { context, holders, plan, command: plan.start() };
  const over = new AbortController();
  const keeping = keepLease(run, lease, over.signal);
  const first = await Promise.race([
    run.command.ended.then((exit) => ({ exit }) as const),
    keeping.then((why) => ({ why }) as const),
    plan.interrupted.then((signalExit) => ({ signalExit }) as const),
  ]);
  if ('why' in first) return stopped(run, first.why);
  if ('signalExit' in first) {
    await Promise.race([run.command.ended, keeping]);
    over.abort();
    await giveBack(context, holders, plan);
    return { exit: first.signalExit, endedBy: 'signal', outcome: 'released' };
  }
  over.abort();
  return finish(run, { exit: first.exit, ranMs: context.clock.monotonic() - startedMs });
}

/** A running command and its context. */
interface Run {
  readonly context: CoordinationContext;
  readonly holders: HolderFiles;
  readonly plan: RunPlan;
  readonly command: RunningCommand;
}

interface CommandEnd {
  readonly exit: number;
  readonly ranMs: number;
}

async function finish(run: Run, { exit, ranMs }: CommandEnd): Promise<RunResult> {
  const { context, holders, plan, command } = run;
  if (!(await isStillHeld(context, plan))) return { exit, endedBy: 'command', outcome: undefined };
  const isReleased = plan.isLock || (exit !== 0 && plan.onFailure === 'release');
  if (isReleased || command.startFailure?.() !== undefined) {
    await giveBack(context, holders, plan);
    return { exit, endedBy: 'command', outcome: 'released' };
  }
  const { report, code } = await reportOf(run, { exit, ranMs });
  const { epoch } = plan.won.claim;
  try {
    await complete(context, holders, { step: plan.step, epoch }, report);
  } catch (error) {
    if (!(error instanceof LostError)) throw error;
    return { exit: error.exitCode, endedBy: 'fenced', outcome: undefined };
  }
  return { exit: code, endedBy: 'command', outcome: report.outcome };
}

/** With the exit code of the run: the command's, unless it left out an artifact that belongs to the handoff. */
async function reportOf(
  { plan, command }: Run,
  { exit, ranMs }: CommandEnd,
): Promise<{ readonly report: Report; readonly code: number }> {
  const why = `exit ${exit} after ${durationText(ranMs)}`;
  if (exit !== 0) return { code: exit, report: await blockedReport(plan, [why, command.tail()]) };
  try {
    const said = await plan.report('complete');
    const note = said.note?.slice(0, maxTextLength);
    return { code: exit, report: { ...said, outcome: 'complete', note } };
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    const reasons = [`${why}, but ${error.message}`];
    return { code: error.exitCode, report: await blockedReport(plan, reasons) };
  }
}

async function blockedReport(plan: RunPlan, reasons: readonly string[]): Promise<Report> {
  const said = await plan.report('blocked');
  const note = [said.note, ...reasons].filter(Boolean).join('\n').slice(0, maxTextLength);
  return { ...said, outcome: 'blocked', note };
}

/** A command that ended its own step is left alone. */
async function isStillHeld(context: CoordinationContext, { step, won }: RunPlan): Promise<boolean> {
  const claim = (await readClaim(context, step))?.document;
  return claim?.nonce !== won.claim.nonce || claim.state === 'held';
}

async function stopped(
  { context, holders, plan }: Run,
  why: 'fenced' | 'contact',
): Promise<RunResult> {
  if (why === 'fenced') return { exit: 4, endedBy: why, outcome: undefined };
  await giveBack(context, holders, plan).catch(() => undefined);
  return { exit: 8, endedBy: why, outcome: undefined };
}

async function giveBack(
  context: CoordinationContext,
  holders: HolderFiles,
  { step, won }: RunPlan,
): Promise<void> {
  try {
    await release(context, holders, { step, epoch: won.claim.epoch });
  } catch (error) {
    // Somebody else has it, so there is nothing to release.
    if (!(error instanceof LostError)) throw error;
  }
}

/** Renews until `signal` is aborted; resolves if the command had to be ended, once it is dead. */
async function keepLease(
  { context, holders, plan, command }: Run,
  first: Lease,
  signal: AbortSignal,
): Promise<'fenced' | 'contact'> {
  const { step, won, ttlMs } = plan;
  const { clock } = context;
  let file = (await holders.of(step)).find(({ claim }) => claim.nonce === won.claim.nonce);
  let lease = first;
  // Three renewals within a TTL, so that one may be late.
  const renewalAtMs = (ttlMs * 2) / 3;
  const left = (): number => leftMs(lease, nowOf(context));
  for (;;) {
    await clock.sleep(Math.ceil(Math.min(left() - renewalAtMs, longestPauseMs)), signal);
    if (signal.aborted) return forever();
    if (left() > renewalAtMs) continue;
    const sentAt = nowOf(context);
    const renewal = await tryToRenew(
      context,
      holders,
      file,
      Math.max(left() - graceMs(lease), wakeUpMs),
    );
    if (signal.aborted) return forever();
    if (renewal === 'lost') return end(context, command, 'fenced', graceMs(lease));
    if (renewal === 'ended') return forever();
    if (renewal !== 'unknown') {
      file = renewal;
      lease = { ttlMs, sentAt };
      continue;
    }
    if (left() <= graceMs(lease)) return end(context, command, 'contact', left());
    await clock.sleep(Math.min(retryMs, Math.max(0, left() - graceMs(lease))), signal);
  }
}

const longestPauseMs = 60_000;
const retryMs = 1_000;
/**
 * After the machine has slept past the TTL, the claim may still be ours: wait this long for an
 * answer.
 */
const wakeUpMs = 2_000;

async function tryToRenew(
  context: CoordinationContext,
  holders: HolderFiles,
  file: HolderFile | undefined,
  patienceMs: number,
): Promise<HolderFile | 'lost' | 'ended' | 'unknown'> {
  if (file === undefined) return 'unknown';
  const patience = new AbortController();
  const renewing = renewClaim(context, holders, file).then(
    (renewal) => (renewal.renewed ? renewal.file : renewal.why),
    (error: unknown) => {
      if (error instanceof UnreachableError || error instanceof LostError)
        return 'unknown' as const;
      throw error;
    },
  );
  const waited = context.clock.sleep(patienceMs, patience.signal).then(
    () => 'unknown' as const,
    () => 'unknown' as const,
  );
  const renewal = await Promise.race([renewing, waited]);
  patience.abort();
  return renewal;
}

/** Asks the command to end, then kills whatever is left of it. */
async function end(
  { clock }: CoordinationContext,
  command: RunningCommand,
  why: 'fenced' | 'contact',
  withinMs: number,
): Promise<'fenced' | 'contact'> {
  command.signal('SIGTERM');
  await Promise.race([command.ended, clock.sleep(Math.max(0, withinMs))]);
  command.signal('SIGKILL');
  await command.ended;
  return why;
}

function nowOf({ clock }: CoordinationContext): SentAt {
  return { wallMs: clock.now(), monotonicMs: clock.monotonic() };
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}

function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [minutes, rest] = [Math.trunc(seconds / 60), seconds % 60];
  return minutes === 0 ? `${rest}s` : `${minutes}m${rest}s`;
}
