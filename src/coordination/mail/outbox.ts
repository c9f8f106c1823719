import { inParallel } from '../../concurrency.js';
import { DocumentError } from '../../protocol/documents.js';
import { parseStampName } from '../../protocol/keys.js';
import { isName } from '../../protocol/names.js';
import { type Cursor, isSeen, readCursor } from './cursor.js';
import { type ListedMail, listMail, type Mail, type MailPlace, readMail } from './mailbox.js';

/** A message the agent sent, and what became of it. */
export interface SentMail extends Mail {
  /** Recipient; `null`: all. */
  readonly to: string | null;
  /** Agents whose cursor covers it. */
  readonly seenBy: readonly string[];
  /** Who answered or acknowledged it, and when first. */
  readonly ackedBy: readonly { readonly agent: string; readonly at: string }[];
}

export interface Outbox {
  /** In the order of sending. */
  readonly sent: readonly SentMail[];
  readonly skipped: readonly DocumentError[];
}

interface OwnMail {
  readonly to: string | null;
  readonly listed: ListedMail;
}

/**
 * What this agent has sent since then: one listing, its own messages, its mail since, and each
 * recipient's cursor.
 */
export async function readOutbox(place: MailPlace, sinceMs: number): Promise<Outbox> {
  const sinceNs = BigInt(Math.max(0, Math.trunc(sinceMs))) * 1_000_000n;
  const own = await listOwn(place, sinceNs);
  const recipients = new Set(own.flatMap(({ to }) => (to === null ? [] : [to])));
  const hasBroadcasts = own.some(({ to }) => to === null);
  if (hasBroadcasts) for (const agent of await agentsWithInbox(place)) recipients.add(agent);
  const [read, answers, cursors] = await Promise.all([
    inParallel(own, async (one) => ({ ...one, mail: await readMail(place, one.listed) })),
    readAnswers(place, sinceNs),
    cursorsOf(place, [...recipients]),
  ]);
  const sent = read.flatMap(({ to, listed, mail }) => {
    if (mail === undefined || mail instanceof DocumentError) return [];
    const readers = to === null ? [...cursors.keys()].filter((one) => one !== place.agent) : [to];
    const seenBy = readers.filter((agent) => {
      const cursor = cursors.get(agent);
      return cursor !== undefined && isSeen(cursor, listed);
    });
    return [{ ...mail, to, seenBy, ackedBy: answers.get(mail.id) ?? [] }];
  });
  return {
    sent,
    skipped: read.flatMap(({ mail }) => (mail instanceof DocumentError ? [mail] : [])),
  };
}

async function listOwn({ bucket, layout, agent }: MailPlace, sinceNs: bigint): Promise<OwnMail[]> {
  const root = `${layout.root}messages/`;
  const own: OwnMail[] = [];
  for await (const entry of bucket.list(root, { detailsOnDemand: true })) {
    if (entry.kind !== 'object') continue;
    const [recipient = '', leaf = '', ...deeper] = entry.key.slice(root.length).split('/');
    const stamp = parseStampName(leaf);
    const isAll = recipient === '_broadcast';
    if (stamp?.agent !== agent || stamp.timeNs < sinceNs || deeper.length > 0) continue;
    if (!isAll && !isName(recipient)) continue;
    const name = leaf.slice(0, -'.json'.length);
    const kind = isAll ? 'broadcast' : 'direct';
    own.push({
      to: isAll ? null : recipient,
      listed: { entry, kind, name, stamp },
    });
  }
  return own.sort((left, right) => (left.listed.name < right.listed.name ? -1 : 1));
}

type Answers = ReadonlyMap<string, { readonly agent: string; readonly at: string }[]>;

/** Any reply counts; of several by one agent, the first. */
async function readAnswers(place: MailPlace, sinceNs: bigint): Promise<Answers> {
  const { mail: listed } = await listMail(place, sinceNs);
  const recent = listed.filter(({ stamp }) => stamp.timeNs >= sinceNs);
  const answers = new Map<string, { readonly agent: string; readonly at: string }[]>();
  for (const mail of await inParallel(recent, (one) => readMail(place, one))) {
    if (mail === undefined || mail instanceof DocumentError || mail.replyTo === null) continue;
    const known = answers.get(mail.replyTo) ?? [];
    if (mail.from === place.agent || known.some(({ agent }) => agent === mail.from)) continue;
    answers.set(mail.replyTo, [...known, { agent: mail.from, at: mail.sentAt }]);
  }
  return answers;
}

async function cursorsOf(
  place: MailPlace,
  agents: readonly string[],
): Promise<ReadonlyMap<string, Cursor>> {
  const cursors = await inParallel(agents, async (agent) => {
    const { cursor } = await readCursor({ ...place, agent });
    return [agent, cursor] as const;
  });
  return new Map(cursors);
}

async function agentsWithInbox({ bucket, layout }: MailPlace): Promise<string[]> {
  const root = `${layout.root}inboxes/`;
  const agents: string[] = [];
  for await (const entry of bucket.list(root, { delimiter: '/' })) {
    const name = entry.kind === 'prefix' ? entry.prefix.slice(root.length, -1) : '';
    if (isName(name)) agents.push(name);
  }
  return agents;
}
