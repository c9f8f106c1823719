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
import { generationName, partName } from '../../protocol/parts.js';
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
  return sessions.sort((left, right) => (activeAt(left) < activeAt(right) ? 1 : -1));
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

/**
 * The last `count` lines of a session's main stream. With a fresh `meta.json` it reads only the parts that hold them
 * and any later ones: the next part's name is known, so that takes no listing.
 */
export async function readTail(
  bucket: Bucket,
  layout: Layout,
  session: ListedSession,
  count: number,
): Promise<readonly Buffer[]> {
  const prefix = layout.session(session.harness, session.id);
  const { meta } = session;
  const known = meta?.parts ?? [];
  const knownLines = known.reduce((sum, part) => sum + part.lines, 0);
  const last = known[known.length - 1];
  const isEnough = knownLines >= count || known.length === meta?.part_count;
  if (meta === undefined || last === undefined || !isEnough) {
    return tailOfChain(bucket, prefix, count);
  }
  // If names contain both ends, the next one cannot be predicted.
  const slot = partName(last.seq, meta.generation, last.cursor_range[0]);
  if (last.name !== slot) return tailOfChain(bucket, prefix, count);
  // All at once: if nothing came after them, it is known how many are needed.
  const [newer, older, later] = await Promise.all([
    readOn(bucket, prefix, meta.generation, last.seq + 1, last.cursor_range[1]),
    inParallel(lastParts(known, count), (part) => bucket.get(prefix + part.name)),
    bucket.get(prefix + generationName(meta.generation + 1)),
  ]);
  if (later !== undefined) return tailOfChain(bucket, prefix, count);
  const lines: Buffer[] = [];
  for (const stored of older) {
    if (stored === undefined) return tailOfChain(bucket, prefix, count);
    lines.push(...completeLines(stored.body));
  }
  return [...lines, ...newer].slice(-count);
}

/** The fewest parts from the end that hold this many lines. */
function lastParts<Part extends { readonly lines: number }>(
  parts: readonly Part[],
  count: number,
): readonly Part[] {
  let first = parts.length;
  for (let lines = 0; first > 0 && lines < count; first -= 1) lines += parts[first - 1]?.lines ?? 0;
  return parts.slice(first);
}

async function readOn(
  bucket: Bucket,
  prefix: string,
  generation: number,
  sequence: number,
  startLine: number,
): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  for (let next = sequence; ; next += 1) {
    const name = partName(next, generation, startLine + lines.length);
    const stored = await bucket.get(prefix + name);
    if (stored === undefined) return lines;
    lines.push(...completeLines(stored.body));
  }
}

/** The lines of a whole stream, as a reader follows it, with one part in memory at a time. */
export async function* readWhole(bucket: Bucket, prefix: string): AsyncIterable<Buffer> {
  const listing = await listStream(bucket, prefix);
  for await (const part of readChain(bucket, listing, currentGeneration(listing))) {
    yield* completeLines(part.body);
  }
}

/** The last lines of any stream, found by listing it. */
export async function tailOfChain(
  bucket: Bucket,
  prefix: string,
  count: number,
): Promise<Buffer[]> {
  const listing = await listStream(bucket, prefix);
  let lines: Buffer[] = [];
  for await (const part of readChain(bucket, listing, currentGeneration(listing))) {
    lines = [...lines, ...completeLines(part.body)].slice(-count);
  }
  return lines;
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
