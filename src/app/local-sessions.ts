import { NotFoundError } from '../errors.js';
import type { SessionRef, Watcher } from '../mirror/stream.js';
import { newestSession, sessionsHere } from '../mirror/watch/selection.js';
import type { SessionStore } from '../sessions/conversation.js';
import { findSession, listedRow, type ReferenceScope, severalSessions } from '../sessions/find.js';
import { referred } from '../sessions/reference.js';

/**
 * Finds the session on this machine that an argument refers to. The bucket is asked only for what
 * the local transcripts do not contain, such as words of a title.
 */
export async function findLocalSession(
  watchers: readonly Watcher[],
  word: string,
  scope: ReferenceScope,
  store: SessionStore,
): Promise<SessionRef> {
  const sessions = await sessionsHere(watchers);
  const candidates = await candidatesOf(watchers, sessions, word, scope);
  if (candidates.length > 1) throw await severalSessions(store, word, candidates);
  const found = candidates[0] ?? (await findSession(store, word, scope));
  const isHere = sessions.some(({ harness, id }) => harness === found.harness && id === found.id);
  if (isHere) return found;
  throw new NotFoundError(`session ${found.id} is not on this machine`, {
    hint: '"tracecraft session show" shows what the bucket has of it.',
  });
}

async function candidatesOf(
  watchers: readonly Watcher[],
  sessions: readonly SessionRef[],
  word: string,
  scope: ReferenceScope,
): Promise<readonly SessionRef[]> {
  const row = listedRow(word, scope);
  if (row !== undefined) return [row];
  if (word !== '.') return referred(word, sessions);
  if (scope.current.length > 0) return sessions.filter(({ id }) => scope.current.includes(id));
  const newest = await newestSession(watchers, scope.folder);
  return newest === undefined ? [] : [newest.session];
}
