import { inParallel } from '../../concurrency.js';
import { DocumentError } from '../../protocol/documents.js';
import {
  type Cursor,
  cursorAfter,
  isSeen,
  listFromNs,
  type ReadCursor,
  readCursor,
  saveCursor,
} from './cursor.js';
import { type ListedMail, listMail, type Mail, type MailPlace, readMail } from './mailbox.js';

export interface MailFilter {
  /** Only mail about this step, as keys spell it. */
  readonly step?: string | undefined;
}

/** An object that is no message. */
export interface SkippedMail {
  readonly key: string;
  readonly error: DocumentError;
}

export interface Inbox {
  /** In the order in which they were sent. */
  readonly mail: readonly Mail[];
  readonly skipped: readonly SkippedMail[];
  /** Keys that no message has. */
  readonly strays: readonly string[];
}

/** Everything that an agent was sent, its own broadcasts included. Consumes nothing. */
export async function readInbox(place: MailPlace, filter: MailFilter = {}): Promise<Inbox> {
  const { mail, strays } = await listMail(place);
  return { ...(await readListed(place, mail, filter)), strays };
}

export interface NewInbox extends Inbox {
  /** An unreadable cursor: everything counts as new. */
  readonly damage: DocumentError | undefined;
  /**
   * To be called once the mail was shown: it is not new any more. Whether that is remembered: not when the cursor was changed
   * again and again meanwhile, and then the mail will be shown again.
   */
  remember(): Promise<boolean>;
}

/**
 * What the agent has not seen, whichever process asks on whichever machine. Its own broadcasts are no news to it. Mail that
 * the filter leaves out stays new.
 */
export async function readNewMail(place: MailPlace, filter: MailFilter = {}): Promise<NewInbox> {
  const read = await readCursor(place);
  const nowNs = BigInt((await place.bucket.now()).getTime()) * 1_000_000n;
  const { mail: listed, strays } = await listMail(place, listFromNs(read.cursor));
  const unseen = listed.filter((mail) => isNews(place, read.cursor, mail));
  const inbox = await readListed(place, unseen, filter);
  const left = new Set(inbox.leftOut);
  const shown = listed.filter((mail) => !left.has(mail));
  const next = (): Cursor => cursorAfter(read.cursor, { listed, shown, nowNs });
  const isNothing = inbox.mail.length === 0 && inbox.skipped.length === 0;
  return {
    mail: inbox.mail,
    skipped: inbox.skipped,
    strays,
    damage: read.damage,
    remember: async () => isNothing || saveCursor(place, next(), read),
  };
}

export interface Unread {
  readonly direct: number;
  readonly broadcast: number;
}

/** How many messages an agent has not seen, without reading them. */
export async function countUnread(place: MailPlace): Promise<Unread> {
  const { cursor }: ReadCursor = await readCursor(place);
  const { mail } = await listMail(place, listFromNs(cursor));
  const unseen = mail.filter((one) => isNews(place, cursor, one));
  const direct = unseen.filter(({ kind }) => kind === 'direct').length;
  return { direct, broadcast: unseen.length - direct };
}

function isNews({ agent }: MailPlace, cursor: Cursor, mail: ListedMail): boolean {
  const isOwn = mail.kind === 'broadcast' && mail.stamp.agent === agent;
  return !isOwn && !isSeen(cursor, mail);
}

interface ReadListed extends Pick<Inbox, 'mail' | 'skipped'> {
  /** By the filter. */
  readonly leftOut: readonly ListedMail[];
}

async function readListed(
  place: MailPlace,
  listed: readonly ListedMail[],
  { step }: MailFilter,
): Promise<ReadListed> {
  const read = await inParallel(listed, async (one) => ({
    one,
    result: await readMail(place, one),
  }));
  const mail: Mail[] = [];
  const skipped: SkippedMail[] = [];
  const leftOut: ListedMail[] = [];
  for (const { one, result } of read) {
    if (result === undefined) continue;
    if (result instanceof DocumentError) skipped.push({ key: one.key, error: result });
    else if (step !== undefined && result.step !== step) leftOut.push(one);
    else mail.push(result);
  }
  return { mail, skipped, leftOut };
}

/** Deletes what was sent to this agent alone; a broadcast is others' too. How many were deleted. */
export async function deleteMail(place: MailPlace, mail: readonly Mail[]): Promise<number> {
  const own = mail.filter(({ kind }) => kind === 'direct');
  await inParallel(own, ({ key }) => place.bucket.delete(key));
  return own.length;
}
