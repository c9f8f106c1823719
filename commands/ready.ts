import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { columns } from '../src/cli/output.js';
import { systemClock } from '../src/clock.js';
import { readBoard } from '../src/coordination/plan/board.js';
import { bucketLayout } from '../src/protocol/keys.js';

export default class Ready extends BaseCommand {
  static override summary = 'list the planned steps that can be claimed now';
  static override description =
    'Everything they need is complete, nobody holds them, and they are not assigned to another agent. "claim --next" takes the first one.\n\nExit codes: 0 listed (even if there are none), 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> ready',
    "<%= config.bin %> ready --json | jq -r '.data.steps[].step'",
  ];
  static override flags = {
    all: Flags.boolean({ summary: 'include steps assigned to other agents' }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Ready);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const place = { bucket, layout: bucketLayout(settings.project), clock: systemClock };
    const { steps, skipped } = await readBoard(place);
    for (const error of skipped.values()) this.warn(error.message);
    const { agent } = settings;
    const ready = steps
      .filter(
        ({ isReady, planned: { assign } }) =>
          isReady && (flags.all || assign === null || assign === agent),
      )
      .sort((left, right) => left.planned.priority - right.planned.priority);
    if (ready.length === 0) this.note('Nothing is ready. See "tracecraft steps --graph".');
    const rows = ready.map(({ step, planned: { priority, title, assign } }) => [
      step,
      `priority ${priority}`,
      assign ?? '-',
      title ?? '',
    ]);
    for (const line of columns(rows)) this.print(line);
    return { steps: ready.map(({ step, planned }) => ({ step, ...planned })) };
  }
}
