import { inParallel } from '../concurrency.js';
import { NotFoundError, UsageError } from '../errors.js';
import { listRemovals } from '../mirror/removal/record.js';
import {
  type ListedSession,
  listNames,
  listSessionIds,
  readMeta,
} from '../mirror/slots/session-listing.js';
import type { SessionRef } from '../mirror/stream.js';
import { decodeId, encodeId } from '../protocol/names.js';
import type { RemovalDocument } from '../protocol/removal.js';
import type { SessionStore } from './conversation.js';
import { listIndexed, readMetas } from './indexed.js';
import { beginningIn, isTitledSo, referred, wholeIn } from './reference.js';

/** The scope for resolving a session reference. */
export interface ReferenceScope {
  readonly harnesses: readonly string[];
  /** The session this shell runs in; several where harnesses are nested and it is unclear which of them is the inner one. */
  readonly current: readonly string[];
  readonly folder: string;
  /** The rows of this terminal's last `session list`. */
  readonly listed: readonly SessionRef[];
}

const mostNamed = 8;
const longestTitle = 60;

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
  const known = await sessionsOf(store, word, scope);
  const [whole] = known;
  if (whole !== undefined && known.length === 1) return whole;
  const isThisShell = word === '.' && scope.current.length > 0;
  const candidates = isThisShell ? known : await candidatesOf(store, word, scope);
  const [only] = candidates;
  if (only === undefined) {
    await refuseRemoved(store, word, scope);
    const place = `${bucket.location} (${layout.project})`;
    throw new NotFoundError(`${notFound(word, scope)} in ${place}`, {
      hint: '"tracecraft session list" shows what is there.',
    });
  }
  if (candidates.length > 1) {
    throw await severalSessions(store, word, candidates);
  }
  return { ...only, meta: await readMeta(bucket, layout.meta(only.harness, only.id)) };
}

/** The records of removed or restored sessions that a reference may mean. */
export async function findRemovals(
  store: SessionStore,
  word: string,
  { harnesses, listed, current }: ReferenceScope,
): Promise<readonly RemovalDocument[]> {
  const row = listedRow(word, { listed })?.id;
  const named = row === undefined && word === '.' ? current : [row ?? word];
  if (named.length === 0) return [];
  const removals = (await listRemovals(store))
    .filter(({ harness }) => harnesses.includes(harness))
    .map((document) => ({ harness: document.harness, id: document.session_id, document }));
  return named.flatMap((one) => referred(one, removals)).map(({ document }) => document);
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
  store: SessionStore,
  id: string,
  harnesses: readonly string[],
): Promise<ListedSession | undefined> {
  const begun = await sessionsBegun(store, encodeId(id), harnesses);
  const found = begun.find((one) => one.id === id);
  if (found === undefined) return undefined;
  const { bucket, layout } = store;
  return { ...found, meta: await readMeta(bucket, layout.meta(found.harness, id)) };
}

/** The sessions whose names in keys begin like this: one short listing per harness, however many sessions there are. */
async function sessionsBegun(
  { bucket, layout }: SessionStore,
  begin: string,
  harnesses: readonly string[],
): Promise<readonly SessionRef[]> {
  const listed = await inParallel(harnesses, async (harness) => {
    const names = await listNames(bucket, layout, harness, { begin });
    return names.map((name) => ({ harness, id: decodeId(name) }));
  });
  return listed.flat();
}

/** Scripts look for these words. */
function notFound(word: string, { harnesses: [first, ...others] }: ReferenceScope): string {
  const isOnly = first !== undefined && others.length === 0;
  return isOnly ? `No ${first} session found for ${word}` : `session not found: ${word}`;
}

/** A row for each of them, so that one can be chosen. */
export async function severalSessions(
  { bucket, layout }: SessionStore,
  word: string,
  candidates: readonly SessionRef[],
): Promise<UsageError> {
  const first = candidates.slice(0, mostNamed);
  // Without the store there is still a name for each.
  const shown = await readMetas(bucket, layout, first).catch(() =>
    first.map(({ harness, id }) => ({ harness, id, meta: undefined })),
  );
  const rows = shown.map(({ harness, id, meta }) => {
    const about = meta?.title ?? meta?.cwd ?? '';
    return `${harness}/${id}  ${about.slice(0, longestTitle)}`.trimEnd();
  });
  const more = candidates.length - shown.length;
  return new UsageError(`${word} could be any of ${candidates.length} sessions:`, {
    hint: 'Give more of the id, or name the harness with --harness.',
    choices: more > 0 ? [...rows, `and ${more} more`] : rows,
    details: {
      candidates: shown.map(({ harness, id, meta }) => ({
        harness,
        session_id: id,
        title: meta?.title ?? null,
      })),
    },
  });
}

/** The sessions of a whole id, or of this shell, read where they must be: no listing is needed. */
async function sessionsOf(
  { bucket, layout }: SessionStore,
  word: string,
  { current, harnesses }: Pick<ReferenceScope, 'current' | 'harnesses'>,
): Promise<readonly ListedSession[]> {
  const whole = wholeIn(word, harnesses);
  const ids = word === '.' ? current : whole === undefined ? [] : [whole.id];
  const there = whole?.harness === undefined ? harnesses : [whole.harness];
  const refs = there.flatMap((harness) => ids.map((id) => ({ harness, id })));
  const found = await readMetas(bucket, layout, refs);
  return found.filter(({ meta }) => meta !== undefined);
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
  const begun = await begunWith(store, word, scope);
  if (begun.length > 0) return begun;
  const ids = await listSessionIds(bucket, layout, scope.harnesses);
  const refs = [...ids].flatMap(([harness, some]) => [...some].map((id) => ({ harness, id })));
  const named = referred(word, refs);
  if (named.length > 0) return named;
  const { sessions } = await listIndexed(bucket, layout, scope.harnesses);
  return sessions.filter(({ meta }) => isTitledSo(meta?.title, word));
}

/** The sessions that a word means by the beginning of their ids: most words do, and then the others need no listing. */
async function begunWith(
  store: SessionStore,
  word: string,
  { harnesses }: ReferenceScope,
): Promise<readonly SessionRef[]> {
  const begin = beginningIn(word, harnesses);
  if (begin === undefined) return [];
  return referred(word, await sessionsBegun(store, begin, harnesses));
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

/** The newest session started in this folder. */
async function here(
  { bucket, layout }: SessionStore,
  { folder, harnesses }: ReferenceScope,
): Promise<readonly SessionRef[]> {
  const { sessions } = await listIndexed(bucket, layout, harnesses);
  return sessions.filter(({ meta }) => meta?.cwd === folder).slice(0, 1);
}
