import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { mailRecord } from '../src/cli/mail-lines.js';
import { parseDuration } from '../src/config/duration.js';
import { readOutbox, type SentMail } from '../src/coordination/mail/outbox.js';

const defaultSince = '1d';

export default class Outbox extends BaseCommand {
  static override summary = 'show what you sent, and whether it was seen and acknowledged';
  static override description =
    'Seen: "inbox --new" or the hook has shown it to the recipient. Acked: the recipient acknowledged or answered it.\n\nExit codes: 0 shown (or there is none), 2 bad duration, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> outbox',
    '<%= config.bin %> outbox --unacked --since 2h',
    "<%= config.bin %> outbox --json | jq -r '.data.messages[] | select(.seen_by == []) | .id'",
  ];
  static override flags = {
    unacked: Flags.boolean({ summary: 'only what nobody has acknowledged or answered' }),
    since: Flags.string({
      summary: 'how far back',
      default: defaultSince,
      helpValue: '1d',
    }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Outbox);
    const sinceMs = parseDuration('--since', flags.since);
    const { coordination } = await this.coordinate();
    const { context } = coordination;
    const heartbeat = coordination.heartbeat();
    const now = await context.bucket.now();
    const { sent, skipped } = await readOutbox(context, now.getTime() - sinceMs);
    for (const error of skipped) this.warn(error.message);
    const shown = sent.filter(({ ackedBy }) => !flags.unacked || ackedBy.length === 0);
    if (shown.length === 0) this.note(`Nothing was sent in the last ${flags.since}.`);
    for (const one of shown) this.print(lineOf(one));
    await this.afterHeartbeat(heartbeat);
    return { messages: shown.map(recordOf) };
  }
}

function lineOf({ sentAt, to, id, message, seenBy, ackedBy }: SentMail): string {
  const seen =
    seenBy.length === 0 ? 'not seen' : to === null ? `seen by ${seenBy.join(', ')}` : 'seen';
  const acked = ackedBy.map(({ agent, at }) =>
    to === null ? `acked by ${agent} ${timeOf(at)}` : `acked ${timeOf(at)}`,
  );
  return `[${sentAt}] ${id} to ${to ?? 'all'} · ${[seen, ...acked].join(' · ')}: ${message}`;
}

function timeOf(at: string): string {
  return /T(\d\d:\d\d)/.exec(at)?.[1] ?? at;
}

function recordOf(sent: SentMail): object {
  return { ...mailRecord(sent), to: sent.to, seen_by: sent.seenBy, acked_by: sent.ackedBy };
}
