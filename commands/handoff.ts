import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { usualBriefBytes } from '../src/brief/size.js';
import type { Bucket } from '../src/bucket/bucket.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { columns } from '../src/cli/output.js';
import { systemClock } from '../src/clock.js';
import type { Settings } from '../src/config/settings.js';
import { readPastHandoff } from '../src/coordination/claims/past-handoffs.js';
import { readHandoff, readStep } from '../src/coordination/claims/steps.js';
import { NotFoundError } from '../src/errors.js';
import type { HandoffDocument } from '../src/protocol/coordination.js';
import { bucketLayout } from '../src/protocol/keys.js';
import { stepId } from '../src/protocol/names.js';
import { findById } from '../src/sessions/find.js';
import { harnessNames } from '../watchers/names.js';

export default class Handoff extends BaseCommand {
  static override summary = 'show what the last holder of a step left for the next';
  static override description =
    'Exit codes: 0 shown, 2 bad name, 3 there is none, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> handoff design',
    '<%= config.bin %> handoff design --epoch 1',
    '<%= config.bin %> handoff design --brief > brief.md',
    "<%= config.bin %> handoff design --json | jq -r '.data.changed_files[]'",
  ];
  static override args = {
    step: Args.string({ description: 'name of the step', required: true }),
  };

  static override flags = {
    epoch: Flags.integer({ summary: 'the handoff of this epoch', min: 1 }),
    brief: Flags.boolean({
      summary: 'add the brief of the session that ended the step, as "session brief" prints it',
    }),
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
    if (!flags.brief) return handoff;
    const view = await readStep(place, step);
    const brief =
      view?.epoch === handoff.epoch
        ? await this.brief(settings, bucket, view.session_id)
        : undefined;
    if (brief === undefined) this.note('No mirrored session is known to have ended it: no brief.');
    return { ...handoff, brief: brief ?? null };
  }

  private async brief(
    settings: Settings,
    bucket: Bucket,
    sessionId: string | null,
  ): Promise<string | undefined> {
    if (sessionId === null) return undefined;
    const layout = bucketLayout(settings.project);
    const session = await findById({ bucket, layout }, sessionId, harnessNames);
    if (session === undefined) return undefined;
    const { sessionBrief } = await import('../src/app/session-brief.js');
    const { markdown, missing } = await sessionBrief(settings, bucket, session, usualBriefBytes);
    for (const error of missing) this.warn(`left out: ${error.message}`);
    this.print('');
    this.printText(markdown);
    return markdown;
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
  // Only a note has several lines; a file's name that has them is escaped.
  const cells = rows.flatMap(([name, value]) =>
    (value?.trimEnd().split('\n') ?? []).map((line, at) => [at === 0 ? `${name}:` : '', line]),
  );
  return columns([...cells, ...listed.map(([name, value]) => [`${name}:`, value])]);
}
