import type { Bucket } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import { type DatedFields, parseDates } from '../mirror/index/dated-lines.js';
import {
  indexedFields,
  isNewer,
  type ListedFields,
  listedFields,
  parseFields,
} from '../mirror/index/lines.js';
import { parseUsed, type UsedFields } from '../mirror/index/used-lines.js';
import {
  compareNames,
  type ListedSession,
  listNames,
  newestFirst,
  readMeta,
  sortNames,
} from '../mirror/slots/session-listing.js';
import type { SessionRef } from '../mirror/stream.js';
import type { MetaDocument } from '../protocol/documents.js';
import type { Layout } from '../protocol/keys.js';
import { decodeId, encodeId } from '../protocol/names.js';

/** A session as the index, or its own `meta.json`, describes it. */
export interface IndexedSession<Fields = ListedFields> extends SessionRef {
  readonly meta: Fields | undefined;
  /** Where its `meta.json` was read, because the index lacks it or there are few sessions. */
  readonly whole?: ListedSession;
}

export interface IndexedSessions<Fields = ListedFields> {
  /** Newest activity first. */
  readonly sessions: readonly IndexedSession<Fields>[];
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
const stretchSize = 800;
/** One of so many names tells where the stretches end. */
const sampled = 8;
/** A larger file is nobody's index. */
const largestBytes = 64 * 1024 * 1024;

/**
 * Every session of these harnesses. If there are many, what is known about them comes from the derived index, and only
 * sessions it lacks are read one by one.
 */
export function listIndexed(
  bucket: Bucket,
  layout: Layout,
  wanted: readonly string[],
): Promise<IndexedSessions> {
  const parse = (body: Buffer) => parseFields(listedFields, body);
  const of = (meta: MetaDocument) => meta;
  return listBy<ListedFields>({ bucket, layout, parse, of, inOrder: newestFirst }, wanted);
}

/** The same with the times only, for whoever wants the newest of them. */
export function listDated(
  bucket: Bucket,
  layout: Layout,
  wanted: readonly string[],
): Promise<IndexedSessions<DatedFields>> {
  const of = (meta: MetaDocument) => meta;
  const inOrder = newestFirst;
  return listBy<DatedFields>({ bucket, layout, parse: parseDates, of, inOrder }, wanted);
}

/** The same with what their calls to models took, in any order. */
export function listUsed(
  bucket: Bucket,
  layout: Layout,
  wanted: readonly string[],
): Promise<IndexedSessions<UsedFields>> {
  const inOrder = <Session>(sessions: readonly Session[]) => sessions;
  const of = indexedFields;
  return listBy<UsedFields>({ bucket, layout, parse: parseUsed, of, inOrder }, wanted);
}

interface Listing<Fields> {
  readonly bucket: Bucket;
  readonly layout: Layout;
  /** What is needed of each line. */
  parse(body: Buffer): Iterable<Fields>;
  inOrder<Session extends IndexedSession<Fields>>(sessions: readonly Session[]): readonly Session[];
  of(meta: MetaDocument): Fields;
}

async function listBy<Fields extends DatedFields>(
  listing: Listing<Fields>,
  wanted: readonly string[],
): Promise<IndexedSessions<Fields>> {
  const { bucket, layout } = listing;
  const most = bucket.kind === 's3' ? pageSize : Number.POSITIVE_INFINITY;
  const heads = await inParallel(wanted, async (harness) => {
    const names = await listNames(bucket, layout, harness, { most });
    return { harness, names, isWhole: names.length < most };
  });
  const count = heads.reduce((sum, { names }) => sum + names.length, 0);
  const lines = new KnownLines<Fields>();
  const asOf = count > fewSessions ? await readIndex(listing, lines) : undefined;
  const listed = await inParallel(heads, async ({ harness, names, isWhole }) => {
    const rest = isWhole ? [] : await restOfNames(bucket, layout, { harness, names, lines });
    return [...names, ...rest].map((name) => ({ harness, id: decodeId(name) }));
  });
  const known: IndexedSession<Fields>[] = [];
  const untold: SessionRef[] = [];
  for (const { harness, id } of listed.flat()) {
    const meta = lines.of(harness).get(id);
    if (meta === undefined) untold.push({ harness, id });
    else known.push({ harness, id, meta });
  }
  const read = await readMetas(bucket, layout, untold);
  const others = read.map((whole) => {
    const { harness, id, meta } = whole;
    return { harness, id, whole, meta: meta === undefined ? undefined : listing.of(meta) };
  });
  const indexed = known.length;
  const sessions = listing.inOrder([...known, ...others]);
  return { sessions, indexed, asOf: indexed === 0 ? undefined : asOf };
}

/** What the index says about each session; of two lines about one, the one that knows more. */
class KnownLines<Fields extends DatedFields> {
  readonly #byHarness = new Map<string, Map<string, Fields>>();

  add(line: Fields): void {
    const known = this.#byHarness.get(line.harness) ?? new Map<string, Fields>();
    this.#byHarness.set(line.harness, known);
    if (isNewer(line, known.get(line.session_id))) known.set(line.session_id, line);
  }

  /** By id. */
  of(harness: string): ReadonlyMap<string, Fields> {
    return this.#byHarness.get(harness) ?? new Map();
  }
}

interface Head {
  readonly harness: string;
  readonly names: readonly string[];
  readonly lines: Pick<KnownLines<DatedFields>, 'of'>;
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
  const known: string[] = [];
  let count = 0;
  for (const id of lines.of(harness).keys()) {
    if (id === '') continue;
    count += 1;
    if (count % sampled === 0) known.push(encodeId(id));
  }
  const every = stretchSize / sampled;
  const ends = sortNames(known)
    .filter((name) => compareNames(name, first) > 0)
    .filter((_, at) => at % every === every - 1);
  const stretches = [first, ...ends].map((after, at) => ({ after, through: ends[at] }));
  const listed = await inParallel(stretches, (one) => listNames(bucket, layout, harness, one));
  return listed.flat();
}

/** These sessions with all of their `meta.json`, which is read where it was not just now. */
export function readMetas(
  bucket: Bucket,
  layout: Layout,
  sessions: readonly (SessionRef & { readonly whole?: ListedSession })[],
): Promise<readonly ListedSession[]> {
  return inParallel(
    sessions,
    async ({ harness, id, whole }) =>
      whole ?? { harness, id, meta: await readMeta(bucket, layout.meta(harness, id)) },
  );
}

/** Returns when it was last written, by the store's clock. */
async function readIndex<Fields extends DatedFields>(
  { bucket, layout, parse }: Listing<Fields>,
  lines: KnownLines<Fields>,
): Promise<Date | undefined> {
  const keys: string[] = [];
  let asOf: Date | undefined;
  for await (const entry of bucket.list(layout.indexes())) {
    if (entry.kind !== 'object' || entry.size > largestBytes) continue;
    if (!entry.key.endsWith('.jsonl')) continue;
    keys.push(entry.key);
    if (asOf === undefined || entry.modifiedAt > asOf) asOf = entry.modifiedAt;
  }
  await inParallel(keys, async (key) => {
    const stored = await bucket.get(key);
    if (stored !== undefined) for (const line of parse(stored.body)) lines.add(line);
  });
  return asOf;
}
