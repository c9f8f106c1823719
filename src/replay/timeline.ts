import type { BucketState } from './bucket-state.js';
import { deriveEntries } from './derived.js';
import type { SessionMark, TimelineEntry } from './entry.js';
import { nanoseconds, type RecordedEntry } from './recorded.js';

export interface Timeline {
  /** In the order in which they happened: by the store's time, then by key. Each thing once. */
  readonly entries: readonly TimelineEntry[];
  readonly sessions: readonly SessionMark[];
  /** Whose each session is, by its id. */
  readonly sessionAgents: ReadonlyMap<string, string>;
}

/**
 * The run as it happened. An event is the record of what it speaks of; a state that no event speaks of (its writer was stopped
 * in between, or is a tool that keeps no events) tells its own story.
 */
export function timelineOf(state: BucketState): Timeline {
  const isSession = ({ type }: RecordedEntry) => type.startsWith('session.');
  const recorded = state.events.filter((event) => !isSession(event));
  const agents = sessionAgents(state);
  const entries = [...recorded, ...deriveEntries(state, recorded)];
  return {
    entries: entries.sort(inOrder),
    sessions: sessionMarks(state, agents, state.events.filter(isSession)),
    sessionAgents: agents,
  };
}

/** Keys are compared by code units, as a store lists them. */
export function inOrder(left: TimelineEntry, right: TimelineEntry): number {
  if (left.timeNs !== right.timeNs) return left.timeNs < right.timeNs ? -1 : 1;
  if (left.key !== right.key) return left.key < right.key ? -1 : 1;
  return 0;
}

/** Whose each session is: whose registration, claim or event names it; else whom the mirror names. By session id. */
function sessionAgents(state: BucketState): ReadonlyMap<string, string> {
  const agents = new Map<string, string>();
  for (const { id, meta } of state.sessions) {
    if (meta?.document.agent_id != null) agents.set(id, meta.document.agent_id);
  }
  for (const { agent, document } of state.agents) {
    if (document.session_id != null) agents.set(document.session_id, agent);
  }
  for (const { claim } of state.steps) {
    const id = claim?.document.session_id;
    if (claim !== undefined && id != null) agents.set(id, claim.document.agent);
  }
  for (const { sessionId, agent } of state.events) {
    if (sessionId !== null && agent !== null) agents.set(sessionId, agent);
  }
  return agents;
}

function sessionMarks(
  state: BucketState,
  agents: ReadonlyMap<string, string>,
  events: readonly RecordedEntry[],
): readonly SessionMark[] {
  const seen = new Set(events.map(({ type, sessionId }) => `${type} ${sessionId}`));
  const harnesses = new Map(state.sessions.map(({ id, harness }) => [id, harness]));
  const recorded = events.flatMap(({ type, timeNs, sessionId, agent }): SessionMark[] => {
    if ((type !== 'session.started' && type !== 'session.ended') || sessionId === null) return [];
    const harness = harnesses.get(sessionId) ?? '';
    return [{ type, timeNs, harness, sessionId, agent, text: harness }];
  });
  const derived = state.sessions.flatMap(({ harness, id, meta }): SessionMark[] => {
    const text = [harness, meta?.document.title].filter((part) => part != null).join(': ');
    const about = { harness, sessionId: id, agent: agents.get(id) ?? null, text };
    const ends = [
      ['session.started', meta?.document.started_at],
      ['session.ended', meta?.document.ended_at],
    ] as const;
    return ends.flatMap(([type, at]) => {
      const timeNs = nanoseconds(at);
      return timeNs === undefined || seen.has(`${type} ${id}`) ? [] : [{ type, timeNs, ...about }];
    });
  });
  return [...recorded, ...derived].sort((left, right) => (left.timeNs < right.timeNs ? -1 : 1));
}
