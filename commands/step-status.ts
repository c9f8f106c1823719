import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.js';
import { stepRow } from '../src/cli/step-rows.js';
import { systemClock } from '../src/clock.js';
import { readStep } from '../src/coordination/claims/steps.js';
import { NotFoundError } from '../src/errors.js';
import { bucketLayout } from '../src/protocol/keys.js';
import { stepId } from '../src/protocol/names.js';

export default class StepStatus extends BaseCommand {
  static override summary = 'show the state of a step and who holds it';
  static override description =
    'Exit codes: 0 shown, 2 bad name, 3 nobody has touched it yet, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> step-status design',
    "<%= config.bin %> step-status design --json | jq -r '.data.status'",
  ];
  static override args = {
    step: Args.string({ description: 'name of the step', required: true }),
  };

  async run(): Promise<object> {
    const { args } = await this.parse(StepStatus);
    const step = stepId(args.step);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const place = { bucket, layout: bucketLayout(settings.project), clock: systemClock };
    const view = await readStep(place, step);
    if (view === undefined) {
      throw new NotFoundError(`nobody has claimed step ${step} yet`, {
        hint: `Take it with "tracecraft claim ${step}"; "tracecraft steps" lists all steps.`,
      });
    }
    this.print(stepRow(view, await bucket.now()).join('  '));
    return view;
  }
}
