import type { HarnessResume, HistoryBase, StoredStream } from '../../watchers/resume.js';
import type { Bucket } from '../bucket/bucket.js';
import { BlockedError, NotAllowedError } from '../errors.js';
import { completeLines } from '../mirror/lines.js';
import {
  ChainWalk,
  currentGeneration,
  isUnchained,
  type Listing,
  listStream,
} from '../mirror/slots/listing.js';
import { readingAhead } from '../mirror/slots/parts-ahead.js';
import { type ReadPart, readChain } from '../mirror/slots/reader.js';
import { listStreams } from '../mirror/slots/session-streams.js';
import type { Layout } from '../protocol/keys.js';
import { chooseGeneration } from './heads.js';

/** Where sessions of one harness are read. */
export interface RestoreSource {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly harness: string;
}

/** A stored stream, and the chain that is to be restored of it. */
export interface ChosenStream extends StoredStream {
  readonly listing: Listing;
  readonly generation: number;
}

/** One part of the largest size that the mirror makes, or many small ones. */
const aheadBytes = 9 << 20;

/** A session that was mirrored while it went on has thousands of small parts. */
export function readStream(
  bucket: Bucket,
  { listing, generation }: Pick<ChosenStream, 'listing' | 'generation'>,
): AsyncIterable<ReadPart> {
  const read = readingAhead(bucket, listing, aheadBytes);
  return readChain(bucket, listing, generation, { read });
}

export interface GatherOptions {
  /** Of the session's transcript; undefined: the current one. */
  readonly generation: number | undefined;
  /** Sessions that continue the same ones. */
  readonly also?: readonly string[] | undefined;
}

const deepest = 64;

/**
 * All streams of a session, found by listing them, after those of the sessions whose history it continues. What
 * meta.json says about streams is not asked: it may be old, and others may have written it.
 */
export async function gatherStreams(
  source: RestoreSource,
  resume: HarnessResume,
  session: string,
  { generation, also = [] }: GatherOptions,
): Promise<readonly ChosenStream[]> {
  const gathered = new Map<string, readonly ChosenStream[]>();
  const visit = async (id: string, trail: readonly string[]): Promise<void> => {
    if (trail.includes(id) || trail.length > deepest) throw circular(session);
    if (gathered.has(id)) return;
    const own = await streamsOf(source, id, id === session ? generation : undefined);
    for (const stream of own) {
      const base = resume.baseOf?.(stream);
      if (base === undefined) continue;
      requireOtherRows(stream, base);
      if (base.session !== id) await visit(requireId(resume, base.session), [...trail, id]);
      requireBase(id, base, base.session === id ? own : (gathered.get(base.session) ?? []));
    }
    gathered.set(id, own);
  };
  for (const id of [session, ...also]) await visit(id, []);
  return [...gathered.values()].flat();
}

async function streamsOf(
  { bucket, layout, harness }: RestoreSource,
  session: string,
  wanted: number | undefined,
): Promise<readonly ChosenStream[]> {
  const chosen: ChosenStream[] = [];
  for (const { name, prefix } of await listStreams(bucket, layout, { harness, id: session })) {
    const listing = await listStream(bucket, prefix);
    if (listing.parts.size === 0) continue;
    const generation =
      name === '' ? await chooseGeneration(bucket, listing, wanted) : currentGeneration(listing);
    const firstLine = await firstLineOf(bucket, listing, generation);
    chosen.push({ session, name, firstLine, listing, generation });
  }
  return chosen;
}

const headBytes = 256 << 10;

/** Usually the beginning of the first part is enough. */
async function firstLineOf(bucket: Bucket, listing: Listing, generation: number): Promise<Buffer> {
  const slot = isUnchained(listing) ? undefined : ChainWalk.of(listing, generation)?.next(0);
  if (slot !== undefined) {
    const range = { start: 0, end: headBytes - 1 };
    const head = (await bucket.get(listing.prefix + slot.name, { range }))?.body;
    const [first] = completeLines(head ?? Buffer.alloc(0));
    if (first !== undefined) return first;
  }
  for await (const { body } of readChain(bucket, listing, generation)) {
    const [first] = completeLines(body);
    // A copy: the part itself may be megabytes.
    if (first !== undefined) return Buffer.from(first);
  }
  return Buffer.alloc(0);
}

function requireId(resume: HarnessResume, id: string): string {
  if (resume.isId(id)) return id;
  throw new NotAllowedError(
    `it continues a session that cannot be one: ${JSON.stringify(id.slice(0, 80))}`,
    {
      hint: 'Whoever wrote that to the bucket meant harm, or damaged it: look at it before you use it.',
    },
  );
}

function requireOtherRows({ session, name }: StoredStream, base: HistoryBase): void {
  if (base.session === session && base.stream === name) throw circular(session);
}

function requireBase(session: string, base: HistoryBase, there: readonly ChosenStream[]): void {
  if (there.some(({ name }) => name === base.stream)) return;
  throw new BlockedError(
    `session ${session} continues ${base.session}, which is not in the bucket`,
    {
      hint: 'Mirror that one too, then restore again; "tracecraft session brief" hands on what there is.',
      details: { missing: base.session },
    },
  );
}

function circular(session: string): NotAllowedError {
  return new NotAllowedError(`session ${session} continues itself`, {
    hint: 'No harness writes that: look at it before you use it.',
  });
}

/**
 * The sessions in groups, each restored in one go: all that continue a session say together how long it has to be.
 */
export async function familiesOf(
  source: RestoreSource,
  resume: HarnessResume,
  sessions: readonly string[],
): Promise<readonly (readonly string[])[]> {
  const families = new Map<string, string[]>(sessions.map((id) => [id, [id]]));
  for (const id of sessions) {
    for (const stream of await streamsOf(source, id, undefined).catch(() => [])) {
      const base = families.get(resume.baseOf?.(stream)?.session ?? id);
      const own = families.get(id);
      if (base === undefined || own === undefined || base === own) continue;
      base.push(...own);
      for (const member of own) families.set(member, base);
    }
  }
  return [...new Set(families.values())];
}
