import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { textToShare } from '../src/cli/note.js';
import { acknowledge, findMail } from '../src/coordination/mail/acknowledge.js';
import { checkMailText } from '../src/protocol/mail.js';

export default class Ack extends BaseCommand {
  static override summary = 'acknowledge a message to its sender';
  static override description =
    'The sender gets a short message, and "outbox" shows who acknowledged what. Any reply counts as well.\n\nExit codes: 0 sent, 2 bad id, 3 no such message, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> ack 1f3a9c02',
    '<%= config.bin %> ack 1f3a9c02 --note "starting now"',
  ];
  static override args = {
    id: Args.string({
      description: 'id of the message, as "inbox --long" shows it',
      required: true,
    }),
  };
  static override flags = {
    note: Flags.string({ summary: 'a few words to go with it' }),
    redact: Flags.boolean({ summary: 'replace what looks like a secret in the note' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Ack);
    const { note: written, redact } = flags;
    if (written !== undefined) checkMailText(written);
    const { coordination, settings } = await this.coordinate();
    const { context } = coordination;
    const heartbeat = coordination.heartbeat();
    const mail = await findMail(context, args.id);
    const note =
      written === undefined
        ? undefined
        : await textToShare(settings, { what: 'the note', text: written, redact }, (line) =>
            this.warn(line),
          );
    const { id } = await acknowledge(context, mail, note);
    await this.afterHeartbeat(heartbeat);
    this.say(`Acknowledged message ${mail.id} of ${mail.from}`);
    return { id, acknowledged: mail.id, to: mail.from };
  }
}
