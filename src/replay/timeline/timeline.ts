import type { BucketState, RunState, StoredMail } from './bucket-state.js';
import type { SessionMark, TimelineEntry } from './entry.js';
import { inferEvents } from './inferred-events.js';
import { KnownObjects } from './known-objects.js';
import { nanoseconds, type RecordedEntry } from './recorded.js';
import { type StateObject, stateObjectsOf } from './state-objects.js';

export interface Timeline extends TimelineEnd {
  /** In the order they happened: by the store's time, then by key. Each thing once. */
  readonly entries: readonly TimelineEntry[];
}

/** What is known only once all events have been read. */
export interface TimelineEnd {
  readonly sessions: readonly SessionMark[];
  /** The agent of each session, by session id. */
  readonly sessionAgents: ReadonlyMap<string, string>;
}

/**
 * The run as it happened. An event is the record of its object. A state without an event (its writer was stopped, or
 * keeps no events) is turned into entries of its own.
 */
export function timelineOf(state: BucketState): Timeline {
  const telling = new TimelineBuilder(state);
  const recorded = state.events.filter((event) => telling.add(event));
  const { derived, ...end } = telling.end(state.mail);
  return { entries: [...recorded, ...derived].sort(inOrder), ...end };
}

/**
 * Builds a timeline from events that arrive one by one, in order. Keeps only what the state needs to know about them.
 */
export class TimelineBuilder {
  readonly things: readonly StateObject[];
  readonly #state: RunState;
  readonly #known: KnownObjects;
  readonly #sessionEvents: RecordedEntry[] = [];
  readonly #agents = new Map<string, string>();

  constructor(state: RunState) {
    this.#state = state;
    this.things = stateObjectsOf(state);
    this.#known = new KnownObjects(this.things.flatMap(({ keys }) => keys));
  }

  /** Whether it is a timeline entry; what shows on a session's own lane is not. */
  add(event: RecordedEntry): boolean {
    const { sessionId, agent } = event;
    if (sessionId !== null && agent !== null) this.#agents.set(sessionId, agent);
    const isSession = event.type === 'session.started' || event.type === 'session.ended';
    if (isSession) this.#sessionEvents.push(event);
    else this.#known.add(event);
    return !isSession;
  }

  /** The part of a state that no event has recorded so far. */
  untold({ state, only }: StateObject): readonly TimelineEntry[] {
    const entries = inferEvents(state, this.#known);
    return only === undefined ? entries : entries.filter(({ key }) => key === only);
  }

  /** Messages that no event has recorded so far; they have to be read. */
  get untoldMail(): readonly StoredMail[] {
    return this.#state.mail.filter(({ key }) => this.#known.of(key).length === 0);
  }

  /** `mail`: those without an event. */
  end(mail: readonly StoredMail[]): TimelineEnd & { readonly derived: readonly TimelineEntry[] } {
    const state = { ...this.#state, mail };
    const agents = new Map([...sessionAgents(state), ...this.#agents]);
    return {
      derived: [...inferEvents(state, this.#known)].sort(inOrder),
      sessions: sessionMarks(state, agents, this.#sessionEvents),
      sessionAgents: agents,
    };
  }
}

/** Keys compare by code units, as a store lists them. */
export function inOrder(
  left: Pick<TimelineEntry, 'timeNs' | 'key'>,
  right: Pick<TimelineEntry, 'timeNs' | 'key'>,
): number {
  if (left.timeNs !== right.timeNs) return left.timeNs < right.timeNs ? -1 : 1;
  if (left.key !== right.key) return left.key < right.key ? -1 : 1;
  return 0;
}

/**
 * The agent of each session, by session id: the one whose registration or claim names it, otherwise
 * the one the mirror names.
 */
function sessionAgents(state: RunState): ReadonlyMap<string, string> {
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
  return agents;
}

function sessionMarks(
  state: RunState,
  agents: ReadonlyMap<string, string>,
  events: readonly RecordedEntry[],
): readonly SessionMark[] {
  const seen = new Set(events.map(({ type, sessionId }) => `${type} ${sessionId}`));
  const harnesses = new Map(state.sessions.map(({ id, harness }) => [id, harness]));
  const recorded = events.flatMap(({ type, timeNs, sessionId, agent }): SessionMark[] => {
    const isMark = type === 'session.started' || type === 'session.ended';
    if (!isMark || sessionId === null) return [];
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
