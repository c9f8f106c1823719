import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { systemClock } from '../src/clock.js';
import { parseDuration } from '../src/config/duration.js';
import type { StepView } from '../src/coordination/claims/steps.js';
import { waitForSteps } from '../src/coordination/plan/wait-for-steps.js';
import { bucketLayout } from '../src/protocol/keys.js';
import { stepId } from '../src/protocol/names.js';

const defaultTimeout = '300s';

export default class WaitFor extends BaseCommand {
  static override summary = 'wait until steps are complete';
  static override description =
    'Checks twice a second at first, then less often. A blocked step, or a planned one that waits for a blocked one, ends the wait at once; a step that needs a review is reported, and the wait continues.\n\nExit codes: 0 all complete, 2 bad name, 5 one is blocked or waits for a blocked one, 6 timed out, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> wait-for design && <%= config.bin %> claim build',
    '<%= config.bin %> wait-for design build --timeout 30m',
  ];
  static override strict = false;
  static override args = {
    steps: Args.string({ description: 'names of the steps', required: true }),
  };
  static override flags = {
    timeout: Flags.string({
      summary: 'how long to wait; a bare number means seconds',
      default: defaultTimeout,
      helpValue: '30m',
    }),
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(WaitFor);
    const steps = argv.map((name) => stepId(String(name)));
    const timeoutMs = timeoutOf(flags.timeout);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const place = { bucket, layout: bucketLayout(settings.project), clock: systemClock };
    const views = await waitForSteps(place, {
      steps,
      timeoutMs,
      onWaiting: (step, view) => this.note(waitingLine(step, view)),
      onLook: () => this.signOfLife(bucket, settings),
      onNeedsReview: ({ step, agent, note }) => {
        const said = [agent, note].filter(Boolean).join(': ');
        this.note(`Waiting, needs review: ${step}${said === '' ? '' : ` (${said})`}`);
      },
    });
    for (const { step, agent } of views)
      this.say(`Step ${step} completed by ${agent ?? 'its agent'}`);
    return { steps: views };
  }
}

function waitingLine(step: string, view: StepView | undefined): string {
  if (view === undefined) return `Waiting for step ${step}: nobody has claimed it.`;
  const by = view.agent === null ? '' : ` by ${view.agent}`;
  const how = view.expired ? 'expired, held' : view.status.replace('_', ' ');
  return `Waiting for step ${step}: ${how}${by}.`;
}

function timeoutOf(text: string): number {
  return /^\d{1,7}$/.test(text) ? Number(text) * 1000 : parseDuration('--timeout', text);
}
