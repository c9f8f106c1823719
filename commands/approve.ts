import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { checkNote, textToShare } from '../src/cli/note.js';
import { isRecipientKnown, unknownAgent } from '../src/coordination/agents/agents.js';
import { review } from '../src/coordination/claims/review.js';
import { checkName, stepId } from '../src/protocol/names.js';

export default class Approve extends BaseCommand {
  static override summary = 'approve a step that needs a review';
  static override description =
    'The step is then complete. Only the first verdict counts. The agent that handed the step over cannot approve it without --force.\n\nExit codes: 0 approved, 2 bad name, 3 nobody has claimed it, 4 it needs no review, was reviewed already, or you handed it over, 7 not allowed, 8 store unreachable, or the outcome is unknown.';
  static override examples = ["<%= config.bin %> approve build --note 'tests pass' --to deployer"];
  static override args = {
    step: Args.string({ description: 'name of the step', required: true }),
  };
  static override flags = {
    note: Flags.string({ summary: 'what you reviewed' }),
    to: Flags.string({ summary: 'another agent to tell about it', helpValue: 'AGENT' }),
    redact: Flags.boolean({ summary: 'replace what looks like a secret in the note' }),
    force: Flags.boolean({ summary: 'even if you handed the step over yourself' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Approve);
    const step = stepId(args.step);
    checkNote('--note', flags.note);
    const to = flags.to === undefined ? undefined : checkName('agent', flags.to);
    const { coordination, settings } = await this.coordinate();
    const { note: written, redact } = flags;
    const note =
      written === undefined
        ? undefined
        : await textToShare(settings, { what: 'the note', text: written, redact }, (line) =>
            this.warn(line),
          );
    const isKnown = to === undefined || (await isRecipientKnown(coordination.context, to));
    const { handoff } = await review(coordination.context, {
      step,
      verdict: 'approved',
      note,
      to,
      force: flags.force,
    });
    await this.afterHeartbeat(coordination.heartbeat());
    this.say(`Approved step ${step}`);
    if (to !== undefined && !isKnown) this.note(unknownAgent(to));
    return { step, handoff };
  }
}
