import type { Bucket } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import { mergedLines, parseLines } from '../mirror/index/lines.js';
import {
  type ListedSession,
  listSessionIds,
  newestFirst,
  readMeta,
} from '../mirror/slots/session-listing.js';
import { sessionKeyOf } from '../mirror/stream.js';
import type { MetaDocument } from '../protocol/documents.js';
import type { Layout } from '../protocol/keys.js';

export interface IndexedSessions {
  /** Newest activity first; lists of parts and streams are empty where the index was used. */
  readonly sessions: readonly ListedSession[];
  /** How many of them the index described. */
  readonly indexed: number;
  /** When the index was last written, by the store's clock; `undefined` if it was not used. */
  readonly asOf: Date | undefined;
}

/** So few `meta.json` are read as quickly as an index, and are never out of date. */
const fewSessions = 200;
/** A larger file is nobody's index. */
const largestBytes = 64 * 1024 * 1024;

/**
 * Every session of these harnesses. If there are many, what is known about them comes from the derived index, and only
 * sessions it lacks are read one by one.
 */
export async function listIndexed(
  bucket: Bucket,
  layout: Layout,
  wanted: readonly string[],
): Promise<IndexedSessions> {
  const listed = await listSessionIds(bucket, layout, wanted);
  const ids = [...listed].flatMap(([harness, some]) => [...some].map((id) => ({ harness, id })));
  const { lines, asOf } =
    ids.length > fewSessions ? await readIndex(bucket, layout) : { lines: none, asOf: undefined };
  const sessions = await inParallel(ids, async ({ harness, id }) => {
    const line = lines.get(sessionKeyOf({ harness, id }));
    return { harness, id, meta: line ?? (await readMeta(bucket, layout.meta(harness, id))) };
  });
  const indexed = ids.filter(({ harness, id }) => lines.has(sessionKeyOf({ harness, id }))).length;
  return { sessions: newestFirst(sessions), indexed, asOf: indexed === 0 ? undefined : asOf };
}

/** The same sessions with their `meta.json` as it is now. */
export function readMetas(
  bucket: Bucket,
  layout: Layout,
  sessions: readonly ListedSession[],
): Promise<readonly ListedSession[]> {
  return inParallel(sessions, async ({ harness, id }) => ({
    harness,
    id,
    meta: await readMeta(bucket, layout.meta(harness, id)),
  }));
}

const none: ReadonlyMap<string, MetaDocument> = new Map();

async function readIndex(
  bucket: Bucket,
  layout: Layout,
): Promise<{ readonly lines: typeof none; readonly asOf: Date | undefined }> {
  const keys: string[] = [];
  let asOf: Date | undefined;
  for await (const entry of bucket.list(layout.indexes())) {
    if (entry.kind !== 'object' || entry.size > largestBytes) continue;
    if (!entry.key.endsWith('.jsonl')) continue;
    keys.push(entry.key);
    if (asOf === undefined || entry.modifiedAt > asOf) asOf = entry.modifiedAt;
  }
  const files = await inParallel(keys, async (key) => {
    const stored = await bucket.get(key);
    return stored === undefined ? [] : parseLines(stored.body);
  });
  return { lines: mergedLines(...files), asOf };
}
