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
  /** Only mail about this step, spelled as in keys. */
  readonly step?: string | undefined;
  /** The maximum number of messages to read; omitted: all. Anybody may fill a mailbox. */
  readonly limit?: number | undefined;
}

/** Messages per read if nobody set a limit. */
export const usualLimit = 1_000;
const usualBytes = 64 * 1024 * 1024;
/** Mail added to a prompt: the user is waiting for it. */
const promptBytes = 4 * 1024 * 1024;
const messagesAtOnce = 96;
const bytesAtOnce = 16 * 1024 * 1024;

/** The maximum for one read. Any single message fits. */
interface Bound {
  readonly messages: number;
  readonly bytes: number;
}

const unbounded: Bound = { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

/** An object that is not a message. */
export interface SkippedMail {
  readonly key: string;
  readonly error: DocumentError;
}

export interface Inbox {
  /** In the order in which they were sent. */
  readonly mail: readonly Mail[];
  readonly skipped: readonly SkippedMail[];
  /** Keys that no message can have. */
  readonly strays: readonly string[];
  /** Messages left unread because of the limit. */
  readonly unread: number;
}

/**
 * An agent's mail, its own broadcasts included; with a limit, the newest of it. Consumes nothing.
 */
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
   * To be called once the mail has been shown, so that it no longer counts as new. Returns whether
   * that was saved: not if the cursor kept changing, in which case the mail will be shown again.
   */
  remember(): Promise<boolean>;
}

/**
 * The agent's unseen mail, whichever process on whichever machine asks. Its own broadcasts do not
 * count. Mail that the filter excludes stays new, and so does mail beyond the limit.
 */
export function readNewMail(place: MailPlace, filter: MailFilter = {}): Promise<NewInbox> {
  return readNews(place, async (unseen) => {
    const bound = { messages: filter.limit ?? usualLimit, bytes: usualBytes };
    const inbox = await readListed(place, unseen, filter, bound);
    return { ...inbox, stillNew: [...inbox.leftOut, ...inbox.unread] };
  });
}

/** The newest of the agent's unseen mail. The rest is counted, and then also counts as seen. */
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
  const stillNew = new Set(inbox.stillNew);
  const next = (): Cursor => cursorAfter(read.cursor, { listed, stillNew, nowNs });
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

/** Counts an agent's unseen messages without reading them. */
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
  /** Because of the filter. */
  readonly leftOut: readonly ListedMail[];
  /** Because of the limit. */
  readonly unread: readonly ListedMail[];
}

/** Selects from the newest back to the limit, and returns in the order sent. */
async function readNewest(
  place: MailPlace,
  listed: readonly ListedMail[],
  filter: Pick<MailFilter, 'step'>,
  bound: Bound,
): Promise<ReadListed> {
  const { mail, ...rest } = await readListed(place, listed.toReversed(), filter, bound);
  return { ...rest, mail: mail.toReversed() };
}

/** Reads in the given order, a batch at a time, up to the limit. */
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
      if (result instanceof DocumentError) skipped.push({ key: one.entry.key, error: result });
      else if (step !== undefined && result.step !== step) leftOut.push(one);
      else {
        mail.push(result);
        bytesLeft -= one.entry.size;
      }
    }
  }
  return { mail, skipped, leftOut, unread: rest };
}

/**
 * As many of the first as fit together. An object too large to be a message is never read, so it
 * takes no room.
 */
function fitting(listed: readonly ListedMail[], { messages, bytes }: Bound): readonly ListedMail[] {
  const most = Math.min(messages, messagesAtOnce);
  let size = 0;
  let end = 0;
  for (const { entry } of listed.slice(0, Math.max(0, most))) {
    size += entry.size > maxMailBytes ? 0 : entry.size;
    if (size > Math.min(bytes, bytesAtOnce)) break;
    end += 1;
  }
  return listed.slice(0, end);
}

/**
 * Deletes mail sent to this agent alone; broadcasts are for others too. Returns the number of
 * deleted messages.
 */
export async function deleteMail(place: MailPlace, mail: readonly Mail[]): Promise<number> {
  const own = mail.filter(({ kind }) => kind === 'direct');
  await inParallel(own, ({ key }) => place.bucket.delete(key));
  return own.length;
}
