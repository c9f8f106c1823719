import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { checkNote, textToShare } from '../src/cli/note.js';
import { review } from '../src/coordination/claims/review.js';
import { stepId } from '../src/protocol/names.js';

export default class Reject extends BaseCommand {
  static override summary = 'reject a step that needs a review, and say why';
  static override description =
    'The step is free again for anyone to claim. "handoff" shows what was handed over and why it was rejected, and the agent that handed it over gets a message. Only the first verdict counts.\n\nExit codes: 0 rejected, 2 bad name, 3 nobody has claimed it, 4 it needs no review, was reviewed already, or you handed it over, 7 not allowed, 8 store unreachable, or the outcome is unknown.';
  static override examples = ["<%= config.bin %> reject build --note 'the cart is not covered'"];
  static override args = {
    step: Args.string({ description: 'name of the step', required: true }),
  };
  static override flags = {
    note: Flags.string({ summary: 'what is missing', required: true }),
    redact: Flags.boolean({ summary: 'replace what looks like a secret in the note' }),
    force: Flags.boolean({ summary: 'even if you handed the step over yourself' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Reject);
    const step = stepId(args.step);
    checkNote('--note', flags.note);
    const { coordination, settings } = await this.coordinate();
    const share = { what: 'the note', text: flags.note, redact: flags.redact };
    const note = await textToShare(settings, share, (line) => this.warn(line));
    const { handoff } = await review(coordination.context, {
      step,
      verdict: 'rejected',
      note,
      force: flags.force,
    });
    await this.afterHeartbeat(coordination.heartbeat());
    this.say(`Rejected step ${step}`);
    return { step, handoff };
  }
}
