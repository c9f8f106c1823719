import type { Bucket, ObjectEntry } from '../../bucket/bucket.js';
import { DocumentError, encodeDocument, parseDocument } from '../../protocol/documents.js';
import type { Stamp } from '../../protocol/keys.js';
import {
  checkMailId,
  checkMailText,
  type MailKind,
  mailFolder,
  mailKeyOf,
  mailSchema,
  maxMailBytes,
} from '../../protocol/mail.js';
import { isName, stepId } from '../../protocol/names.js';
import type { CoordinationContext } from '../context.js';
import { newStamp, type StampedMoment } from '../event-timestamp.js';
import { writeEvent } from '../events.js';

export type MailPurpose = 'ask' | 'ack';

export interface NewMail {
  /** `null`: to all. */
  readonly to: string | null;
  readonly message: string;
  readonly step?: string;
  /** The id of the message it answers. */
  readonly replyTo?: string;
  /** `ask`: the sender wants an acknowledgement; `ack`: this is one. */
  readonly kind?: MailPurpose;
  /** Default: a new one. With it the key is known in advance, and an existing message is not sent again. */
  readonly stamp?: Stamp;
}

export interface Sent {
  readonly key: string;
  readonly id: string;
  /** ISO 8601, by the store's clock. */
  readonly sentAt: string;
}

/** One message to one agent or to all, under a unique key. Then its event. */
export async function sendMail(
  context: CoordinationContext,
  { to, message, step, replyTo, kind, stamp: given }: NewMail,
): Promise<Sent> {
  const { bucket, layout, agent } = context;
  checkMailText(message);
  const about = {
    ...(step === undefined ? {} : { step: stepId(step) }),
    ...(replyTo === undefined ? {} : { reply_to: checkMailId(replyTo) }),
    ...(kind === undefined ? {} : { kind }),
  };
  const keyOf = (stamp: Stamp): string =>
    to === null ? layout.broadcast(stamp) : layout.message(to, stamp);
  // Refuses invalid names before asking the store for the time.
  keyOf({ timeNs: 0n, agent, id: '00000000' });
  const { stamp, at } = given === undefined ? await newStamp(context) : momentOf(given);
  const key = keyOf(stamp);
  const recipient = to ?? '_broadcast';
  const mail = { id: stamp.id, from: agent, to: recipient, message, sent_at: at, ...about };
  const sent = { key, id: stamp.id, sentAt: at };
  if (given === undefined) await bucket.put(key, encodeDocument(mail));
  else if (!(await isNew(bucket, key, encodeDocument(mail)))) return sent;
  await writeEvent(context, {
    type: to === null ? 'message.broadcast' : 'message.sent',
    ...(about.step === undefined ? {} : { step: about.step }),
    data: { ref: { key, id: stamp.id }, ...(to === null ? {} : { to }), message },
  });
  return sent;
}

function momentOf(stamp: Stamp): StampedMoment {
  return { stamp, at: new Date(Number(stamp.timeNs / 1_000_000n)).toISOString() };
}

async function isNew(bucket: Bucket, key: string, body: Buffer): Promise<boolean> {
  if (bucket.capabilities.putIfAbsent) return (await bucket.putIfAbsent(key, body)).written;
  if ((await bucket.get(key)) !== undefined) return false;
  await bucket.put(key, body);
  return true;
}

export interface Mail {
  readonly key: string;
  readonly kind: MailKind;
  readonly id: string;
  readonly from: string;
  readonly message: string;
  /** As its sender wrote it; if the sender wrote none, the time in its key. */
  readonly sentAt: string;
  readonly step: string | null;
  readonly replyTo: string | null;
  /** Its sender asked for an acknowledgement. */
  readonly asksForAck: boolean;
}

/** A message in a listing. */
export interface ListedMail {
  /** In a folder bucket, reading its size or time costs a look at the file. */
  readonly entry: ObjectEntry;
  readonly kind: MailKind;
  /** `<ts>_<sender>_<id>`. */
  readonly name: string;
  readonly stamp: Stamp;
}

export interface MailListing {
  /** In the order sent. */
  readonly mail: readonly ListedMail[];
  /** Keys no message can have. */
  readonly strays: readonly string[];
}

export type MailPlace = Pick<CoordinationContext, 'bucket' | 'layout' | 'agent'>;

/** Nested keys are junk; with a delimiter they cost nothing. */
const asked = { delimiter: '/', detailsOnDemand: true } as const;

/** Entries in one page of a listing, which costs one request wherever it begins. */
const pageEntries = 1_000;

/**
 * An agent's direct mail and all broadcasts. If a mailbox has more than one page, messages
 * timestamped between the first page and `fromNs` (nanoseconds of store time) are left out; in a
 * smaller one every message is found, however wrong its sender's clock was.
 */
export async function listMail(place: MailPlace, fromNs = 0n): Promise<MailListing> {
  const [direct, broadcast] = await Promise.all([
    listFolder(place, 'direct', fromNs),
    listFolder(place, 'broadcast', fromNs),
  ]);
  return {
    mail: [...direct.mail, ...broadcast.mail].sort(bySending),
    strays: [...direct.strays, ...broadcast.strays],
  };
}

async function listFolder(
  { bucket, layout, agent }: MailPlace,
  kind: MailKind,
  fromNs: bigint,
): Promise<MailListing> {
  const folder = mailFolder(layout, agent, kind);
  const mail: ListedMail[] = [];
  const strays: string[] = [];
  let seen = 0;
  for await (const entry of bucket.list(folder, asked)) {
    if (entry.kind === 'object') add(entry);
    seen += 1;
    const isBefore = (mail.at(-1)?.stamp.timeNs ?? 0n) < fromNs;
    if (seen >= pageEntries && isBefore) return listRest();
  }
  return { mail, strays };

  /** Starts there: every name that begins with these digits sorts after them. */
  async function listRest(): Promise<MailListing> {
    const after = `${folder}${digits(fromNs)}`;
    for await (const entry of bucket.list(folder, { ...asked, after })) {
      if (entry.kind === 'object') add(entry);
    }
    return { mail, strays };
  }

  function add(entry: ObjectEntry): void {
    const stamp = mailKeyOf(folder, entry.key);
    if (stamp === 'stray') strays.push(entry.key);
    if (typeof stamp === 'string') return;
    mail.push({ entry, kind, name: entry.key.slice(folder.length, -'.json'.length), stamp });
  }
}

export function digits(timeNs: bigint): string {
  return String(timeNs).padStart(19, '0');
}

function bySending(left: ListedMail, right: ListedMail): number {
  if (left.stamp.timeNs !== right.stamp.timeNs) {
    return left.stamp.timeNs < right.stamp.timeNs ? -1 : 1;
  }
  return left.name < right.name ? -1 : 1;
}

/** `undefined`: deleted since it was listed. `DocumentError`: not a message. */
export async function readMail(
  { bucket }: Pick<MailPlace, 'bucket'>,
  { entry, kind, stamp }: ListedMail,
): Promise<Mail | DocumentError | undefined> {
  const { key, size } = entry;
  if (size > maxMailBytes) return new DocumentError(key, `larger than ${maxMailBytes} bytes`);
  const stored = await bucket.get(key);
  if (stored === undefined) return undefined;
  try {
    const {
      id,
      from,
      message,
      sent_at,
      step,
      reply_to,
      kind: purpose,
    } = parseDocument(mailSchema, key, stored.body);
    return {
      key,
      kind,
      id: id ?? stamp.id,
      from: from ?? stamp.agent,
      message,
      sentAt: sent_at ?? timeOf(stamp),
      step: step === null ? null : isName(step) ? stepId(step) : step,
      replyTo: reply_to,
      asksForAck: purpose === 'ask',
    };
  } catch (error) {
    if (error instanceof DocumentError) return error;
    throw error;
  }
}

function timeOf({ timeNs }: Stamp): string {
  return new Date(Number(timeNs / 1_000_000n)).toISOString();
}
