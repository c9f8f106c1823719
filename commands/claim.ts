import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Coordination } from '../src/app/coordination.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { parseDuration } from '../src/config/duration.js';
import { defaultTtlMs, maxTtlMs } from '../src/coordination/agents/liveness.js';
import { acquire, type ClaimResult } from '../src/coordination/claims/claims.js';
import { LostError, UsageError } from '../src/errors.js';
import { stepId } from '../src/protocol/names.js';

export default class Claim extends BaseCommand {
  static override summary = 'take a step, so that nobody else works on it';
  static override description =
    'Of any number of agents that try at once, one gets it: the store decides. If the holder is silent for the TTL of the claim (default 2 hours), the next agent that asks takes the step over. Every command of the holder counts as a heartbeat, and so does a running "tracecraft watch" while the session is live.\n\nExit codes: 0 it is yours, 2 bad name, 4 someone else has it or it is done, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> claim design',
    '<%= config.bin %> claim build --ttl 15m',
    '<%= config.bin %> claim review --reopen',
    {
      description: 'work on the step only when it is yours:',
      command: '<%= config.bin %> claim build && ./build.sh && <%= config.bin %> complete build',
    },
  ];
  static override args = {
    step: Args.string({ description: 'name of the step', required: true }),
  };
  static override flags = {
    ttl: Flags.string({
      summary: 'silence after which others may take it over, at most 7d; "none" for never',
      helpValue: '15m',
    }),
    reopen: Flags.boolean({ summary: 'take a finished step again, as a new epoch' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Claim);
    const step = stepId(args.step);
    const wishMs = ttlOf(flags.ttl);
    const { coordination, settings } = await this.coordinate();
    let heartbeat: Promise<Error | undefined> = Promise.resolve(undefined);
    const ttlMs = wishMs !== undefined ? wishMs : defaultedTtl(settings.claimTtlMs);
    const result = await acquire(coordination.context, coordination.held, {
      step,
      ttlMs,
      reopen: flags.reopen,
      beside: (outcome) => {
        heartbeat = coordination.heartbeat(outcome === 'claimed' ? { step, ttlMs } : {});
        return heartbeat;
      },
    });
    await this.afterHeartbeat(heartbeat);
    return this.answer(step, coordination, result);
  }

  private answer(step: string, { context }: Coordination, result: ClaimResult): object {
    if (result.outcome === 'rejected') throw rejected(step, context.agent, result);
    const { claim, from, how, isBestEffort } = result;
    if (isBestEffort) {
      this.warn(
        `this store does not arbitrate: the claim is best-effort, and another may believe the same`,
      );
    }
    this.say(`Claimed step ${step} as ${context.agent}`);
    if (how === 'renewed') this.note('You held it already; its TTL starts again.');
    if (how === 'expired' && from !== undefined) {
      this.note(
        `Taken over from ${from.agent}, who gave no sign of life. This is epoch ${claim.epoch}.`,
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

/** `undefined` if the flag was not given. */
function ttlOf(text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined;
  if (text === 'none') return null;
  const ms = parseDuration('--ttl', text);
  if (ms <= maxTtlMs) return ms;
  throw new UsageError(`--ttl ${text} is more than 7d, the most there is`, {
    hint: 'Use "none" for a claim that never expires.',
  });
}

function defaultedTtl(configured: number | null | undefined): number | null {
  return configured === undefined ? defaultTtlMs : configured;
}

const doneTexts = {
  complete: 'already completed',
  blocked: 'is blocked',
  needs_review: 'needs a review, as said',
} as const;

function rejected(
  step: string,
  agent: string,
  { reason, holder }: Extract<ClaimResult, { readonly outcome: 'rejected' }>,
): LostError {
  if (reason === 'done') {
    const { state = 'complete', note } = holder.outcome ?? {};
    const why = note === null || note === undefined || note === '' ? '' : `: ${note}`;
    return new LostError(`Step ${step} ${doneTexts[state]} by ${holder.agent}${why}`, {
      hint: `See "tracecraft handoff ${step}". To take it up: "tracecraft claim ${step} --reopen".`,
    });
  }
  if (holder.agent === agent) {
    return new LostError(`Step ${step} already claimed by ${agent}`, {
      hint: `By another session or terminal of that name. If it is yours: --epoch ${holder.epoch} with complete or release.`,
    });
  }
  return new LostError(`Step ${step} already claimed by ${holder.agent}`, {
    hint: `Take another one, or wait with "tracecraft wait-for ${step}".`,
  });
}
