import type { Mail } from '../coordination/mail/mailbox.js';

/** `[<sent_at>] (direct) designer: text`. */
export function mailLine({ sentAt, kind, from, message }: Mail): string {
  return `[${sentAt}] (${kind}) ${from}: ${message}`;
}

/** The rest of a message: what it takes to answer it, and what it is about. */
export function detailLine({ id, step, replyTo }: Mail): string {
  const about = step === null ? '' : `  step ${step}`;
  const answered = replyTo === null ? '' : `  in reply to ${replyTo}`;
  return `    id ${id}${about}${answered}`;
}

export function mailRecord({ key, kind, id, from, message, sentAt, step, replyTo }: Mail): object {
  return { id, kind, from, message, sent_at: sentAt, step, reply_to: replyTo, key };
}
