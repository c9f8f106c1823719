import type { Bucket, Entry } from '../bucket/bucket.js';
import type { Clock } from '../clock.js';
import { inParallel } from '../concurrency.js';
import { TracecraftError } from '../errors.js';
import type { Io } from '../io.js';
import { type Checkpoint, nameOf } from '../mirror/checkpoint.js';
import { currentGeneration, type Listing, listStream } from '../mirror/slots/listing.js';
import { isAsSent } from '../mirror/slots/recovery.js';
import { type VerifiedSource, verifySources } from '../mirror/slots/verify.js';
import { streamStateFile, streamStatePath } from '../mirror/state/stream-state.js';
import { type Chunk, type Stream, sessionKeyOf } from '../mirror/stream.js';
import type { DiscoveredStream } from '../mirror/watch/session-filter.js';
import type { Layout } from '../protocol/keys.js';

/** At most this many sessions are compared with the bucket, those that changed last. */
export const mostCompared = 200;
/** Whatever is not as remembered is read line by line, as long as it is not more than this in all. */
const mostRead = 32 << 20;

export interface ComparedSessions {
  /** Sources with lines that the bucket does not have. */
  readonly behind: readonly string[];
  /** Of each session that lost some, how many parts. */
  readonly lostParts: readonly number[];
  /** Sources that the bucket has otherwise. */
  readonly differing: readonly Differing[];
  /** Why a source could not be read. */
  readonly unreadable: readonly string[];
  /** Sessions about which nothing is known without reading too much. */
  readonly unread: number;
}

interface Differing {
  readonly source: string;
  readonly problem: string;
}

interface Place {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly io: Io;
  readonly clock: Clock;
  /** Where this machine remembers what it sent there. */
  readonly folder: string;
}

/** What can be said of a source without reading it, from local state and a listing. */
type Glance =
  | { readonly is: 'as sent' | 'behind' | 'doubtful' }
  | { readonly is: 'holed'; readonly lostParts: number }
  | { readonly is: 'unreadable'; readonly problem: string };

interface Glanced {
  readonly sources: readonly DiscoveredStream[];
  readonly glance: Glance;
}

/**
 * Compares the sessions that changed last with the bucket. A source that has not changed since it was sent, and whose
 * parts are listed as they were sent, is not read.
 */
export async function compareNewest(
  streams: readonly DiscoveredStream[],
  place: Place,
): Promise<ComparedSessions> {
  const sessions = newestSessions(streams);
  const glanced = await inParallel(sessions, (session) => glanceAtSession(session, place));
  const [chosen, unread] = withinBudget(glanced);
  const verified: VerifiedSource[] = [];
  const { bucket, layout, clock } = place;
  for await (const one of verifySources(bucket, layout, chosen, clock)) verified.push(one);
  const all = glanced.flat();
  const inState = (...states: readonly string[]): readonly VerifiedSource[] =>
    verified.filter(({ verdict }) => states.includes(verdict.state));
  return {
    behind: [
      ...all.filter(({ glance }) => glance.is === 'behind').map(sourceOf),
      ...inState('behind', 'missing').map(({ stream }) => stream.source),
    ],
    lostParts: all.flatMap(({ glance }) => (glance.is === 'holed' ? [glance.lostParts] : [])),
    differing: inState('differs').map(problemOf),
    unreadable: [
      ...all.flatMap(({ glance }) => (glance.is === 'unreadable' ? [glance.problem] : [])),
      ...inState('unreadable').map((one) => problemOf(one).problem),
    ],
    unread,
  };
}

function sourceOf({ sources: [first] }: Glanced): string {
  return first?.stream.source ?? '';
}

function problemOf({ stream: { source }, verdict }: VerifiedSource): Differing {
  return { source, problem: verdict.problem ?? '' };
}

function newestSessions(
  streams: readonly DiscoveredStream[],
): readonly (readonly DiscoveredStream[])[] {
  const sessions = new Map<string, DiscoveredStream[]>();
  for (const found of streams) {
    const key = sessionKeyOf(found.stream.session);
    const session = sessions.get(key);
    if (session === undefined) sessions.set(key, [found]);
    else session.push(found);
  }
  const changedAt = (session: readonly DiscoveredStream[]): number =>
    session.reduce((last, { snapshot }) => Math.max(last, snapshot.modifiedAtMs), 0);
  return [...sessions.values()]
    .sort((left, right) => changedAt(right) - changedAt(left))
    .slice(0, mostCompared);
}

/** All of its streams are found in two listings. */
async function glanceAtSession(
  session: readonly DiscoveredStream[],
  place: Place,
): Promise<readonly Glanced[]> {
  const [first] = session;
  if (first === undefined) return [];
  const { harness, id } = first.stream.session;
  const { bucket, layout } = place;
  const isAlone = session.every(({ stream }) => stream.name === '');
  const further = isAlone ? [] : [layout.streamsOf(harness, id)];
  const listed = await listedOnce(bucket, [layout.session(harness, id), ...further]);
  const byName = new Map<string, DiscoveredStream[]>();
  for (const found of session) {
    const { name } = found.stream;
    byName.set(name, [...(byName.get(name) ?? []), found]);
  }
  const glanced: Glanced[] = [];
  for (const sources of byName.values()) {
    glanced.push({ sources, glance: await glanceAt(sources, { ...place, bucket: listed }) });
  }
  return glanced;
}

/** The same bucket, except that what is below these prefixes was listed already. */
async function listedOnce(bucket: Bucket, prefixes: readonly string[]): Promise<Bucket> {
  const entries: Entry[] = [];
  for (const prefix of prefixes) {
    for await (const entry of bucket.list(prefix)) entries.push(entry);
  }
  return {
    ...bucket,
    list: async function* (below) {
      for (const entry of entries) {
        if (entry.kind === 'object' && entry.key.startsWith(below)) yield entry;
      }
    },
  };
}

/** Of several files that claim to be one stream, only reading them tells which is which. */
async function glanceAt(
  [found, ...others]: readonly DiscoveredStream[],
  { bucket, layout, io, folder }: Place,
): Promise<Glance> {
  if (found === undefined || others.length > 0) return { is: 'doubtful' };
  const { stream } = found;
  const { harness, id } = stream.session;
  const path = streamStatePath(folder, harness, id, stream.name);
  const state = await streamStateFile(io, path, () => undefined).load();
  if (state === undefined) return { is: 'doubtful' };
  const { checkpoint, snapshot } = state;
  const rest = await restOf(stream, checkpoint);
  if ('is' in rest) return rest;
  const isSame =
    stream.kind === 'lines' ? rest.snapshot.token === snapshot?.token : rest.rest === 0;
  if (!isSame) return { is: 'doubtful' };
  const listing = await listStream(bucket, layout.stream(harness, id, stream.name));
  return glanceAtParts(bucket, listing, checkpoint);
}

/** What the source has after everything that was sent. */
async function restOf(stream: Stream, { position }: Checkpoint): Promise<Chunk | Glance> {
  try {
    const chunk = await stream.read(position, { bytes: 1, lines: 1 });
    if (chunk === 'gone') return { is: 'as sent' };
    if (chunk === 'moved') return { is: 'doubtful' };
    return chunk.lines.length > 0 ? { is: 'behind' } : chunk;
  } catch (error) {
    if (!(error instanceof TracecraftError)) throw error;
    return { is: 'unreadable', problem: error.message };
  }
}

function glanceAtParts(bucket: Bucket, listing: Listing, checkpoint: Checkpoint): Glance {
  const isLost = (name: string): boolean => (listing.parts.get(name)?.size ?? 0) === 0;
  const lostParts = checkpoint.parts.filter((part) => isLost(nameOf(part))).length;
  const isCurrent = checkpoint.generation === currentGeneration(listing);
  if (lostParts > 0 && isCurrent) return { is: 'holed', lostParts };
  return { is: isAsSent(bucket, listing, checkpoint) ? 'as sent' : 'doubtful' };
}

/** The sources to read, and in how many sessions there are more of them. */
function withinBudget(
  glanced: readonly (readonly Glanced[])[],
): readonly [readonly Stream[], number] {
  const chosen: Stream[] = [];
  let [read, unread] = [0, 0];
  for (const session of glanced) {
    const doubtful = session.filter(({ glance }) => glance.is === 'doubtful');
    const sources = doubtful.flatMap((one) => one.sources);
    const bytes = sources.reduce((sum, { snapshot }) => sum + snapshot.size, 0);
    const fits = read + bytes <= mostRead;
    if (fits) {
      read += bytes;
      chosen.push(...sources.map(({ stream }) => stream));
    } else unread += 1;
  }
  return [chosen, unread];
}
