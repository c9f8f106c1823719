import type { Bucket } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import { type DatedFields, parseDates } from '../mirror/index/dated-lines.js';
import { listIndexFiles } from '../mirror/index/index-files.js';
import { isNewer, type ListedFields, listedFields, parseFields } from '../mirror/index/lines.js';
import { type ListedSession, newestFirst, readMeta } from '../mirror/slots/session-listing.js';
import type { SessionRef } from '../mirror/stream.js';
import type { MetaDocument } from '../protocol/documents.js';
import type { Layout } from '../protocol/keys.js';
import { decodeId } from '../protocol/names.js';
import { listFirstNames, listOtherNames } from './names.js';

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
export const fewSessions = 200;
/** A larger file is nobody's index. */
export const largestBytes = 64 * 1024 * 1024;

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
  return listBy<ListedFields>({ bucket, layout, parse, of }, wanted);
}

/** The same with the times only, for whoever wants the newest of them. */
export function listDated(
  bucket: Bucket,
  layout: Layout,
  wanted: readonly string[],
): Promise<IndexedSessions<DatedFields>> {
  return listBy<DatedFields>({ bucket, layout, parse: parseDates, of }, wanted);
}

const of = (meta: MetaDocument): MetaDocument => meta;

interface Listing<Fields> {
  readonly bucket: Bucket;
  readonly layout: Layout;
  /** What is needed of each line. */
  parse(body: Buffer): Iterable<Fields>;
  of(meta: MetaDocument): Fields;
}

async function listBy<Fields extends DatedFields>(
  listing: Listing<Fields>,
  wanted: readonly string[],
): Promise<IndexedSessions<Fields>> {
  const { bucket, layout } = listing;
  const heads = await listFirstNames(bucket, layout, wanted);
  const count = heads.reduce((sum, { names }) => sum + names.length, 0);
  const lines = new KnownLines<Fields>();
  const asOf = count > fewSessions ? await readIndex(listing, lines) : undefined;
  const listed = await inParallel(heads, async (first) => {
    const { harness, names } = first;
    const known = { ids: lines.of(harness).keys(), share: 1 };
    const others = await listOtherNames(bucket, layout, first, known);
    return [names, ...others].flat().map((name) => ({ harness, id: decodeId(name) }));
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
  const sessions = newestFirst([...known, ...others]);
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
  const bounds = { ending: '.jsonl', mostBytes: largestBytes };
  const { keys, asOf } = await listIndexFiles(bucket, layout, bounds);
  await inParallel(keys, async (key) => {
    const stored = await bucket.get(key);
    if (stored !== undefined) for (const line of parse(stored.body)) lines.add(line);
  });
  return asOf;
}
