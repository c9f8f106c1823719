import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Coordination } from '../src/app/coordination.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { rejectedClaim } from '../src/cli/claim-lines.js';
import { parseTimeout } from '../src/cli/timeout.js';
import { claimTtl } from '../src/cli/ttl.js';
import { acquire, type ClaimResult } from '../src/coordination/claims/claims.js';
import { waitToAcquire } from '../src/coordination/claims/wait-to-claim.js';
import { stepId } from '../src/protocol/names.js';

const defaultTimeout = '30m';

export default class Claim extends BaseCommand {
  static override summary = 'take a step, so that nobody else works on it';
  static override description =
    'One of any number who try at once gets it: the store decides. Only exit 0 means that it is yours, and it is said once: asked again, also by another process of the same agent, the answer is 4. A step that was not renewed for its TTL (2 hours unless said otherwise) is free for the next who asks. Every command run in the same session or terminal renews what it holds, and so does a running "tracecraft watch" while the session is live.\n\nExit codes: 0 it is yours, 2 bad name, 4 somebody has it, perhaps you, or it is done, 6 the time is up (with --wait), 7 not allowed, 8 the store cannot be reached, or it is not known whether you have it.';
  static override examples = [
    '<%= config.bin %> claim design',
    '<%= config.bin %> claim build --ttl 15m',
    '<%= config.bin %> claim build --wait --timeout 1h',
    '<%= config.bin %> claim review --reopen',
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
    step: Args.string({ description: 'name of the step', required: true }),
  };
  static override flags = {
    ttl: Flags.string({
      summary:
        'time without a renewal after which others may take it over, at most 7d; "none": never',
      helpValue: '15m',
    }),
    mine: Flags.boolean({
      summary: 'also when it is held under your name: a new epoch, and whoever held it is fenced',
    }),
    reopen: Flags.boolean({ summary: 'take a step that is done, as a new epoch' }),
    wait: Flags.boolean({ char: 'w', summary: 'wait until it is free, whoever holds it' }),
    timeout: Flags.string({
      summary: `how long to wait, ${defaultTimeout} unless said otherwise; a bare number is seconds`,
      helpValue: '30m',
      dependsOn: ['wait'],
    }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Claim);
    const step = stepId(args.step);
    const { mine, reopen } = flags;
    const timeoutMs = parseTimeout(flags.timeout ?? defaultTimeout);
    const { coordination, settings } = await this.coordinate();
    const { context, holders } = coordination;
    let heartbeat: Promise<Error | undefined> = Promise.resolve(undefined);
    const ttlMs = claimTtl(flags.ttl, settings.claimTtlMs);
    const request = {
      step,
      ttlMs,
      reopen,
      mine,
      beside: (outcome: ClaimResult['outcome']) => {
        heartbeat = coordination.heartbeat(outcome === 'claimed' ? { step, ttlMs } : {});
        return heartbeat;
      },
    };
    const result = flags.wait
      ? await waitToAcquire(context, holders, {
          ...request,
          timeoutMs,
          onWaiting: ({ holder }) =>
            this.note(`Waiting for step ${step}: claimed by ${holder.agent}.`),
          onLook: () => coordination.heartbeat(),
        })
      : await acquire(context, holders, request);
    await this.afterHeartbeat(heartbeat);
    return this.answer(step, coordination, result);
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
        `this store does not arbitrate: the claim is best-effort, and another may believe the same`,
      );
    }
    this.say(`Claimed step ${step} as ${context.agent}`);
    if (how === 'mine') this.note(`Moved here: this is epoch ${claim.epoch}.`);
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
