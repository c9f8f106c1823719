import { LostError, UnreachableError } from '../../errors.js';
import type { Outcome } from '../../protocol/coordination.js';
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
  /** The step is a lock: it is given back whatever happens. */
  readonly isLock: boolean;
  /** What is said of a command that ended, except for its outcome and, if it failed, why. */
  report(outcome: Outcome): Promise<Omit<Report, 'outcome'>>;
  /** Resolves with the exit code of a signal that is to end the run; the command was told of it already. */
  readonly interrupted: Promise<number>;
}

export type EndedBy = 'command' | 'fenced' | 'contact' | 'signal';

export interface RunResult {
  readonly exit: number;
  readonly endedBy: EndedBy;
  /** What was made of the step; `undefined`: it was left alone. */
  readonly outcome: Outcome | 'released' | undefined;
}

/**
 * Holds a step while a command runs, and ends it as the command ended. The command is dead before anybody else may take the step
 * over: without a confirmed renewal it is told to end, and killed, before a TTL has passed since the last one was sent.
 */
export async function runStep(
  context: CoordinationContext,
  holders: HolderFiles,
  plan: RunPlan,
): Promise<RunResult> {
  const lease: Lease = { ttlMs: plan.ttlMs, sentAt: plan.won.sentAt };
  // What followed the claim may have taken so long that another could have the step by now.
  if (leftMs(lease, nowOf(context)) <= graceMs(lease)) {
    await giveBack(context, holders, plan).catch(() => undefined);
    return { exit: 8, endedBy: 'contact', outcome: undefined };
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

/** A command that runs, and what it runs for. */
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
  if (plan.isLock || (exit !== 0 && plan.onFailure === 'release') || exit === 127) {
    await giveBack(context, holders, plan);
    return { exit, endedBy: 'command', outcome: 'released' };
  }
  const outcome = exit === 0 ? 'complete' : 'blocked';
  const said = await plan.report(outcome);
  const why = `exit ${exit} after ${durationText(ranMs)}`;
  const tail = command.tail();
  const reason = exit === 0 ? said.note : [said.note, why, tail].filter(Boolean).join('\n');
  const report = { ...said, outcome, note: reason } as const;
  const { epoch } = plan.won.claim;
  try {
    await complete(context, holders, { step: plan.step, epoch }, report);
  } catch (error) {
    if (!(error instanceof LostError)) throw error;
    return { exit: error.exitCode, endedBy: 'fenced', outcome: undefined };
  }
  return { exit, endedBy: 'command', outcome };
}

/** A command that ended its step itself is left alone. */
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
    // Somebody else has it: there is nothing to give back.
    if (!(error instanceof LostError)) throw error;
  }
}

/** Renews until `signal`; resolves once the command had to be ended, and is dead. */
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
/** After the machine slept beyond the TTL, the claim may still be ours: so long an answer is waited for. */
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

/** Asks the command to end, and kills what is left of it. */
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
