import { inParallel } from '../../concurrency.js';
import { DocumentError } from '../../protocol/documents.js';
import { maxMailBytes } from '../../protocol/mail.js';
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
  /** Messages that are read at the most; left out: all. Anybody may fill a mailbox. */
  readonly limit?: number | undefined;
}

/** Messages of one look that nobody set a limit for. */
export const usualLimit = 1_000;
const usualBytes = 64 * 1024 * 1024;
/** A prompt waits for these. */
const promptBytes = 4 * 1024 * 1024;
const messagesAtOnce = 96;
const bytesAtOnce = 16 * 1024 * 1024;

/** What one look reads at the most. Any one message fits. */
interface Bound {
  readonly messages: number;
  readonly bytes: number;
}

const unbounded: Bound = { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

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
  /** Messages that the limit left unread. */
  readonly unread: number;
}

/** What an agent was sent, its own broadcasts included; with a limit, the newest of it. Consumes nothing. */
export async function readInbox(place: MailPlace, filter: MailFilter = {}): Promise<Inbox> {
  const { mail, strays } = await listMail(place);
  const { limit, ...wanted } = filter;
  const bound = limit === undefined ? unbounded : { messages: limit, bytes: usualBytes };
  const { unread, ...read } = await readNewest(place, mail, wanted, bound);
  return { ...read, strays, unread: unread.length };
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
 * the filter leaves out stays new, and so does what comes after the limit.
 */
export function readNewMail(place: MailPlace, filter: MailFilter = {}): Promise<NewInbox> {
  return readNews(place, async (unseen) => {
    const bound = { messages: filter.limit ?? usualLimit, bytes: usualBytes };
    const inbox = await readListed(place, unseen, filter, bound);
    return { ...inbox, stillNew: [...inbox.leftOut, ...inbox.unread] };
  });
}

/** The newest that the agent has not seen. The others are counted, and then count as seen, too. */
export function readNewestMail(place: MailPlace, messages: number): Promise<NewInbox> {
  const bound = { messages, bytes: promptBytes };
  return readNews(place, async (unseen) => ({
    ...(await readNewest(place, unseen, {}, bound)),
    stillNew: [],
  }));
}

async function readNews(
  place: MailPlace,
  readUnseen: (
    unseen: readonly ListedMail[],
  ) => Promise<ReadListed & { readonly stillNew: readonly ListedMail[] }>,
): Promise<NewInbox> {
  const read = await readCursor(place);
  const nowNs = BigInt((await place.bucket.now()).getTime()) * 1_000_000n;
  const { mail: listed, strays } = await listMail(place, listFromNs(read.cursor));
  const unseen = listed.filter((mail) => isNews(place, read.cursor, mail));
  const inbox = await readUnseen(unseen);
  const left = new Set(inbox.stillNew);
  const shown = listed.filter((mail) => !left.has(mail));
  const next = (): Cursor => cursorAfter(read.cursor, { listed, shown, nowNs });
  const isNothing = inbox.mail.length === 0 && inbox.skipped.length === 0;
  return {
    mail: inbox.mail,
    skipped: inbox.skipped,
    strays,
    unread: inbox.unread.length,
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
  /** By the limit. */
  readonly unread: readonly ListedMail[];
}

/** From the newest back to the limit, and then in the order of sending. */
async function readNewest(
  place: MailPlace,
  listed: readonly ListedMail[],
  filter: Pick<MailFilter, 'step'>,
  bound: Bound,
): Promise<ReadListed> {
  const { mail, ...rest } = await readListed(place, listed.toReversed(), filter, bound);
  return { ...rest, mail: mail.toReversed() };
}

/** In the order that is given, a batch at a time, up to the limit. */
async function readListed(
  place: MailPlace,
  listed: readonly ListedMail[],
  { step }: Pick<MailFilter, 'step'>,
  bound: Bound,
): Promise<ReadListed> {
  const mail: Mail[] = [];
  const skipped: SkippedMail[] = [];
  const leftOut: ListedMail[] = [];
  let rest = listed;
  let bytesLeft = bound.bytes;
  while (rest.length > 0) {
    const messages = bound.messages - mail.length - skipped.length;
    const batch = fitting(rest, { messages, bytes: bytesLeft });
    if (batch.length === 0) break;
    rest = rest.slice(batch.length);
    const read = await inParallel(batch, async (one) => ({
      one,
      result: await readMail(place, one),
    }));
    for (const { one, result } of read) {
      if (result === undefined) continue;
      if (result instanceof DocumentError) skipped.push({ key: one.key, error: result });
      else if (step !== undefined && result.step !== step) leftOut.push(one);
      else {
        mail.push(result);
        bytesLeft -= one.size;
      }
    }
  }
  return { mail, skipped, leftOut, unread: rest };
}

/** As many of the first as fit together. What is too large for a message is never read, so it takes no room. */
function fitting(listed: readonly ListedMail[], { messages, bytes }: Bound): readonly ListedMail[] {
  const most = Math.min(messages, messagesAtOnce);
  let size = 0;
  let end = 0;
  for (const one of listed.slice(0, Math.max(0, most))) {
    size += one.size > maxMailBytes ? 0 : one.size;
    if (size > Math.min(bytes, bytesAtOnce)) break;
    end += 1;
  }
  return listed.slice(0, end);
}

/** Deletes what was sent to this agent alone; a broadcast is others' too. How many were deleted. */
export async function deleteMail(place: MailPlace, mail: readonly Mail[]): Promise<number> {
  const own = mail.filter(({ kind }) => kind === 'direct');
  await inParallel(own, ({ key }) => place.bucket.delete(key));
  return own.length;
}
