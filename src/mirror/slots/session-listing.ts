import type { Bucket } from '../../bucket/bucket.js';
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

export function newestFirst(sessions: readonly ListedSession[]): readonly ListedSession[] {
  return [...sessions].sort((left, right) => (activeAt(left) < activeAt(right) ? 1 : -1));
}

/** When a session last said something, or was last seen; ISO 8601 UTC, '' if unknown. */
export function activeAt({ meta }: ListedSession): string {
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
  const prefix = layout.sessions(harness);
  const ids: { harness: string; id: string }[] = [];
  for await (const entry of bucket.list(prefix, { delimiter: '/' })) {
    if (entry.kind !== 'prefix') continue;
    ids.push({ harness, id: decodeId(entry.prefix.slice(prefix.length, -1)) });
  }
  return ids;
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
