import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { columns } from '../src/cli/output.js';
import { systemClock } from '../src/clock.js';
import { readPastHandoff } from '../src/coordination/claims/past-handoffs.js';
import { readHandoff } from '../src/coordination/claims/steps.js';
import { NotFoundError } from '../src/errors.js';
import type { HandoffDocument } from '../src/protocol/coordination.js';
import { bucketLayout } from '../src/protocol/keys.js';
import { stepId } from '../src/protocol/names.js';

export default class Handoff extends BaseCommand {
  static override summary = 'show what the last holder of a step left for the next';
  static override description =
    'Exit codes: 0 shown, 2 bad name, 3 there is none, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> handoff design',
    '<%= config.bin %> handoff design --epoch 1',
    "<%= config.bin %> handoff design --json | jq -r '.data.changed_files[]'",
  ];
  static override args = {
    step: Args.string({ description: 'name of the step', required: true }),
  };

  static override flags = {
    epoch: Flags.integer({ summary: 'the handoff of this epoch', min: 1 }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Handoff);
    const step = stepId(args.step);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const place = { bucket, layout: bucketLayout(settings.project), clock: systemClock };
    const { epoch } = flags;
    const last = await readHandoff(place, step);
    const isAnother = epoch !== undefined && last?.epoch !== epoch;
    const handoff = isAnother ? await readPastHandoff(place, step, epoch) : last;
    if (handoff === undefined && isAnother) {
      throw new NotFoundError(`step ${step} was not handed over in epoch ${epoch}`, {
        hint: `See what happened with "tracecraft log --step ${step}".`,
      });
    }
    if (handoff === undefined) {
      throw new NotFoundError(`step ${step} has not been handed over yet`, {
        hint: `See who has it with "tracecraft steps", or wait with "tracecraft wait-for ${step}".`,
      });
    }
    for (const line of linesOf(step, handoff)) this.print(line);
    return handoff;
  }
}

function linesOf(step: string, handoff: HandoffDocument): string[] {
  const { from_agent, from_step, next_agent, state, next_action, note, created_at } = handoff;
  const { changed_files: files = [], artifacts = [], epoch, review } = handoff;
  const rows: [string, string | null][] = [
    ['step', `${from_step ?? step} (epoch ${epoch})`],
    ['state', state],
    ['from', from_agent],
    ['next agent', next_agent ?? 'nobody named'],
    ['next action', next_action],
    ['note', note === '' ? null : note],
    ['at', created_at],
    ['review', review == null ? null : `${review.verdict} by ${review.by} at ${review.at}`],
    ['because', review?.note ?? null],
  ];
  const listed = [
    ...files.map((file): [string, string] => ['changed', file]),
    ...artifacts.map(({ name }): [string, string] => ['artifact', name]),
  ];
  return columns(
    [...rows, ...listed].flatMap(([name, value]) => (value === null ? [] : [[`${name}:`, value]])),
  );
}
