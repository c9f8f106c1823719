import { acknowledge, findMail } from '../coordination/mail/acknowledge.js';
import { type Inbox, readInbox, readNewMail, usualLimit } from '../coordination/mail/inbox.js';
import { sendMail } from '../coordination/mail/mailbox.js';
import { readOutbox } from '../coordination/mail/outbox.js';
import { checkMailId, checkMailText } from '../protocol/mail.js';
import { checkName, stepId } from '../protocol/names.js';
import type { SdkContext } from './context.js';
import { countOf, textOf } from './environment.js';
import type { About, InboxOptions, SentMessage } from './mail-types.js';
import { messageOf, sentStateOf } from './results.js';
import type { Tracecraft } from './types.js';

type MailMethods = Pick<Tracecraft, 'send' | 'broadcast' | 'inbox' | 'newMail'>;
type AckMethods = Pick<Tracecraft, 'acknowledge' | 'outbox'>;

const dayMs = 86_400_000;

export function mailOf(acting: SdkContext): MailMethods {
  const deliver = async (
    to: string | null,
    message: string,
    { step, replyTo, asksForAck = false }: About = {},
  ): Promise<SentMessage> => {
    const about = {
      ...(step === undefined ? {} : { step: stepId(textOf('step', step)) }),
      ...(replyTo === undefined ? {} : { replyTo: checkMailId(textOf('replyTo', replyTo)) }),
      ...(asksForAck ? { kind: 'ask' as const } : {}),
    };
    const text = acting.scrub('the message', checkMailText(textOf('message', message)));
    const { id, sentAt } = await acting.act(({ context }) =>
      sendMail(context, { to, message: text, ...about }),
    );
    return { id, sentAt };
  };
  const shown = ({ mail, skipped }: Inbox) => {
    for (const { error } of skipped) acting.warn(error.message);
    return mail.map(messageOf);
  };
  // Anybody may fill a mailbox.
  const inbox = async ({ limit = usualLimit }: InboxOptions = {}) => {
    const found = await acting.act(({ context }) =>
      readInbox(context, { limit: countOf('limit', limit) }),
    );
    if (found.unread > 0) acting.warn(`${found.unread} older messages were left out: raise limit`);
    return shown(found);
  };
  return {
    send: (to, message, about) => deliver(checkName('agent', textOf('to', to)), message, about),
    broadcast: (message, about) => deliver(null, message, about),
    inbox,
    newMail: async () => {
      const news = await acting.act(({ context }) => readNewMail(context));
      if (news.unread > 0) acting.warn(`${news.unread} more messages stay new: ask again`);
      if (news.damage !== undefined) acting.warn(`${news.damage.message}; all mail counts as new`);
      return { messages: shown(news), markSeen: () => news.remember() };
    },
  };
}

export function acksOf(acting: SdkContext): AckMethods {
  return {
    acknowledge: async (id, note) => {
      const text =
        note === undefined
          ? undefined
          : acting.scrub('the note', checkMailText(textOf('note', note)));
      const sent = await acting.act(async ({ context }) =>
        acknowledge(context, await findMail(context, textOf('id', id)), text),
      );
      return { id: sent.id, sentAt: sent.sentAt };
    },
    outbox: async ({ sinceMs = dayMs } = {}) => {
      const { sent, skipped } = await acting.act(async ({ context }) => {
        const now = await context.bucket.now();
        return readOutbox(context, now.getTime() - countOf('sinceMs', sinceMs));
      });
      for (const error of skipped) acting.warn(error.message);
      return sent.map(sentStateOf);
    },
  };
}
