import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { removeStep } from '../../src/coordination/plan/plan-document.js';
import { stepId } from '../../src/protocol/names.js';

export default class StepRemove extends BaseCommand {
  static override summary = 'remove a step from the plan';
  static override description =
    'Works only if nobody has claimed the step and no other step needs it.\n\nExit codes: 0 removed, 2 bad name, 3 it is not planned, 4 it was claimed or is needed, 7 not allowed, 8 store unreachable.';
  static override examples = ['<%= config.bin %> step remove build'];
  static override args = {
    step: Args.string({ description: 'name of the step', required: true }),
  };

  async run(): Promise<object> {
    const { args } = await this.parse(StepRemove);
    const step = stepId(args.step);
    const { coordination } = await this.coordinate();
    const heartbeat = coordination.heartbeat();
    await removeStep(coordination.context, step);
    await this.afterHeartbeat(heartbeat);
    this.say(`Removed step ${step} from the plan`);
    return { step };
  }
}
