import { readerOf } from '../../watchers/readers.js';
import {
  type CallEntry,
  type Conversation,
  entriesOf,
  type Turn,
} from '../conversation/conversation.js';
import { fields, text } from '../conversation/fields.js';
import { agentOf, type ChildHead, isAgentStream, withChildren } from '../conversation/join.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import { readFirstLine, readFrom } from '../mirror/slots/tail.js';
import type { MetaDocument } from '../protocol/documents.js';
import type { SessionStore } from './conversation.js';
import { withWholeResults } from './spilled-results.js';

/**
 * The last turns of a session's transcript, read without what came before: `meta.json` says where they begin. Their numbers
 * are not known. `undefined` where earlier lines, or another stream, may have something to say of them.
 */
export async function readLastTurns(
  store: SessionStore,
  session: ListedSession,
  count: number,
): Promise<readonly Turn[] | undefined> {
  const { bucket, layout } = store;
  const { harness, id, meta } = session;
  // One more: an answer, or a call, may go on after the prompt that came in between.
  const from = meta?.turn_starts.at(-count - 1);
  const reader = readerOf(harness);
  if (count === 0) return [];
  if (reader === undefined || reader.needsWhole || meta === undefined || from === undefined)
    return undefined;
  // What a fork, a copy or a sub-agent inherited is not told by its last rows.
  if (meta.parent_session_id !== null || meta.turns < count) return undefined;
  const [head, lines] = await Promise.all([
    readFirstLine(bucket, layout, session),
    readFrom(bucket, layout, session, from),
  ]);
  if (lines === undefined || head === undefined) return undefined;
  const fold = reader.open({ session: id, stream: '' });
  // Who speaks, and whose session it is, some harnesses say in a header.
  if (from > 0) fold.row(rowOf(head), 0);
  for (const [index, line] of lines.entries()) fold.row(rowOf(line), from + index);
  const last = withChildren(fold.state(), headsIn(session, meta));
  const turns = last.turns.slice(-count);
  const isTold = hasTurnAt(last.turns.slice(0, -count), from);
  const mayBeginSessions = !reader.hasAgentStreams;
  if (!isTold || !standsAlone({ ...last, turns }, meta, mayBeginSessions)) return undefined;
  const whole = await withWholeResults(store, reader, session, { ...last, turns });
  return whole.turns;
}

function rowOf(line: Buffer): string {
  return line.toString('utf8').replace(/\n$/, '');
}

/** The sub-agents whose call is noted beside their transcripts. */
function headsIn({ id: session }: ListedSession, { streams }: MetaDocument): readonly ChildHead[] {
  return streams.flatMap(({ name, description, call_id, parent_stream = '' }) => {
    const agent = agentOf(name);
    if (agent === undefined || call_id === undefined) return [];
    const about = description === undefined ? {} : { description };
    const child = { ...about, id: agent, session, stream: name };
    return [{ child, spawnedBy: { session, stream: parent_stream, callId: call_id } }];
  });
}

/** What a bucket says of a line is not proof that a turn begins there. */
function hasTurnAt(turns: readonly Turn[], line: number): boolean {
  return turns.some(({ origin, entries: [first] }) => origin !== 'none' && first?.rows[0] === line);
}

/** Whether nothing in these turns points at something that was not read. */
function standsAlone(
  last: Conversation,
  { streams, streams_omitted }: MetaDocument,
  mayBeginSessions: boolean,
): boolean {
  const { turns, forkedFrom, spawnedBy, isSubagent } = last;
  const isApart = turns.some(({ isInherited, isAbandoned }) => isInherited || isAbandoned);
  if (isApart || isSubagent || forkedFrom !== undefined || spawnedBy !== undefined) return false;
  const agents = streams.filter(({ name }) => isAgentStream(name));
  const isUntold = streams_omitted > 0 || agents.some(({ call_id }) => call_id === undefined);
  const mayBegin = isUntold || mayBeginSessions;
  return entriesOf(last).every((entry) => {
    if (entry.kind === 'result') return false;
    if (entry.kind === 'compaction') return !isUntold;
    return entry.kind !== 'call' || entry.child !== undefined || !(mayBegin && isTask(entry));
  });
}

/** Whether a call may have begun an agent. */
function isTask({ input }: CallEntry): boolean {
  const { prompt, message, task, goal } = fields(input);
  return [prompt, message, task, goal].some((said) => text(said) !== undefined);
}
