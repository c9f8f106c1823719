import * as Flags from '@oclif/core/flags';
import type { Coordination } from '../src/app/coordination.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { plural } from '../src/cli/format.js';
import { detailLines, mailLines, mailRecord } from '../src/cli/mail-lines.js';
import { flushed } from '../src/cli/output.js';
import { terminalWidth } from '../src/cli/terminal-width.js';
import { parseTimeout } from '../src/cli/timeout.js';
import { settleAll } from '../src/coordination/claims/steps.js';
import { acknowledge } from '../src/coordination/mail/acknowledge.js';
import {
  deleteMail,
  type Inbox as InboxContent,
  type MailFilter,
  type NewInbox,
  readInbox,
  readNewMail,
  usualLimit,
} from '../src/coordination/mail/inbox.js';
import type { Mail, MailPlace } from '../src/coordination/mail/mailbox.js';
import { growingPauses } from '../src/coordination/pauses.js';
import { TimedOutError, TracecraftError } from '../src/errors.js';
import { stepId } from '../src/protocol/names.js';

const defaultTimeout = '300s';
/** Milliseconds between two looks for handoffs whose sender was stopped before it sent their mail. */
const settleEveryMs = 30_000;
/** Of what is no message, so many keys are named one by one. */
const mostNamed = 20;

export default class Inbox extends BaseCommand {
  static override summary = 'show your mail: messages to you, and to all';
  static override description =
    'In the order sent. Nothing is consumed: ask again and it is shown again. With --new, only what you have not seen. The bucket remembers that, across restarts and machines, once the mail has left this process: each message is shown exactly once, and again only if the command is stopped in between. Your own broadcasts are not new to you. At most --limit messages are read at once, and the rest is counted.\n\nExit codes: 0 shown (or there is none), 2 bad name, 6 timed out, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> inbox',
    '<%= config.bin %> inbox --new',
    '<%= config.bin %> inbox --wait --timeout 30m --step review',
    "<%= config.bin %> inbox --new --json | jq -r '.data.messages[].message'",
  ];
  static override flags = {
    new: Flags.boolean({ char: 'n', summary: 'only what you have not seen' }),
    wait: Flags.boolean({ char: 'w', summary: 'wait until there is new mail; implies --new' }),
    timeout: Flags.string({
      summary: `how long to wait (default ${defaultTimeout}); a bare number means seconds`,
      helpValue: '30m',
      dependsOn: ['wait'],
    }),
    step: Flags.string({ summary: 'only mail about this step; other mail stays new' }),
    long: Flags.boolean({
      char: 'l',
      summary: 'also show the id of each message, its step, and what it answers',
    }),
    limit: Flags.integer({
      summary: 'show at most N messages: the newest, or with --new the oldest',
      default: usualLimit,
      min: 1,
      helpValue: 'N',
    }),
    ack: Flags.boolean({
      summary: 'once shown, acknowledge the messages whose senders asked for it',
    }),
    delete: Flags.boolean({
      summary: 'delete messages once shown; broadcasts stay, because they are for others too',
    }),
  };

  #isAnswered = false;
  readonly #settled = new Map<string, number>();
  readonly #warned = new Set<string>();

  async run(): Promise<object> {
    const { flags } = await this.parse(Inbox);
    const filter: MailFilter = {
      step: flags.step === undefined ? undefined : stepId(flags.step),
      limit: flags.limit,
    };
    const timeoutMs = parseTimeout(flags.timeout ?? defaultTimeout);
    const { coordination } = await this.coordinate();
    const { context } = coordination;
    const heartbeat = coordination.heartbeat();
    const isNew = flags.new || flags.wait;
    const news = flags.wait
      ? await this.waitForMail(coordination, filter, timeoutMs)
      : isNew
        ? await this.settled(context, () => readNewMail(context, filter))
        : undefined;
    const inbox = news ?? (await this.settled(context, () => readInbox(context, filter)));
    this.warnOf(inbox);
    if (inbox.mail.length === 0) this.note(`No ${isNew ? 'new ' : ''}mail.`);
    const data = await this.show(inbox, flags.long);
    if (inbox.unread > 0) this.note(moreOf(inbox.unread, isNew));
    if (news !== undefined) await this.afterwards(() => this.remember(news));
    if (flags.ack) await this.afterwards(() => this.acknowledge(coordination, inbox.mail));
    if (flags.delete) await this.afterwards(() => this.delete(coordination, inbox.mail));
    await this.afterHeartbeat(heartbeat);
    return data;
  }

  /** The answer is on its way before we record what was shown. */
  protected override reply(data: object): void {
    if (!this.#isAnswered) super.reply(data);
  }

  private async show(
    { mail, skipped, strays, unread }: InboxContent,
    long: boolean,
  ): Promise<object> {
    const width = terminalWidth();
    for (const one of mail) {
      for (const line of mailLines(one, width)) this.print(line);
      if (long || one.asksForAck) for (const line of detailLines(one, width)) this.print(line);
    }
    const keys = [...skipped.map(({ key }) => key), ...strays];
    const data = { messages: mail.map(mailRecord), skipped: keys, unread };
    if (this.jsonEnabled()) this.printAnswer(data);
    this.#isAnswered = true;
    await flushed();
    return data;
  }

  /** What is read beside the look for handoffs whose sender was stopped, and read again if there was one: its mail may be new. */
  private async settled<Read>(context: MailPlace, read: () => Promise<Read>): Promise<Read> {
    const [isChanged, early] = await Promise.all([settleAll(context, this.#settled), read()]);
    return isChanged ? read() : early;
  }

  private async waitForMail(
    coordination: Coordination,
    filter: MailFilter,
    timeoutMs: number,
  ): Promise<NewInbox> {
    const { context } = coordination;
    const { clock } = context;
    const pauses = growingPauses(
      () => clock.monotonic(),
      (ms) => clock.sleep(ms),
      timeoutMs,
    );
    const read = (): Promise<NewInbox> => readNewMail(context, filter);
    let settledAtMs = Number.NEGATIVE_INFINITY;
    for (;;) {
      const isDue = clock.monotonic() - settledAtMs >= settleEveryMs;
      if (isDue) settledAtMs = clock.monotonic();
      const inbox = isDue ? await this.settled(context, read) : await read();
      if (inbox.mail.length > 0) return inbox;
      this.warnOf(inbox);
      // As much junk as a look reads must not hide what comes behind it.
      if (inbox.unread > 0 && (await inbox.remember())) continue;
      if (pauses.leftMs() <= 0) throw timedOut(timeoutMs);
      await pauses.pause();
      // A waiting agent is alive, for as long as it waits.
      await coordination.heartbeat();
    }
  }

  private async remember({ remember }: NewInbox): Promise<void> {
    if (await remember()) return;
    this.warn('several processes are reading this mailbox at once; some mail may be shown again');
  }

  private async acknowledge({ context }: Coordination, mail: readonly Mail[]): Promise<void> {
    const asking = mail.filter(({ asksForAck, from }) => asksForAck && from !== context.agent);
    for (const one of asking) await acknowledge(context, one);
    if (asking.length > 0) this.note(`Acknowledged ${plural(asking.length, 'message')}.`);
  }

  private async delete({ context }: Coordination, mail: readonly Mail[]): Promise<void> {
    this.note(`Deleted ${plural(await deleteMail(context, mail), 'message')}.`);
  }

  /** The mail has been shown and the answer is complete: later failures become a warning and an exit code. */
  private async afterwards(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof TracecraftError)) throw error;
      this.warn(`the mail was shown, but not more: ${error.message}`);
      process.exitCode = error.exitCode;
    }
  }

  private warnOf({ skipped, strays, ...rest }: InboxContent | NewInbox): void {
    const damage = 'damage' in rest ? rest.damage : undefined;
    if (damage !== undefined) this.warnOnce(`${damage.message}; all mail counts as new`);
    const complaints = [
      ...skipped.map(({ error }) => error.message),
      ...strays.map((key) => `skipped, not a valid message key: ${key}`),
    ];
    for (const complaint of complaints.slice(0, mostNamed)) this.warnOnce(complaint);
    const more = complaints.length - mostNamed;
    if (more > 0) this.warnOnce(`${plural(more, 'more object')} skipped: --json names them all`);
  }

  private warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.warn(message);
  }
}

function moreOf(unread: number, isNew: boolean): string {
  return isNew
    ? `${plural(unread, 'more message')} stay new: ask again.`
    : `${plural(unread, 'older message')} not shown: --limit shows more.`;
}

function timedOut(timeoutMs: number): TimedOutError {
  return new TimedOutError(`no new mail after ${Math.round(timeoutMs / 1000)} s`, {
    hint: 'Wait longer with --timeout, or see old mail with "tracecraft inbox".',
  });
}
