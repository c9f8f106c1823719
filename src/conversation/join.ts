import {
  type CallEntry,
  type Child,
  type Conversation,
  type Entry,
  entriesOf,
  type Spawn,
  type Turn,
} from './conversation.js';
import { fields, text } from './fields.js';

/** A conversation that another one may have started, reduced to what its caller needs. */
export interface ChildHead {
  readonly child: Child;
  /** The stream is missing if only the session is known, the call if only the caller is. */
  readonly spawnedBy: Spawn;
  /** The first prompt it was given. */
  readonly task?: string;
  /** It wrote the summary of a compaction and belongs to no call. */
  readonly isCompaction?: true;
  readonly endedAtMs?: number;
}

/** A sub-agent's own file is named after it; a file beside it describes the agent. */
const agentStream = /(?:^|\/)agent-([^/]+?)(?<!\.meta)$/;

/** Whether a stream is a sub-agent's transcript. */
export function isAgentStream(name: string): boolean {
  return agentStream.test(name);
}

/** The sub-agent whose transcript a stream is. */
export function agentOf(stream: string): string | undefined {
  return agentStream.exec(stream)?.[1];
}

/** What its caller needs to know about a conversation; `undefined` if nobody started it. */
export function headOf(conversation: Conversation, about?: Partial<Child>): ChildHead | undefined {
  const { session, stream, spawnedBy, turns, isSubagent } = conversation;
  const agent = agentOf(stream);
  const isWhole = stream === '' && spawnedBy !== undefined;
  if (!isSubagent || (agent === undefined && !isWhole)) return undefined;
  const id = agent ?? session;
  const prompt = entriesOf(conversation).find(
    (entry) => entry.kind === 'prompt' && entry.isInherited !== true,
  );
  const endedAtMs = turns.at(-1)?.endedAtMs;
  return {
    child: { ...about, id, session, stream },
    spawnedBy: spawnedBy ?? { session },
    ...(prompt?.kind === 'prompt' ? { task: prompt.text } : {}),
    ...(id.startsWith('acompact-') ? { isCompaction: true } : {}),
    ...(endedAtMs === undefined ? {} : { endedAtMs }),
  };
}

/**
 * The conversation with the ones it started: each child is placed at its call, found by id or by
 * task.
 */
export function withChildren(
  conversation: Conversation,
  heads: readonly ChildHead[],
): Conversation {
  const { session, stream } = conversation;
  const own = heads.filter(
    ({ spawnedBy, child }) =>
      spawnedBy.session === session &&
      (spawnedBy.stream === undefined || spawnedBy.stream === stream) &&
      !(child.session === session && child.stream === stream),
  );
  if (own.length === 0) return conversation;
  const entries = entriesOf(conversation);
  const places = placesOf(own, entries);
  const patched = mapEntries(conversation, (entry) => withChild(entry, places.get(entry)));
  const children = new Map(conversation.children.map((child) => [child.id, child]));
  const placed = new Set(places.values());
  for (const { child, spawnedBy, isCompaction } of own) {
    if (isCompaction === true) continue;
    // The harness does not say which stream started a session's sub-agents; only those placed here
    // belong to this one.
    if (spawnedBy.stream === undefined && !placed.has(child) && !children.has(child.id)) continue;
    children.set(child.id, { ...children.get(child.id), ...child });
  }
  return { ...patched, children: [...children.values()] };
}

/**
 * Each child has one place and each place one child; a match by name takes precedence over one that
 * merely fits.
 */
function placesOf(
  heads: readonly ChildHead[],
  entries: readonly Entry[],
): ReadonlyMap<Entry, Child> {
  const places = new Map<Entry, Child>();
  const calls = entries.filter((entry) => entry.kind === 'call');
  const isFree = (entry: Entry): boolean => !places.has(entry);
  const waiting: ChildHead[] = [];
  for (const head of heads) {
    const call = calls.find((one) => isFree(one) && isNamedBy(one, head));
    if (call === undefined) waiting.push(head);
    else places.set(call, head.child);
  }
  for (const head of waiting) {
    const entry =
      head.isCompaction === true
        ? entries.find((one) => isFree(one) && isSummedUpBy(one, head))
        : calls.find((one) => isFree(one) && isTaskOf(one, head));
    if (entry !== undefined) places.set(entry, head.child);
  }
  return places;
}

function isNamedBy({ child, callId }: CallEntry, head: ChildHead): boolean {
  if (child?.id === head.child.id) return true;
  return callId !== undefined && callId === head.spawnedBy.callId;
}

function isTaskOf(call: CallEntry, { task }: ChildHead): boolean {
  if (task === undefined || call.child !== undefined) return false;
  const { prompt, message, task: named, goal } = fields(call.input);
  return [prompt, message, named, goal].some((said) => text(said)?.trim() === task.trim());
}

/** A compaction ends after its agent does. */
function isSummedUpBy(entry: Entry, { endedAtMs = 0 }: ChildHead): boolean {
  return entry.kind === 'compaction' && (entry.atMs ?? Number.POSITIVE_INFINITY) >= endedAtMs;
}

function withChild(entry: Entry, child: Child | undefined): Entry {
  if (child === undefined) return entry;
  if (entry.kind === 'compaction') return { ...entry, agent: child };
  return entry.kind === 'call' ? { ...entry, child: { ...entry.child, ...child } } : entry;
}

/** The conversation with the results that were too long for it, taken from their stream. */
export function withSpilledResults(
  conversation: Conversation,
  spilled: Conversation,
): Conversation {
  const texts = new Map<string, string>();
  for (const entry of entriesOf(spilled)) {
    if (entry.kind === 'result' && entry.callId !== undefined) {
      texts.set(entry.callId, entry.result.text);
    }
  }
  return mapEntries(conversation, (entry) => {
    if (entry.kind !== 'call' && entry.kind !== 'result') return entry;
    const whole = texts.get(entry.result?.spilled ?? '');
    if (whole === undefined || entry.result === undefined) return entry;
    return { ...entry, result: { ...entry.result, text: whole } };
  });
}

/**
 * The newest generation of a stream, preceded by what only an earlier one has: a harness that
 * truncates a transcript drops its beginning.
 */
export function withEarlier(newest: Conversation, earlier: Conversation): Conversation {
  const known = new Set(entriesOf(newest).map(({ id }) => id));
  const before = earlier.turns
    .map((turn) => ({ ...turn, entries: turn.entries.filter(({ id }) => !known.has(id)) }))
    .filter(({ entries }) => entries.length > 0)
    .map((turn) => ({
      ...turn,
      entries: turn.entries.map((entry): Entry => ({ ...entry, isEarlier: true })),
    }));
  const turns = [...before, ...newest.turns].map((turn, index) => ({ ...turn, number: index + 1 }));
  return { ...newest, turns };
}

function mapEntries(conversation: Conversation, change: (entry: Entry) => Entry): Conversation {
  const turns = conversation.turns.map((turn): Turn => {
    const entries = turn.entries.map(change);
    return entries.every((entry, index) => entry === turn.entries[index])
      ? turn
      : { ...turn, entries };
  });
  return { ...conversation, turns };
}
