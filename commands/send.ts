import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { secretWarning } from '../src/app/secret-warning.js';
import { checkShortText } from '../src/app/short-text-check.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { readStdinText } from '../src/cli/stdin-text.js';
import { isRecipientKnown, unknownAgent } from '../src/coordination/agents/agents.js';
import { checkReplyTo } from '../src/coordination/mail/acknowledge.js';
import { sendMail } from '../src/coordination/mail/mailbox.js';
import { UsageError } from '../src/errors.js';
import { checkMailId, checkMailText } from '../src/protocol/mail.js';
import { checkName, stepId } from '../src/protocol/names.js';

export default class Send extends BaseCommand {
  static override summary = 'send a message to another agent, or to all';
  static override description =
    'Every message is an object of its own, so any number can be sent at once without losing one. The recipient sees it with "tracecraft inbox", whether it is running now or later. Text that looks like a secret causes a warning, and is sent unchanged unless you pass --redact.\n\nExit codes: 0 sent, 2 bad name or message, 3 no message has the id of --reply-to, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> send developer "the contract is in memory: design.contract"',
    '<%= config.bin %> send --all "main is frozen until the review is done"',
    '<%= config.bin %> send designer --reply-to 1f3a9c02 --step design "agreed"',
    {
      description: 'a text of several lines:',
      command: '<%= config.bin %> send reviewer - < notes.md',
    },
  ];
  static override args = {
    agent: Args.string({ description: 'recipient; omit with --all' }),
    message: Args.string({ description: 'the text; "-" reads it from stdin' }),
  };
  static override flags = {
    all: Flags.boolean({ summary: 'to every agent', aliases: ['broadcast'] }),
    step: Flags.string({ summary: 'the step it is about' }),
    'reply-to': Flags.string({ summary: 'the id of the message it answers', helpValue: 'ID' }),
    ack: Flags.boolean({ summary: 'ask for an acknowledgement; "outbox" shows whether it came' }),
    redact: Flags.boolean({ summary: 'replace what looks like a secret' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Send);
    const { to, words } = addressOf(args, flags.all);
    const about = {
      ...(flags.step === undefined ? {} : { step: stepId(flags.step) }),
      ...(flags['reply-to'] === undefined ? {} : { replyTo: checkMailId(flags['reply-to']) }),
      ...(flags.ack ? { kind: 'ask' as const } : {}),
    };
    const written = checkMailText(words === '-' ? await readStdinText() : words);
    const { coordination, settings } = await this.coordinate();
    const { text, found } = await checkShortText(settings, written, flags.redact);
    const heartbeat = coordination.heartbeat();
    const { context } = coordination;
    const [isKnown] = await Promise.all([
      to === null || isRecipientKnown(context, to),
      about.replyTo === undefined ? undefined : checkReplyTo(context, about.replyTo, to),
    ]);
    const { key, id, sentAt } = await sendMail(context, {
      to,
      message: text,
      ...about,
    });
    await this.afterHeartbeat(heartbeat);
    if (found !== undefined) this.warn(secretWarning('the message', found, flags.redact));
    if (to !== null && !isKnown) this.note(unknownAgent(to));
    this.say(to === null ? `Sent message ${id} to all` : `Sent message ${id} to ${to}`);
    const { step = null, replyTo = null } = about;
    return {
      id,
      key,
      from: coordination.context.agent,
      to,
      sent_at: sentAt,
      step,
      reply_to: replyTo,
    };
  }
}

interface Words {
  readonly agent?: string | undefined;
  readonly message?: string | undefined;
}

function addressOf(
  { agent, message }: Words,
  all: boolean,
): { readonly to: string | null; readonly words: string } {
  const hint = 'Use "tracecraft send AGENT MESSAGE" or "tracecraft send --all MESSAGE".';
  // The Python tool's name for all.
  if (!all && agent === '_broadcast') return addressOf({ agent: message }, true);
  if (!all) {
    const to = agent === undefined ? undefined : checkName('agent', agent);
    if (to === undefined || message === undefined) {
      throw new UsageError(`missing ${to === undefined ? 'recipient' : 'message'}`, { hint });
    }
    return { to, words: message };
  }
  if (agent === undefined) throw new UsageError('missing message', { hint });
  if (message !== undefined) {
    throw new UsageError('--all sends to every agent, so do not name a recipient', { hint });
  }
  return { to: null, words: agent };
}
