import type { HarnessResume, HistoryBase, StoredStream } from '../../watchers/resume.js';
import type { Bucket } from '../bucket/bucket.js';
import { BlockedError, NotAllowedError } from '../errors.js';
import { completeLines } from '../mirror/lines.js';
import { currentGeneration, type Listing, listStream } from '../mirror/slots/listing.js';
import { readChain } from '../mirror/slots/reader.js';
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

const deepest = 64;

/**
 * All streams of a session, found by listing them, after those of the sessions whose history it continues. What
 * meta.json says about streams is not asked: it may be old, and others may have written it.
 */
export async function gatherStreams(
  source: RestoreSource,
  resume: HarnessResume,
  session: string,
  wanted: number | undefined,
): Promise<readonly ChosenStream[]> {
  const gathered = new Map<string, readonly ChosenStream[]>();
  const visit = async (id: string, trail: readonly string[]): Promise<void> => {
    if (trail.includes(id) || trail.length > deepest) throw circular(session);
    if (gathered.has(id)) return;
    const own = await streamsOf(source, id, trail.length === 0 ? wanted : undefined);
    for (const stream of own) {
      const base = resume.baseOf?.(stream);
      if (base === undefined) continue;
      requireOtherRows(stream, base);
      if (base.session !== id) await visit(requireId(resume, base.session), [...trail, id]);
      requireBase(id, base, base.session === id ? own : (gathered.get(base.session) ?? []));
    }
    gathered.set(id, own);
  };
  await visit(session, []);
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

async function firstLineOf(bucket: Bucket, listing: Listing, generation: number): Promise<Buffer> {
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
