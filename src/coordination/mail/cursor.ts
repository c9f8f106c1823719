import type { Stored } from '../../bucket/bucket.js';
import { writeOver } from '../../bucket/write-over.js';
import { DocumentError, encodeDocument, parseDocument } from '../../protocol/documents.js';
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
 * What an agent has seen of its mail: everything that arrived before `throughNs`, plus the named messages since. A
 * message arrived when it was timestamped or, if later, when the store says it was written. So neither a message that
 * takes minutes to land nor one with an old timestamp falls behind the cursor unseen.
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

/** The least time a message may take from its timestamp to the store. The cursor never passes store-now minus this. */
const lateNs = 600_000_000_000n;
/** How far a timestamp may precede its arrival at the store: senders whose clocks are off by less lose nothing. */
const lookbackNs = 7_200_000_000_000n;
/** How much the store's own times may differ from each other. */
const clockPlayNs = 300_000_000_000n;

/** Where a listing must start so that nothing unseen precedes it. */
export function listFromNs({ throughNs }: Cursor): bigint {
  return throughNs > lookbackNs ? throughNs - lookbackNs : 0n;
}

export function isSeen({ throughNs, seen }: Cursor, mail: ListedMail): boolean {
  return seen[mail.kind].has(mail.name) || cameBefore(mail, throughNs);
}

export interface CursorRead {
  /** Everything from `listFromNs` on. */
  readonly listed: readonly ListedMail[];
  /** What was not seen before, and is not now. */
  readonly stillNew: ReadonlySet<ListedMail>;
  /** The store's time before the listing. */
  readonly nowNs: bigint;
}

/**
 * The cursor after a read. It never passes anything unseen, nor the last ten minutes, nor the newest message minus
 * ten minutes: if the clock is this machine's own, it is trusted only as far as the store's own times go.
 */
export function cursorAfter(cursor: Cursor, { listed, stillNew, nowNs }: CursorRead): Cursor {
  const bounds = [...stillNew].map((mail) => least(cameNs(mail), mail.stamp.timeNs + lookbackNs));
  const newestNs = newestWriteNs(listed, nowNs - lateNs);
  const wanted = [nowNs - lateNs, newestNs - lateNs, ...bounds].reduce(least);
  const throughNs = most(cursor.throughNs, wanted);
  const isPast = pastThe(throughNs, cursor);
  const since = listed.filter((mail) => !stillNew.has(mail) && !isPast(mail));
  const names = (kind: MailKind): Set<string> =>
    new Set(since.filter((mail) => mail.kind === kind).map(({ name }) => name));
  return { throughNs, seen: { direct: names('direct'), broadcast: names('broadcast') } };
}

/** Each may cost a look at a file, and anybody may fill a mailbox. */
const mostLookups = 2_000;

/**
 * Whether a message that was seen needs no name in the cursor any more. After `mostLookups`, those in doubt keep
 * theirs until a later save: a name too many does no harm.
 */
function pastThe(throughNs: bigint, cursor: Cursor): (mail: ListedMail) => boolean {
  let lookups = 0;
  return (mail) => {
    if (mail.stamp.timeNs >= throughNs) return false;
    if (!cursor.seen[mail.kind].has(mail.name) && isSeen(cursor, mail)) return true;
    lookups += 1;
    return lookups <= mostLookups && cameBefore(mail, throughNs);
  };
}

/** When the newest was written, or a time after `enoughNs` at which one was. `listed` is in the order sent. */
function newestWriteNs(listed: readonly ListedMail[], enoughNs: bigint): bigint {
  let newestNs = 0n;
  for (const mail of listed.toReversed()) {
    newestNs = most(newestNs, writtenNs(mail));
    if (newestNs >= enoughNs) break;
  }
  return newestNs;
}

/** Merges what two readers of one mailbox have seen. */
export function merged(left: Cursor, right: Cursor): Cursor {
  const throughNs = most(left.throughNs, right.throughNs);
  const both = (kind: MailKind): Set<string> => new Set([...left.seen[kind], ...right.seen[kind]]);
  return { throughNs, seen: { direct: both('direct'), broadcast: both('broadcast') } };
}

/** A cursor as it was read, and what is needed to replace it. */
export interface ReadCursor {
  readonly cursor: Cursor;
  /** `undefined`: there is none yet. */
  readonly etag: string | undefined;
  /** It exists but is unreadable: everything counts as unseen, and the next save replaces it. */
  readonly damage?: DocumentError;
}

export async function readCursor(place: MailPlace): Promise<ReadCursor> {
  const { bucket, layout, agent } = place;
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
  // Trusting it would hide mail until then.
  if (throughNs > nanoseconds(modifiedAt) - lateNs + clockPlayNs) {
    throw new DocumentError(key, 'through: later than the time it was written');
  }
  return {
    throughNs,
    seen: { direct: new Set(direct), broadcast: new Set(broadcast) },
  };
}

const attempts = 16;

/**
 * Records what was seen, keeping what another reader of the same mailbox saved meanwhile. On a store that does not
 * arbitrate, the later of two simultaneous saves wins, and the other's mail may be shown again. Returns whether it
 * was saved: not if the cursor kept changing.
 */
export async function saveCursor(
  place: MailPlace,
  seen: Cursor,
  over: Pick<ReadCursor, 'cursor' | 'etag'>,
): Promise<boolean> {
  const { bucket, layout, agent } = place;
  const key = layout.cursor(agent);
  let { etag } = over;
  let cursor = seen;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if ((await writeOver(bucket, key, encodeCursor(cursor), etag)).written) return true;
    const present = await readCursor(place);
    etag = present.etag;
    cursor = merged(seen, present.cursor);
  }
  return false;
}

function encodeCursor(cursor: Cursor): Buffer {
  return encodeDocument({ schema: 1, ...documentOf(cursor), nonce: newNonce() });
}

function documentOf({ throughNs, seen }: Cursor): CursorDocument {
  const [direct = [], broadcast = []] = mailKinds.map((kind) => [...seen[kind]].sort());
  return { through: digits(throughNs), direct, broadcast };
}

/** The best estimate of when a message arrived. */
function cameNs(mail: ListedMail): bigint {
  return most(mail.stamp.timeNs, writtenNs(mail));
}

/** The same as `cameNs(mail) < ns`; often the timestamp alone decides. */
function cameBefore(mail: ListedMail, ns: bigint): boolean {
  return mail.stamp.timeNs < ns && writtenNs(mail) < ns;
}

function writtenNs({ entry }: ListedMail): bigint {
  return nanoseconds(entry.modifiedAt);
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
