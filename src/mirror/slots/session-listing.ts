import type { Bucket } from '../../bucket/bucket.js';
import { pagesOf } from '../../bucket/entries.js';
import { inParallel } from '../../concurrency.js';
import {
  DocumentError,
  type MetaDocument,
  metaSchema,
  parseDocument,
} from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { decodeId } from '../../protocol/names.js';
import { completeLines } from '../lines.js';
import { currentGeneration, listStream } from './listing.js';
import { readChain } from './reader.js';

/** A session as the bucket shows it; `meta` is missing if it was not written yet or cannot be read. */
export interface ListedSession {
  readonly harness: string;
  readonly id: string;
  readonly meta: MetaDocument | undefined;
}

/** One shallow listing per harness and one read per session, never a walk over the parts. Newest activity first. */
export async function listSessions(
  bucket: Bucket,
  layout: Layout,
  wanted: readonly string[],
): Promise<readonly ListedSession[]> {
  const places = await inParallel(wanted, (harness) => idsOf(bucket, layout, harness));
  const sessions = await inParallel(places.flat(), async ({ harness, id }) => ({
    harness,
    id,
    meta: await readMeta(bucket, layout.meta(harness, id)),
  }));
  return newestFirst(sessions);
}

export function newestFirst<Session extends Dated>(
  sessions: readonly Session[],
): readonly Session[] {
  return sessions
    .map((session) => ({ session, at: activeAt(session) }))
    .sort((left, right) => (left.at < right.at ? 1 : -1))
    .map(({ session }) => session);
}

interface Dated {
  readonly meta:
    | Pick<MetaDocument, 'last_row_at' | 'ended_at' | 'last_uploaded_at' | 'started_at'>
    | undefined;
}

/** When a session last said something, or was last seen; ISO 8601 UTC, '' if unknown. */
export function activeAt({ meta }: Dated): string {
  return meta?.last_row_at ?? meta?.ended_at ?? meta?.last_uploaded_at ?? meta?.started_at ?? '';
}

/** The sessions in the bucket, by harness: one shallow listing for each, and no reads. */
export async function listSessionIds(
  bucket: Bucket,
  layout: Layout,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const listed = await inParallel(wanted, async (harness) => {
    const places = await idsOf(bucket, layout, harness);
    return [harness, new Set(places.map(({ id }) => id))] as const;
  });
  return new Map(listed);
}

/** The lines of a whole stream, as a reader follows it, with one part in memory at a time. */
export async function* readWhole(bucket: Bucket, prefix: string): AsyncIterable<Buffer> {
  const listing = await listStream(bucket, prefix);
  for await (const part of readChain(bucket, listing, currentGeneration(listing))) {
    yield* completeLines(part.body);
  }
}

async function idsOf(
  bucket: Bucket,
  layout: Layout,
  harness: string,
): Promise<readonly { harness: string; id: string }[]> {
  const names = await listNames(bucket, layout, harness);
  return names.map((name) => ({ harness, id: decodeId(name) }));
}

/** A stretch of a listing: names that begin so, after one name, through another, and no more than so many. */
export interface Stretch {
  readonly begin?: string | undefined;
  readonly after?: string | undefined;
  readonly through?: string | undefined;
  readonly most?: number | undefined;
}

/** The sessions of one harness as their keys name them, in the order of the keys. */
export async function listNames(
  bucket: Bucket,
  layout: Layout,
  harness: string,
  { begin = '', after, through, most = Number.POSITIVE_INFINITY }: Stretch = {},
): Promise<readonly string[]> {
  const prefix = layout.sessions(harness);
  const start = after === undefined ? {} : { after: `${prefix}${after}/` };
  const last = through === undefined ? undefined : `${prefix}${through}/`;
  const names: string[] = [];
  const listing = bucket.list(prefix + begin, { delimiter: '/', ...start });
  for await (const page of pagesOf(listing)) {
    for (const entry of page) {
      if (entry.kind !== 'prefix') continue;
      // As `compareNames` does.
      if (last !== undefined && entry.prefix > last) return names;
      names.push(entry.prefix.slice(prefix.length, -1));
      if (names.length >= most) return names;
    }
  }
  return names;
}

/**
 * As a store orders the keys below them, in which `/` follows `-` and `.`. One of the two is a name of ours, so ASCII, and
 * then strings compare like their bytes.
 */
export function compareNames(left: string, right: string): number {
  const [one, other] = [`${left}/`, `${right}/`];
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** Names in that order. */
export function sortNames(names: readonly string[]): readonly string[] {
  return names
    .map((name) => `${name}/`)
    .sort()
    .map((key) => key.slice(0, -1));
}

export async function readMeta(bucket: Bucket, key: string): Promise<MetaDocument | undefined> {
  const stored = await bucket.get(key);
  if (stored === undefined) return undefined;
  try {
    return parseDocument(metaSchema, key, stored.body);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}
