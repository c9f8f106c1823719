import { readerOf } from '../../watchers/readers.js';
import type { Bucket } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import type { Conversation } from '../conversation/conversation.js';
import { fields, word } from '../conversation/fields.js';
import {
  type ChildHead,
  headOf,
  isAgentStream,
  withChildren,
  withEarlier,
} from '../conversation/join.js';
import { parsedLine } from '../conversation/outline.js';
import type { Place } from '../conversation/place.js';
import type { Reader } from '../conversation/reader.js';
import { NotFoundError, UnsupportedError } from '../errors.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import {
  earlierGenerations,
  listWholeStreams,
  readLines,
  type StreamPlace,
} from '../mirror/slots/session-streams.js';
import type { SessionRef } from '../mirror/stream.js';
import type { Layout } from '../protocol/keys.js';
import { foldLines } from './fold-lines.js';
import { listIndexed } from './indexed.js';
import { withWholeResults } from './spilled-results.js';

type Spawned = NonNullable<Place['spawned']>;

/** Where mirrored sessions are read. */
export interface SessionStore {
  readonly bucket: Bucket;
  readonly layout: Layout;
}

export interface ConversationRequest {
  readonly session: ListedSession;
  /** '' is the main stream. */
  readonly stream: string;
  /** Titles a sub-agent by its caller's description rather than by its task. */
  readonly isDescribed?: boolean;
}

/**
 * One stream of a mirrored session as a conversation, with information that only other streams
 * have: its name, what a fork inherited, the whole text of long results, and the sub-agents it
 * started, in this session or in sessions of their own.
 */
export async function readConversation(
  store: SessionStore,
  request: ConversationRequest,
): Promise<Conversation> {
  const { session, stream } = request;
  const reader = requireReader(session.harness);
  const streams = await listWholeStreams(store.bucket, store.layout, session);
  const place = streams.find(({ name }) => name === stream);
  if (place === undefined) throw noSuchStream(session, stream, streams);
  const [conversation, heads] = await Promise.all([
    readStream(store, reader, request, { place, streams }),
    childHeads(store, reader, session, streams, stream),
  ]);
  return withWholeResults(store, reader, session, withChildren(conversation, heads));
}

function requireReader(harness: string): Reader {
  const reader = readerOf(harness);
  if (reader !== undefined) return reader;
  throw new UnsupportedError(`cannot read a conversation of ${harness}`, {
    hint: '"tracecraft session show --raw" prints its lines.',
  });
}

function noSuchStream(
  { id }: SessionRef,
  stream: string,
  streams: readonly StreamPlace[],
): NotFoundError {
  const names = streams.map(({ name }) => name).filter((name) => name !== '');
  const hint =
    names.length === 0
      ? 'It has no stream besides its transcript.'
      : `It has ${names.slice(0, 10).join(', ')}${names.length > 10 ? ' …' : ''}.`;
  return new NotFoundError(`session ${id} has no stream ${stream}`, { hint });
}

interface StreamAmong {
  readonly place: StreamPlace;
  /** All streams of the session. */
  readonly streams: readonly StreamPlace[];
}

async function readStream(
  store: SessionStore,
  reader: Reader,
  { session: ref, isDescribed = false }: ConversationRequest,
  { place: at, streams }: StreamAmong,
): Promise<Conversation> {
  const { name: stream } = at;
  const session = ref.id;
  // Its name outside its transcript.
  const named = stream === '' ? (ref.meta?.name ?? undefined) : undefined;
  const spawned = await spawnOf(store, reader, ref, stream, streams);
  const place: Place = {
    session,
    stream,
    ...(named === undefined ? {} : { named }),
    ...(spawned === undefined ? {} : { spawned: isDescribed ? spawned : bare(spawned) }),
  };
  const alone = await fold(store, reader, place, at);
  const parentRowIds = await parentRows(store, reader.harness, alone);
  if (parentRowIds.size === 0) return preceded(store, reader, place, at, alone);
  const forked = { ...place, parentRowIds };
  const own = await fold(store, reader, forked, at);
  return preceded(store, reader, forked, at, own);
}

/** The conversation with the beginning that its harness has cut off since it was mirrored. */
async function preceded(
  { bucket }: SessionStore,
  reader: Reader,
  place: Place,
  at: StreamPlace,
  newest: Conversation,
): Promise<Conversation> {
  if (!reader.dropsBeginnings) return newest;
  let conversation = newest;
  for (const lines of await earlierGenerations(bucket, at)) {
    conversation = withEarlier(conversation, await foldLines(lines, reader, place));
  }
  return conversation;
}

/** Some forks do not mark the rows they copied: those are recognised by the parent's ids. Empty for any other session. */
export async function parentRows(
  store: SessionStore,
  harness: string,
  { forkedFrom, turns }: Conversation,
): Promise<ReadonlySet<string>> {
  const parent = forkedFrom?.session;
  const isTold = turns.some(({ isInherited }) => isInherited);
  return parent === undefined || isTold ? new Set() : rowIds(store, { harness, id: parent });
}

function bare({ description: _description, ...spawned }: Spawned): Spawned {
  return spawned;
}

/** Who started a sub-agent, as recorded beside its transcript. */
async function spawnOf(
  store: SessionStore,
  reader: Reader,
  { id: session }: SessionRef,
  stream: string,
  streams: readonly StreamPlace[],
): Promise<Spawned | undefined> {
  const record = streams.find(({ name }) => name === `${stream}.meta`);
  if (record === undefined) return undefined;
  const noted = await fold(store, reader, { session, stream: record.name }, record);
  if (noted.spawnedBy === undefined) return undefined;
  const about = noted.title === undefined ? {} : { description: noted.title };
  return { ...noted.spawnedBy, ...about };
}

function fold(
  { bucket }: SessionStore,
  reader: Reader,
  place: Place,
  { prefix, entries }: Pick<StreamPlace, 'prefix' | 'entries'>,
): Promise<Conversation> {
  return foldLines(readLines(bucket, prefix, entries), reader, place);
}

async function rowIds(
  { bucket, layout }: SessionStore,
  { harness, id }: SessionRef,
): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const lines of readLines(bucket, layout.session(harness, id))) {
    for (const line of lines) {
      const rowId = word(fields(parsedLine(line.toString('utf8'))).id);
      if (rowId !== undefined) ids.add(rowId);
    }
  }
  return ids;
}

/** Every conversation that this one may have started. */
async function childHeads(
  store: SessionStore,
  reader: Reader,
  session: SessionRef,
  streams: readonly StreamPlace[],
  stream: string,
): Promise<readonly ChildHead[]> {
  const agents = streams.filter(({ name }) => name !== stream && isAgentStream(name));
  const beside = await inParallel(agents, async (at) => {
    const { name } = at;
    const spawned = await spawnOf(store, reader, session, name, streams);
    const known = spawned === undefined ? {} : { spawned };
    const place = { session: session.id, stream: name, ...known };
    const about = spawned?.description === undefined ? {} : { description: spawned.description };
    return headOf(await fold(store, reader, place, at), about);
  });
  const mayHaveSessions = stream === '' && !reader.hasAgentStreams;
  const own = mayHaveSessions ? await childSessions(store, session) : [];
  const elsewhere = await inParallel(own, async ({ harness, id }) => {
    const prefix = store.layout.session(harness, id);
    return headOf(await fold(store, reader, { session: id, stream: '' }, { prefix }));
  });
  return [...beside, ...elsewhere].filter((head) => head !== undefined);
}

async function childSessions(
  { bucket, layout }: SessionStore,
  { harness, id }: SessionRef,
): Promise<readonly SessionRef[]> {
  const { sessions } = await listIndexed(bucket, layout, [harness]);
  return sessions.filter(({ meta }) => meta?.parent_session_id === id);
}
