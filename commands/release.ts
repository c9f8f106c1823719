import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { release } from '../src/coordination/claims/finish-claim.js';
import { stepId } from '../src/protocol/names.js';

export default class Release extends BaseCommand {
  static override summary = 'give back an unfinished step';
  static override description =
    'The next agent that claims it gets it at once. If you no longer hold the step, the command says so and changes nothing.\n\nExit codes: 0 released, 2 bad name, 3 nobody has claimed it, 4 not yours (any more), 7 not allowed, 8 store unreachable, or it is not known whether it was released.';
  static override examples = [
    '<%= config.bin %> release build',
    '<%= config.bin %> release build --epoch 2',
  ];
  static override args = {
    step: Args.string({ description: 'name of the step', required: true }),
  };
  static override flags = {
    epoch: Flags.integer({ summary: 'the epoch you won, wherever you won it', min: 1 }),
    force: Flags.boolean({ summary: 'even if someone else holds it' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Release);
    const step = stepId(args.step);
    const { coordination } = await this.coordinate();
    const { context, holders } = coordination;
    const { epoch = coordination.epochOf(step), force } = flags;
    const { claim, isRepeated } = await release(context, holders, { step, epoch, force });
    await this.afterHeartbeat(coordination.heartbeat({ step: null }));
    this.say(isRepeated ? `Step ${step} had already been released` : `Released step ${step}`);
    return { step, agent: context.agent, epoch: claim.epoch, repeated: isRepeated };
  }
}
