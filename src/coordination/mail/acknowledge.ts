import { NotFoundError } from '../../errors.js';
import { DocumentError } from '../../protocol/documents.js';
import { checkMailId } from '../../protocol/mail.js';
import type { CoordinationContext } from '../context.js';
import { listMail, type Mail, type MailPlace, readMail, type Sent, sendMail } from './mailbox.js';

/**
 * The message with this id among the agent's mail, broadcasts included; `NotFoundError` if there is
 * none.
 */
export async function findMail(place: MailPlace, id: string): Promise<Mail> {
  checkMailId(id);
  const { mail } = await listMail(place);
  for (const listed of mail.filter(({ stamp }) => stamp.id === id)) {
    const found = await readMail(place, listed);
    if (found !== undefined && !(found instanceof DocumentError)) return found;
  }
  throw unknownMail(id);
}

/**
 * `NotFoundError` unless a message has this id: one the agent received, or one it sent to that
 * recipient.
 */
export async function checkReplyTo(place: MailPlace, id: string, to: string | null): Promise<void> {
  const mailboxes = [listMail(place), ...(to === null ? [] : [listMail({ ...place, agent: to })])];
  const listings = await Promise.all(mailboxes);
  if (listings.some(({ mail }) => mail.some(({ stamp }) => stamp.id === id))) return;
  throw unknownMail(id);
}

/** Tells the sender that the message has been noted. */
export function acknowledge(
  context: CoordinationContext,
  { id, from, step }: Mail,
  note?: string,
): Promise<Sent> {
  return sendMail(context, {
    to: from,
    message: note ?? `acknowledged ${id}`,
    replyTo: id,
    kind: 'ack',
    ...(step === null ? {} : { step }),
  });
}

function unknownMail(id: string): NotFoundError {
  return new NotFoundError(`no message ${id}`, {
    hint: 'Ids are shown by "tracecraft inbox --long".',
  });
}
