import { BaseCommand } from '../src/cli/base-command.js';
import { columns } from '../src/cli/output.js';
import { stepRow } from '../src/cli/step-rows.js';
import { systemClock } from '../src/clock.js';
import { listSteps } from '../src/coordination/claims/steps.js';
import { bucketLayout } from '../src/protocol/keys.js';

export default class Steps extends BaseCommand {
  static override summary = 'list all steps: their state, their holders and the last heartbeat';
  static override description =
    'A step shown as expired is still its holder\'s until the next "tracecraft claim" takes it over. To look is a sign of life, too: your own expired steps are yours again once you have run this.\n\nExit codes: 0 listed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> steps',
    '<%= config.bin %> steps --json | jq -r \'.data.steps[] | select(.status == "in_progress") | .step\'',
  ];

  async run(): Promise<object> {
    await this.parse(Steps);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const place = { bucket, layout: bucketLayout(settings.project), clock: systemClock };
    const { steps, skipped } = await listSteps(place);
    for (const error of skipped) this.warn(error.message);
    if (steps.length === 0) this.note('No steps yet: "tracecraft claim STEP" makes one.');
    const now = await bucket.now();
    for (const line of columns(steps.map((view) => stepRow(view, now)))) this.print(line);
    return { steps };
  }
}
