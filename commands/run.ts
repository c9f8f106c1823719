import * as Flags from '@oclif/core/flags';
import { type Coordination, runVariables } from '../src/app/coordination.js';
import { checkSecrets } from '../src/app/secret-check.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { rejectedClaim } from '../src/cli/claim-lines.js';
import { checkNote } from '../src/cli/note.js';
import { overlapLines } from '../src/cli/overlap-lines.js';
import { openRunSignals } from '../src/cli/run-signals.js';
import { parseTimeout } from '../src/cli/timeout.js';
import { runTtl } from '../src/cli/ttl.js';
import type { Settings } from '../src/config/settings.js';
import { isRecipientKnown, unknownAgent } from '../src/coordination/agents/agents.js';
import { pinArtifacts } from '../src/coordination/artifacts/pins.js';
import { acquire, type WonClaim } from '../src/coordination/claims/claims.js';
import { isArbitrated } from '../src/coordination/claims/document.js';
import type { CoordinationContext } from '../src/coordination/context.js';
import { claimNext } from '../src/coordination/plan/claim-next.js';
import { checkNeeds, unmetNeedsOf } from '../src/coordination/plan/needs.js';
import { overlapsOf } from '../src/coordination/plan/overlap.js';
import { type ReadPlan, readPlan } from '../src/coordination/plan/plan-document.js';
import { waitToAcquire } from '../src/coordination/plan/wait-to-claim.js';
import { type RunningCommand, startCommand } from '../src/coordination/run/command.js';
import { runStep } from '../src/coordination/run/run-step.js';
import { messageOf, UsageError } from '../src/errors.js';
import { nodeIo } from '../src/io.js';
import { checkName, stepId } from '../src/protocol/names.js';

const defaultTimeout = '30m';

interface Wish {
  readonly step: string | undefined;
  readonly words: readonly string[];
}

interface Taken {
  readonly step: string;
  readonly won: WonClaim;
  readonly plan: Pick<ReadPlan, 'steps'> | undefined;
}

export default class Run extends BaseCommand {
  static override summary = 'hold a step while a command runs';
  static override description =
    'Claims the step, starts the command, renews the claim while it runs, and ends the step when the command ends: exit 0 completes it, anything else blocks it, with the end of the output (redacted) as the note. If an artifact named with --artifact is missing, the step is blocked (exit 3); if the command cannot be started, it is released (exit 127). The command finds the step in TRACECRAFT_STEP and TRACECRAFT_EPOCH, and may end it itself.\n\nIf renewals fail, the command is asked to stop, then killed, before anyone else may take the step. A signal is passed on to the command, and the step is released. If this process itself is killed, the command keeps running without it: the step is free after its TTL, and a late "complete" by the command is fenced.\n\nExit codes: before the command starts, those of "claim" (with --next also 3 everything is done, 5 only blocked steps are left, 6 others are at work); after that the command\'s own, or 4 if the step was lost, 8 if the store was unreachable for too long, 130, 143 or 129 after a signal. --json distinguishes them.';
  static override examples = [
    '<%= config.bin %> run build -- make all',
    '<%= config.bin %> run build --to reviewer --artifact patch.diff -- ./build.sh',
    {
      description: 'a worker that takes whatever is ready until all is done:',
      command: 'while <%= config.bin %> run --next --wait -- ./work.sh; do :; done',
    },
    {
      description: 'a lock, held while a command runs:',
      command: '<%= config.bin %> run lock-auth --release --wait -- ./migrate.sh',
    },
  ];
  static override strict = false;
  static override usage = ['run STEP [FLAGS] -- COMMAND…', 'run --next [FLAGS] -- COMMAND…'];
  static override flags = {
    next: Flags.boolean({ summary: 'take whichever step is ready, highest priority first' }),
    priority: Flags.integer({
      summary: 'with --next: only steps of this priority or higher (0 is highest)',
      min: 0,
      max: 9,
      dependsOn: ['next'],
    }),
    ttl: Flags.string({
      summary: 'time without a renewal after which others may take it over',
      default: '5m',
      helpValue: '5m',
    }),
    mine: Flags.boolean({
      summary: 'even if it is held under your name: fences the other holder',
      exclusive: ['next'],
    }),
    wait: Flags.boolean({
      char: 'w',
      summary: 'wait until it is free, or until something is ready',
    }),
    timeout: Flags.string({
      summary: `how long to wait (default ${defaultTimeout}); a bare number means seconds`,
      helpValue: '30m',
      dependsOn: ['wait'],
    }),
    to: Flags.string({
      summary: 'the agent that continues; it gets a message',
      helpValue: 'AGENT',
    }),
    note: Flags.string({ summary: 'a note for the handoff' }),
    artifact: Flags.string({
      summary: 'an artifact that the command uploads; repeatable',
      multiple: true,
      helpValue: 'NAME',
    }),
    release: Flags.boolean({ summary: 'release the step whatever happens, as with a lock' }),
    'on-failure': Flags.option({
      options: ['block', 'release'] as const,
      summary: 'what happens to the step if the command fails',
      default: 'block' as const,
    })(),
    tail: Flags.boolean({
      summary: 'if the command fails, add the end of its output to the note (default)',
      default: true,
      allowNo: true,
    }),
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(Run);
    const { step: named, words } = wishOf(argv.map(String), flags.next);
    const ttlMs = runTtl(flags.ttl);
    checkNote('--note', flags.note);
    const to = flags.to === undefined ? undefined : checkName('agent', flags.to);
    const { coordination, settings } = await this.coordinate();
    const { context, holders } = coordination;
    checkTtl(context, ttlMs);
    if (to !== undefined && !(await isRecipientKnown(context, to))) this.note(unknownAgent(to));
    const note = flags.note === undefined ? undefined : scrub(settings, flags.note);
    const timeoutMs = flags.wait ? parseTimeout(flags.timeout ?? defaultTimeout) : undefined;
    const { step, won, plan } =
      named === undefined
        ? await this.takeNext(coordination, { ttlMs, timeoutMs, priority: flags.priority })
        : await this.take(coordination, named, { ttlMs, timeoutMs, mine: flags.mine });
    const signals = openRunSignals();
    this.note(`Claimed step ${step} as ${context.agent} (epoch ${won.claim.epoch}).`);
    await this.warnOfOverlaps(context, step, plan);
    const start = (): RunningCommand => {
      const command = this.start(words, flags.tail, {
        TRACECRAFT_AGENT: context.agent,
        [runVariables.step]: step,
        [runVariables.epoch]: String(won.claim.epoch),
      });
      signals.passTo(command);
      this.noteFailure(command);
      return { ...command, tail: () => (flags.tail ? scrub(settings, command.tail()) : '') };
    };
    const result = await runStep(context, holders, {
      step,
      won,
      ttlMs,
      start,
      onFailure: flags['on-failure'],
      isLock: flags.release,
      interrupted: signals.interrupted,
      report: async (outcome) => ({
        note,
        nextAgent: to,
        artifacts: outcome === 'complete' ? await pinned(context, step, flags.artifact) : undefined,
      }),
    }).finally(() => signals.restore());
    await this.afterHeartbeat(coordination.heartbeat({ step: null }));
    process.exitCode = result.exit;
    const { exit, endedBy, outcome = null } = result;
    this.note(endText(step, endedBy, outcome, exit));
    return { step, epoch: won.claim.epoch, exit, ended_by: endedBy, outcome };
  }

  /** Advice: what prevents it must not leave the step held with no command running. */
  private async warnOfOverlaps(
    context: CoordinationContext,
    step: string,
    known: Taken['plan'],
  ): Promise<void> {
    try {
      for (const line of overlapLines(await overlapsOf(context, step, known))) this.warn(line);
    } catch (error) {
      const why = messageOf(error);
      this.warn(`not known whether others change the same files: ${why}`);
    }
  }

  /** With --json the answer alone is on stdout. */
  private start(
    words: readonly string[],
    keepsTail: boolean,
    env: Readonly<Record<string, string>>,
  ): RunningCommand {
    return startCommand({
      words,
      keepsTail: keepsTail || this.jsonEnabled(),
      env: { ...process.env, ...env },
      stdout: this.jsonEnabled() ? process.stderr : process.stdout,
      stderr: process.stderr,
    });
  }

  private noteFailure({ ended, startFailure }: RunningCommand): void {
    void ended.then(() => {
      const failure = startFailure?.();
      if (failure !== undefined) this.warn(`the command could not be started: ${failure.message}`);
    });
  }

  private async take(
    coordination: Coordination,
    step: string,
    { ttlMs, timeoutMs, mine }: { ttlMs: number; timeoutMs: number | undefined; mine: boolean },
  ): Promise<Taken> {
    const { context, holders } = coordination;
    let plan: ReadPlan | undefined;
    const request = {
      step,
      ttlMs,
      mine,
      reopen: false,
      alongside: (outcome: 'claimed' | 'rejected') =>
        coordination.heartbeat(outcome === 'claimed' ? { step, ttlMs } : {}),
    };
    const result =
      timeoutMs === undefined
        ? await acquire(context, holders, {
            ...request,
            mayTake: async () => {
              plan = await readPlan(context);
              checkNeeds(step, await unmetNeedsOf(context, step, plan));
            },
          })
        : await waitToAcquire(context, holders, {
            ...request,
            timeoutMs,
            onWaiting: (text) => this.note(text),
            onLook: () => coordination.heartbeat(),
          });
    if (result.outcome === 'claimed') return { step, won: result, plan };
    throw rejectedClaim(step, result, await context.bucket.now());
  }

  private async takeNext(
    coordination: Coordination,
    wish: { ttlMs: number; timeoutMs: number | undefined; priority: number | undefined },
  ): Promise<Taken> {
    return claimNext(coordination.context, coordination.holders, {
      ...wish,
      alongside: (step) => coordination.heartbeat({ step, ttlMs: wish.ttlMs }),
      onWaiting: () => this.note('Waiting: nothing is ready yet.'),
      onLook: () => coordination.heartbeat(),
    });
  }
}

function checkTtl(context: CoordinationContext, ttlMs: number): void {
  if (isArbitrated(context) || ttlMs >= 60_000) return;
  throw new UsageError('this store does not arbitrate: --ttl has to be at least 1m');
}

function wishOf(argv: readonly string[], isNext: boolean): Wish {
  const [first, ...rest] = argv;
  const words = isNext ? argv : rest;
  if (!isNext && first === undefined) {
    throw new UsageError('missing argument: STEP', { hint: 'Or take what is ready: --next.' });
  }
  if (words.length === 0 || words[0] === '') {
    throw new UsageError('missing command', {
      hint: 'Write it after "--": tracecraft run STEP -- make all',
    });
  }
  return { step: isNext || first === undefined ? undefined : stepId(first), words };
}

async function pinned(context: CoordinationContext, step: string, names: string[] | undefined) {
  return names === undefined ? undefined : pinArtifacts(context, nodeIo, step, names);
}

function scrub(settings: Settings, text: string): string {
  return checkSecrets(settings, text, true).text;
}

function endText(
  step: string,
  endedBy: 'command' | 'fenced' | 'contact' | 'signal',
  outcome: string | null,
  exit: number,
): string {
  if (endedBy === 'fenced')
    return `fenced: step ${step} is not yours any more; the command was ended.`;
  if (endedBy === 'contact') return `The store was out of reach; the command was ended in time.`;
  const how = outcome === null ? 'was ended by the command' : `is ${outcome.replace('_', ' ')}`;
  return `Step ${step} ${how} (exit ${exit}).`;
}
