import { harnessNames } from '../../watchers/names.js';
import { activeAt, type ListedSession, listSessions } from '../mirror/slots/session-listing.js';
import type { SessionStore } from '../sessions/conversation.js';
import { findSession, type ReferenceScope } from '../sessions/find.js';

export interface ExportSelection {
  /** In the same order whenever they are listed, each once. */
  readonly sessions: readonly ListedSession[];
  /** Describes which ones were asked for: a destination holds one selection. */
  readonly selection: string;
}

/** `text`: as it was asked for. */
export async function sessionsSince(
  store: SessionStore,
  since?: { readonly ms: number; readonly text: string },
): Promise<ExportSelection> {
  const all = await listSessions(store.bucket, store.layout, harnessNames);
  if (since === undefined) return { sessions: inOrder(all), selection: 'all sessions' };
  const some = all.filter((one) => (Date.parse(activeAt(one)) || 0) >= since.ms);
  return { sessions: inOrder(some), selection: `sessions since ${since.text}` };
}

export async function namedSessions(
  store: SessionStore,
  words: readonly string[],
  scope: ReferenceScope,
): Promise<ExportSelection> {
  const named: ListedSession[] = [];
  for (const word of words) named.push(await findSession(store, word, scope));
  const sessions = inOrder(named);
  return { sessions, selection: `sessions ${sessions.map(({ id }) => id).join(' ')}` };
}

function inOrder(sessions: readonly ListedSession[]): readonly ListedSession[] {
  const keyed = new Map(sessions.map((one) => [`${one.harness}/${one.id}`, one]));
  return [...keyed].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, one]) => one);
}
