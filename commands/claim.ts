import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Coordination } from '../src/app/coordination.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { rejectedClaim } from '../src/cli/claim-lines.js';
import { overlapLines } from '../src/cli/overlap-lines.js';
import { parseTimeout } from '../src/cli/timeout.js';
import { claimTtl } from '../src/cli/ttl.js';
import { acquire, type ClaimResult } from '../src/coordination/claims/claims.js';
import type { CoordinationContext } from '../src/coordination/context.js';
import { claimNext } from '../src/coordination/plan/claim-next.js';
import { checkNeeds, unmetNeedsOf } from '../src/coordination/plan/needs.js';
import { overlapsOf } from '../src/coordination/plan/overlap.js';
import { type ReadPlan, readPlan } from '../src/coordination/plan/plan-document.js';
import { waitToAcquire } from '../src/coordination/plan/wait-to-claim.js';
import { UsageError } from '../src/errors.js';
import { stepId } from '../src/protocol/names.js';

const defaultTimeout = '30m';

export default class Claim extends BaseCommand {
  static override summary = 'take a step, so that nobody else works on it';
  static override description =
    'Takes the step, or with --next one that is ready. If several agents try at once, exactly one gets it: the store decides. Only exit 0 means that it is yours, and only once: asking again, even from another process of the same agent, exits with 4. A step that was not renewed within its TTL (2 hours by default) is free for the next agent that asks. Every command in the same session or terminal renews its claims, and so does a running "tracecraft watch" while the session is live.\n\nExit codes: 0 it is yours, 2 bad name, 3 everything is done (with --next), 4 someone has it, perhaps you, or it is done, 5 it waits for another step, or only blocked steps are left, 6 timed out, or nothing is ready yet (with --next), 7 not allowed, 8 store unreachable, or it is not known whether you have it.';
  static override examples = [
    '<%= config.bin %> claim design',
    '<%= config.bin %> claim build --ttl 15m',
    '<%= config.bin %> claim build --wait --timeout 1h',
    '<%= config.bin %> claim review --reopen',
    '<%= config.bin %> claim --next --wait',
    {
      description: 'move what you hold elsewhere to this session; the other one is fenced:',
      command: '<%= config.bin %> claim build --mine',
    },
    {
      description: 'work on the step only when it is yours:',
      command: '<%= config.bin %> claim build && ./build.sh && <%= config.bin %> complete build',
    },
  ];
  static override args = {
    step: Args.string({ description: 'name of the step; omit with --next' }),
  };
  static override flags = {
    next: Flags.boolean({
      summary: 'take whichever step is ready, highest priority first; -q prints only its name',
      exclusive: ['mine', 'reopen', 'force'],
    }),
    priority: Flags.integer({
      summary: 'with --next: only steps of this priority or higher (0 is highest)',
      min: 0,
      max: 9,
      dependsOn: ['next'],
    }),
    force: Flags.boolean({ summary: 'even if a step it needs is not complete' }),
    ttl: Flags.string({
      summary:
        'time without a renewal after which others may take it over, at most 7d; "none": never',
      helpValue: '15m',
    }),
    mine: Flags.boolean({
      summary: 'even if it is held under your name: starts a new epoch and fences the other holder',
    }),
    reopen: Flags.boolean({ summary: 'take a finished step again, in a new epoch' }),
    wait: Flags.boolean({ char: 'w', summary: 'wait until it is free, whoever holds it' }),
    timeout: Flags.string({
      summary: `how long to wait (default ${defaultTimeout}); a bare number means seconds`,
      helpValue: '30m',
      dependsOn: ['wait'],
    }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Claim);
    const named = stepOf(args.step, flags.next);
    const { mine, reopen, force } = flags;
    const timeoutMs = parseTimeout(flags.timeout ?? defaultTimeout);
    const { coordination, settings } = await this.coordinate();
    const { context, holders } = coordination;
    let heartbeat: Promise<Error | undefined> = Promise.resolve(undefined);
    const ttlMs = claimTtl(flags.ttl, settings.claimTtlMs);
    if (named === undefined)
      return this.takeNext(coordination, ttlMs, flags.wait ? timeoutMs : undefined, flags.priority);
    const step = named;
    let plan: ReadPlan | undefined;
    const request = {
      step,
      ttlMs,
      reopen,
      mine,
      alongside: (outcome: ClaimResult['outcome']) => {
        heartbeat = coordination.heartbeat(outcome === 'claimed' ? { step, ttlMs } : {});
        return heartbeat;
      },
    };
    const result = flags.wait
      ? await waitToAcquire(context, holders, {
          ...request,
          timeoutMs,
          ignoresNeeds: force,
          onWaiting: (reason) => this.note(reason),
          onLook: () => coordination.heartbeat(),
        })
      : await acquire(context, holders, {
          ...request,
          mayTake: async () => {
            plan = await readPlan(context);
            if (!force) checkNeeds(step, await unmetNeedsOf(context, step, plan));
          },
        });
    if (result.outcome === 'claimed') await this.warnOfOverlaps(context, step, plan);
    await this.afterHeartbeat(heartbeat);
    return this.answer(step, coordination, result);
  }

  private async takeNext(
    coordination: Coordination,
    ttlMs: number | null,
    timeoutMs: number | undefined,
    priority: number | undefined,
  ): Promise<object> {
    let heartbeat: Promise<Error | undefined> = Promise.resolve(undefined);
    const { step, won, plan } = await claimNext(coordination.context, coordination.holders, {
      ttlMs,
      timeoutMs,
      priority,
      alongside: (taken) => {
        heartbeat = coordination.heartbeat({ step: taken, ttlMs });
        return heartbeat;
      },
      onWaiting: () => this.note('Waiting: nothing is ready yet.'),
      onLook: () => coordination.heartbeat(),
    });
    await this.afterHeartbeat(heartbeat);
    await this.warnOfOverlaps(coordination.context, step, plan);
    if (this.isQuiet) this.print(step);
    return this.answer(step, coordination, won);
  }

  private async warnOfOverlaps(
    context: CoordinationContext,
    step: string,
    known?: Pick<ReadPlan, 'steps'>,
  ): Promise<void> {
    for (const line of overlapLines(await overlapsOf(context, step, known))) this.warn(line);
  }

  private async answer(
    step: string,
    { context }: Coordination,
    result: ClaimResult,
  ): Promise<object> {
    if (result.outcome === 'rejected') {
      throw rejectedClaim(step, result, await context.bucket.now());
    }
    const { claim, from, how, isBestEffort } = result;
    if (isBestEffort) {
      this.warn(
        `this store does not arbitrate: the claim is best-effort, and another agent may believe it won too`,
      );
    }
    this.say(`Claimed step ${step} as ${context.agent}`);
    if (how === 'mine') this.note(`Moved here: this is epoch ${claim.epoch}.`);
    if (how === 'expired' && from !== undefined) {
      this.note(
        `Taken over from ${from.agent}, who was silent for too long. This is epoch ${claim.epoch}.`,
      );
    }
    const { agent, session_id, host, epoch, claimed_at, ttl_s } = claim;
    return {
      step,
      agent,
      session_id,
      host,
      epoch,
      claimed_at,
      ttl_s,
      how,
      from: from === undefined ? null : { agent: from.agent, epoch: from.epoch },
      best_effort: isBestEffort,
    };
  }
}

function stepOf(named: string | undefined, isNext: boolean): string | undefined {
  if (isNext && named === undefined) return undefined;
  if (!isNext && named !== undefined) return stepId(named);
  throw new UsageError(isNext ? '--next chooses the step itself' : 'missing argument: STEP', {
    hint: 'Use "tracecraft claim STEP" or "tracecraft claim --next".',
  });
}
