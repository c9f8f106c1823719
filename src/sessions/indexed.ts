import type { Bucket } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import { mergedLines, parseLines } from '../mirror/index/lines.js';
import {
  compareNames,
  type ListedSession,
  listNames,
  newestFirst,
  readMeta,
} from '../mirror/slots/session-listing.js';
import { sessionKeyOf } from '../mirror/stream.js';
import type { MetaDocument } from '../protocol/documents.js';
import type { Layout } from '../protocol/keys.js';
import { decodeId, encodeId } from '../protocol/names.js';

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
/** What S3 lists with one request. */
const pageSize = 1_000;
/** Room for sessions that the index lacks. */
const stretchSize = 900;
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
  const most = bucket.kind === 's3' ? pageSize : Number.POSITIVE_INFINITY;
  const heads = await inParallel(wanted, async (harness) => {
    const names = await listNames(bucket, layout, harness, { most });
    return { harness, names, isWhole: names.length < most };
  });
  const count = heads.reduce((sum, { names }) => sum + names.length, 0);
  const { lines, asOf } =
    count > fewSessions ? await readIndex(bucket, layout) : { lines: none, asOf: undefined };
  const listed = await inParallel(heads, async ({ harness, names, isWhole }) => {
    const rest = isWhole ? [] : await restOfNames(bucket, layout, { harness, names, lines });
    return [...names, ...rest].map((name) => ({ harness, id: decodeId(name) }));
  });
  const ids = listed.flat();
  const sessions = await inParallel(ids, async ({ harness, id }) => {
    const line = lines.get(sessionKeyOf({ harness, id }));
    return { harness, id, meta: line ?? (await readMeta(bucket, layout.meta(harness, id))) };
  });
  const indexed = ids.filter(({ harness, id }) => lines.has(sessionKeyOf({ harness, id }))).length;
  return { sessions: newestFirst(sessions), indexed, asOf: indexed === 0 ? undefined : asOf };
}

interface Head {
  readonly harness: string;
  readonly names: readonly string[];
  readonly lines: typeof none;
}

/**
 * What follows the first page. A store gives the next page only after the one before, so the sessions that the index knows
 * divide the rest into stretches of about a page, which are listed at once. They leave no gap, whatever the index lacks.
 */
async function restOfNames(
  bucket: Bucket,
  layout: Layout,
  { harness, names, lines }: Head,
): Promise<readonly string[]> {
  const first = names.at(-1) ?? '';
  const ends = [...lines.values()]
    .filter((line) => line.harness === harness && line.session_id !== '')
    .map(({ session_id: id }) => encodeId(id))
    .filter((name) => compareNames(name, first) > 0)
    .sort(compareNames)
    .filter((_, at) => at % stretchSize === stretchSize - 1);
  const stretches = [first, ...ends].map((after, at) => ({ after, through: ends[at] }));
  const listed = await inParallel(stretches, (one) => listNames(bucket, layout, harness, one));
  return listed.flat();
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
