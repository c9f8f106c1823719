import { inParallel } from '../concurrency.js';
import { NotFoundError, UsageError } from '../errors.js';
import { listRemovals } from '../mirror/removal/record.js';
import { type ListedSession, listSessionIds, readMeta } from '../mirror/slots/session-listing.js';
import type { SessionRef } from '../mirror/stream.js';
import type { RemovalDocument } from '../protocol/removal.js';
import type { SessionStore } from './conversation.js';
import { listIndexed } from './indexed.js';
import { isTitledSo, referred } from './reference.js';

/** The scope for resolving a session reference. */
export interface ReferenceScope {
  readonly harnesses: readonly string[];
  /** The session this shell runs in. */
  readonly current: string | undefined;
  readonly folder: string;
  /** The rows of this terminal's last `session list`. */
  readonly listed: readonly SessionRef[];
}

const mostNamed = 8;

/**
 * The one session in a bucket that a reference means: `.`, `@2`, an id or enough of it, or words of
 * its title. `NotFoundError` for none, `UsageError` with the candidates for several.
 */
export async function findSession(
  store: SessionStore,
  word: string,
  scope: ReferenceScope,
): Promise<ListedSession> {
  const { bucket, layout } = store;
  const candidates = await candidatesOf(store, word, scope);
  const [only] = candidates;
  if (only === undefined) {
    await refuseRemoved(store, word, scope);
    const place = `${bucket.location} (${layout.project})`;
    throw new NotFoundError(`${notFound(word, scope)} in ${place}`, {
      hint: '"tracecraft session list" shows what is there.',
    });
  }
  if (candidates.length > 1) {
    throw severalSessions(word, candidates);
  }
  return { ...only, meta: await readMeta(bucket, layout.meta(only.harness, only.id)) };
}

/** The records of removed or restored sessions that a reference may mean. */
export async function findRemovals(
  store: SessionStore,
  word: string,
  { harnesses, listed, current }: ReferenceScope,
): Promise<readonly RemovalDocument[]> {
  const named = listedRow(word, { listed })?.id ?? (word === '.' ? current : word);
  if (named === undefined) return [];
  const removals = (await listRemovals(store))
    .filter(({ harness }) => harnesses.includes(harness))
    .map((document) => ({ harness: document.harness, id: document.session_id, document }));
  return referred(named, removals).map(({ document }) => document);
}

async function refuseRemoved(store: SessionStore, word: string, scope: ReferenceScope) {
  const removals = await findRemovals(store, word, scope);
  const removed = removals.find(({ state }) => state === 'removed');
  if (removed === undefined) return;
  const { harness, session_id, agent, at } = removed;
  const name = `${harness}/${session_id}`;
  throw new NotFoundError(
    `${name} was removed from ${store.bucket.location} by ${agent} at ${at}`,
    {
      hint: `"tracecraft session remove ${name} --undo" allows it to be mirrored again.`,
    },
  );
}

/** The session of exactly this id, whichever of these harnesses it is of. */
export async function findById(
  { bucket, layout }: SessionStore,
  id: string,
  harnesses: readonly string[],
): Promise<ListedSession | undefined> {
  const ids = await listSessionIds(bucket, layout, harnesses);
  const harness = harnesses.find((one) => ids.get(one)?.has(id));
  if (harness === undefined) return undefined;
  return { harness, id, meta: await readMeta(bucket, layout.meta(harness, id)) };
}

/** Scripts look for these words. */
function notFound(word: string, { harnesses: [first, ...others] }: ReferenceScope): string {
  const isOnly = first !== undefined && others.length === 0;
  return isOnly ? `No ${first} session found for ${word}` : `session not found: ${word}`;
}

export function severalSessions(word: string, candidates: readonly SessionRef[]): UsageError {
  const names = candidates.slice(0, mostNamed).map(({ harness, id }) => `${harness}/${id}`);
  const more = candidates.length > mostNamed ? ` and ${candidates.length - mostNamed} more` : '';
  return new UsageError(`${word} could be any of: ${names.join(', ')}${more}`, {
    hint: 'Give more of the id, or name the harness with --harness.',
  });
}

async function candidatesOf(
  store: SessionStore,
  word: string,
  scope: ReferenceScope,
): Promise<readonly SessionRef[]> {
  const row = listedRow(word, scope);
  if (row !== undefined) return [row];
  const { bucket, layout } = store;
  if (word === '.') return here(store, scope);
  const ids = await listSessionIds(bucket, layout, scope.harnesses);
  const refs = [...ids].flatMap(([harness, some]) => [...some].map((id) => ({ harness, id })));
  const named = referred(word, refs);
  if (named.length > 0) return named;
  const { sessions } = await listIndexed(bucket, layout, scope.harnesses);
  return sessions.filter(({ meta }) => isTitledSo(meta?.title, word));
}

/** The row of the last listing for `@2`. */
export function listedRow(
  word: string,
  { listed }: Pick<ReferenceScope, 'listed'>,
): SessionRef | undefined {
  const number = /^@([1-9]\d{0,5})$/.exec(word)?.[1];
  if (number === undefined) return undefined;
  const row = listed[Number(number) - 1];
  if (row !== undefined) return row;
  throw new NotFoundError(`no row ${word} in the last list of this terminal`, {
    hint: 'Run "tracecraft session list" first.',
  });
}

/** The session of this shell, otherwise the newest one started in this folder. */
async function here(
  { bucket, layout }: SessionStore,
  { current, folder, harnesses }: ReferenceScope,
): Promise<readonly SessionRef[]> {
  if (current !== undefined) {
    const found = await inParallel(harnesses, async (harness) => ({
      harness,
      id: current,
      meta: await readMeta(bucket, layout.meta(harness, current)),
    }));
    return found.filter(({ meta }) => meta !== undefined);
  }
  const { sessions } = await listIndexed(bucket, layout, harnesses);
  return sessions.filter(({ meta }) => meta?.cwd === folder).slice(0, 1);
}
