import type { Mail } from '../coordination/mail/mailbox.js';
import { wrapped } from './table.js';

/** `[<sent_at>] (direct) designer: text`. */
export function mailLine({ sentAt, kind, from, message }: Mail): string {
  return `[${sentAt}] (${kind}) ${from}: ${message}`;
}

/** A message as lines that fit the terminal; on one line elsewhere. */
export function mailLines(mail: Mail, width: number): string[] {
  const line = mailLine(mail);
  return Number.isFinite(width) ? wrapped(line, width, '    ') : [line];
}

/** The rest of a message: the id for answering it, and what it is about. */
export function detailLines({ id, step, replyTo, asksForAck }: Mail, width: number): string[] {
  const about = step === null ? '' : `  step ${step}`;
  const answered = replyTo === null ? '' : `  in reply to ${replyTo}`;
  const wish = asksForAck ? `  wants an acknowledgement: tracecraft ack ${id}` : '';
  const line = `    id ${id}${about}${answered}${wish}`;
  return Number.isFinite(width) ? wrapped(line, width, '    ') : [line];
}

export function mailRecord(mail: Mail): object {
  const { key, kind, id, from, message, sentAt, step, replyTo, asksForAck } = mail;
  const about = { sent_at: sentAt, step, reply_to: replyTo, asks_for_ack: asksForAck };
  return { id, kind, from, message, ...about, key };
}
