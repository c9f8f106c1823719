import type { Stored } from '../../bucket/bucket.js';
import { DocumentError, encodeDocument, parseDocument } from '../../protocol/documents.js';
import { parseStampName } from '../../protocol/keys.js';
import {
  type CursorDocument,
  cursorSchema,
  type MailKind,
  mailKinds,
  maxCursorBytes,
} from '../../protocol/mail.js';
import { newNonce } from '../event-timestamp.js';
import { digits, type ListedMail, type MailPlace } from './mailbox.js';

/**
 * What an agent has seen of its mail: everything that came before `throughNs`, and of what came since whatever is named. A
 * message came when it was stamped or, if that is later, when the store says that it was written: neither a message that
 * takes minutes to land nor one with a stamp that is too old falls behind the cursor unseen.
 */
export interface Cursor {
  /** Nanoseconds of store time. */
  readonly throughNs: bigint;
  readonly seen: Readonly<Record<MailKind, ReadonlySet<string>>>;
}

const newCursor: Cursor = {
  throughNs: 0n,
  seen: { direct: new Set(), broadcast: new Set() },
};

/** How long a message may take from its stamp to the store, at the least. The cursor never passes store-now minus this. */
const lateNs = 600_000_000_000n;
/** How far a stamp may lie before the moment at which the store got it: senders whose clocks are wrong by less lose nothing. */
const lookbackNs = 7_200_000_000_000n;
/** By how much the store's times may differ from one another. */
const clockPlayNs = 300_000_000_000n;

/** Where a listing has to begin, so that nothing unseen lies before it. */
export function listFromNs({ throughNs }: Cursor): bigint {
  return throughNs > lookbackNs ? throughNs - lookbackNs : 0n;
}

export function isSeen({ throughNs, seen }: Cursor, mail: ListedMail): boolean {
  return cameNs(mail) < throughNs || seen[mail.kind].has(mail.name);
}

export interface CursorRead {
  /** Everything from `listFromNs` on. */
  readonly listed: readonly ListedMail[];
  /** What was seen now. */
  readonly shown: readonly ListedMail[];
  /** The store's time before the listing. */
  readonly nowNs: bigint;
}

/**
 * The cursor after a look. It passes nothing unseen, nor the last ten minutes, nor the newest message less ten minutes: where
 * the clock that is asked is this machine's own, it is not trusted further than the store's own times go.
 */
export function cursorAfter(cursor: Cursor, { listed, shown, nowNs }: CursorRead): Cursor {
  const now = new Set(shown);
  const isPassable = (mail: ListedMail): boolean => now.has(mail) || isSeen(cursor, mail);
  const bounds = listed
    .filter((mail) => !isPassable(mail))
    .map((mail) => least(cameNs(mail), mail.stamp.timeNs + lookbackNs));
  const newestNs = listed.reduce((newest, mail) => most(newest, writtenNs(mail)), 0n);
  const wanted = [nowNs - lateNs, newestNs - lateNs, ...bounds].reduce(least);
  const throughNs = most(cursor.throughNs, wanted);
  const since = listed.filter((mail) => isPassable(mail) && cameNs(mail) >= throughNs);
  const names = (kind: MailKind): Set<string> =>
    new Set(since.filter((mail) => mail.kind === kind).map(({ name }) => name));
  return { throughNs, seen: { direct: names('direct'), broadcast: names('broadcast') } };
}

/** What either of two readers of one mailbox has seen. */
export function merged(left: Cursor, right: Cursor): Cursor {
  const throughNs = most(left.throughNs, right.throughNs);
  const fromNs = listFromNs({ ...left, throughNs });
  // Where a name lies before the listing, no listing will ask for it again.
  const both = (kind: MailKind): Set<string> =>
    new Set(
      [...left.seen[kind], ...right.seen[kind]].filter((name) => {
        const stamp = parseStampName(`${name}.json`);
        return stamp !== undefined && stamp.timeNs >= fromNs;
      }),
    );
  return { throughNs, seen: { direct: both('direct'), broadcast: both('broadcast') } };
}

/** A cursor as it was read, and what it is replaced by. */
export interface ReadCursor {
  readonly cursor: Cursor;
  /** `undefined`: there is none yet. */
  readonly etag: string | undefined;
  /** It is there, and cannot be read: everything counts as unseen, and the next save replaces it. */
  readonly damage?: DocumentError;
}

export async function readCursor({ bucket, layout, agent }: MailPlace): Promise<ReadCursor> {
  const key = layout.cursor(agent);
  const stored = await bucket.get(key, { range: { start: 0, end: maxCursorBytes } });
  if (stored === undefined) return { cursor: newCursor, etag: undefined };
  try {
    return { cursor: parseCursor(key, stored), etag: stored.etag };
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    return { cursor: newCursor, etag: stored.etag, damage: error };
  }
}

function parseCursor(key: string, { body, size, modifiedAt }: Stored): Cursor {
  if (size > maxCursorBytes) throw new DocumentError(key, `larger than ${maxCursorBytes} bytes`);
  const { through, direct, broadcast } = parseDocument(cursorSchema, key, body);
  const throughNs = BigInt(through);
  // Taken at its word it would hide mail until then.
  if (throughNs > nanoseconds(modifiedAt) - lateNs + clockPlayNs) {
    throw new DocumentError(key, 'through: ahead of the time at which it was written');
  }
  return {
    throughNs,
    seen: { direct: new Set(direct), broadcast: new Set(broadcast) },
  };
}

const attempts = 16;

/**
 * Remembers what was seen; what another reader of the same mailbox saved meanwhile stays. On a store that does not arbitrate
 * the later of two saves of one moment wins, and what the other one has seen may be shown again. Whether it was saved: not
 * when it was changed again and again meanwhile.
 */
export async function saveCursor(
  place: MailPlace,
  seen: Cursor,
  over: Pick<ReadCursor, 'cursor' | 'etag'>,
): Promise<boolean> {
  let { etag } = over;
  let cursor = seen;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (await isWritten(place, cursor, etag)) return true;
    const present = await readCursor(place);
    etag = present.etag;
    cursor = merged(seen, present.cursor);
  }
  return false;
}

async function isWritten(
  { bucket, layout, agent }: MailPlace,
  cursor: Cursor,
  over: string | undefined,
): Promise<boolean> {
  const key = layout.cursor(agent);
  const body = encodeDocument({ schema: 1, ...documentOf(cursor), nonce: newNonce() });
  const { putIfAbsent, putIfMatch } = bucket.capabilities;
  if (over === undefined && putIfAbsent) return (await bucket.putIfAbsent(key, body)).written;
  if (over !== undefined && putIfMatch) return (await bucket.putIfMatch(key, body, over)).written;
  await bucket.put(key, body);
  return true;
}

function documentOf({ throughNs, seen }: Cursor): CursorDocument {
  const [direct = [], broadcast = []] = mailKinds.map((kind) => [...seen[kind]].sort());
  return { through: digits(throughNs), direct, broadcast };
}

/** When a message came, as far as anybody can tell. */
function cameNs(mail: ListedMail): bigint {
  return most(mail.stamp.timeNs, writtenNs(mail));
}

function writtenNs({ modifiedAt }: ListedMail): bigint {
  return nanoseconds(modifiedAt);
}

function nanoseconds(time: Date): bigint {
  return BigInt(Math.max(0, time.getTime())) * 1_000_000n;
}

function least(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

function most(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
