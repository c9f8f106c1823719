import type { Bucket } from '../bucket/bucket.js';
import type { RowText } from '../conversation/reader.js';
import { type ListedSession, readMeta } from '../mirror/slots/session-listing.js';
import { listWholeStreams } from '../mirror/slots/session-streams.js';
import { type ListedStreams, StreamListing } from '../mirror/slots/stream-listing.js';
import type { SessionRef } from '../mirror/stream.js';
import type { MetaDocument } from '../protocol/documents.js';
import type { Layout } from '../protocol/keys.js';
import { isName } from '../protocol/names.js';
import type { Coverage } from './cache/coverage.js';
import type { PackKeeper } from './cache/pack-keeper.js';
import { inOrder } from './in-order.js';
import type { Found, Matcher } from './matcher.js';
import { DamagedPackError } from './pack/bytes.js';
import { PackQuery } from './pack-query.js';
import { ProofOrder, type ProofTurn } from './proof-order.js';
import { SessionScan } from './session-scan.js';

/** What is searched; a missing field excludes nothing. */
export interface SearchScope {
  readonly harness?: string | undefined;
  readonly agent?: string | undefined;
  readonly host?: string | undefined;
  readonly folder?: string | undefined;
  /** Milliseconds since the epoch, of the row itself. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly role?: RowText['role'] | undefined;
  readonly tool?: string | undefined;
  readonly hasSubagents: boolean;
}

export interface Hit {
  readonly stream: string;
  /** From 0. */
  readonly line: number;
  readonly role: RowText['role'];
  readonly tool: string | undefined;
  readonly atMs: number | undefined;
  readonly text: string;
  readonly found: Found;
}

export interface SessionHits {
  readonly session: ListedSession;
  /** The shortest form of its id that distinguishes it from all others. */
  readonly shortId: string;
  /** The newest ones, newest first. */
  readonly hits: readonly Hit[];
  readonly count: number;
  /** No single row has all the words, but the session does. */
  readonly isSpread: boolean;
  readonly lines: number;
  /** Bytes of the parts that had to be read, because no pack covers them. */
  readonly scannedBytes: number;
  /** What could not be read, in words. */
  readonly unread: string | undefined;
}

/** What it takes to search one session. */
export interface SessionInput extends SearchInput {
  readonly packs: PackQuery;
  readonly coverage: Coverage | undefined;
  readonly keeper: PackKeeper | undefined;
  readonly proof: ProofTurn;
  listStreams(): Promise<ListedStreams>;
}

export interface Listed {
  readonly sessions: readonly KnownSession[];
}

interface KnownSession extends SessionRef {
  /** What is known about it, which may be out of date. */
  readonly meta:
    | (Pick<MetaDocument, 'harness'> & Partial<Pick<MetaDocument, 'total_uploaded_bytes'>>)
    | undefined;
  /** Its `meta.json`, if that was just read. */
  readonly whole?: ListedSession;
}

export interface SearchInput {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly matcher: Matcher;
  readonly scope: SearchScope;
  /** Maximum number of hits kept per session. */
  readonly perSession: number;
  /** How many sessions with hits will be asked for, unless all: more can be. */
  readonly limit?: number;
  /** Newest first. */
  listed(bucket: Bucket, layout: Layout, harnesses: readonly string[]): Promise<Listed>;
  /** The shortest form of each id that distinguishes it from the others. */
  shortIds(ids: readonly string[]): ReadonlyMap<string, string>;
  /** What is known from packs, and need not be read. They are opened while the sessions are listed. */
  readonly coverage?: Coverage | Promise<Coverage | undefined> | undefined;
  /** Gets each part that was read. */
  readonly keeper?: PackKeeper | Promise<PackKeeper | undefined> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Searches a project's transcripts, beginning with the session written last: through packs where
 * they cover it, otherwise part by part.
 */
export async function* scanSessions(input: SearchInput): AsyncGenerator<SessionHits> {
  const { bucket, layout, scope, signal, limit = Number.POSITIVE_INFINITY } = input;
  const stop = new AbortController();
  const stopping = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const opened = Promise.all([input.coverage, input.keeper]);
  // It is awaited with the sessions; until then its failure must not count as unhandled.
  opened.catch(() => undefined);
  try {
    const { harness } = scope;
    const harnesses = harness === undefined ? await harnessesIn(bucket, layout) : [harness];
    const listing = sharedListing(input, harnesses, stopping);
    const [{ sessions }, [coverage, keeper]] = await Promise.all([
      input.listed(bucket, layout, harnesses),
      opened,
    ]);
    listing?.expect(sessions);
    const short = input.shortIds(sessions.map(({ id }) => id));
    const order = new ProofOrder(limit);
    const known = { ...input, packs: new PackQuery(input.matcher), coverage, keeper };
    const places = sessions.map(
      (session): SessionPlace => ({
        session,
        shortId: (harness === undefined ? short.get(session.id) : undefined) ?? session.id,
        proof: order.next(),
        listStreams: () => listing?.streamsOf(session) ?? listedAlone(input, session),
      }),
    );
    const scan = (place: SessionPlace, stopped: AbortSignal) =>
      scannedInScope({ ...known, signal: stopped }, place);
    const results = inOrder(places, scan, {
      bytesOf: ({ session }) => bytesHeld(session),
      onAsked: ({ proof }) => proof.ask(),
      signal,
      ...(bucket.kind === 'local' ? onDisk : {}),
    });
    for await (const result of results) if (result !== undefined) yield result;
  } finally {
    stop.abort();
  }
}

/** A session among those that are searched. */
interface SessionPlace extends Pick<SessionInput, 'proof' | 'listStreams'> {
  readonly session: KnownSession;
  readonly shortId: string;
}

/** `undefined` if the session is not to be searched. */
async function scannedInScope(
  input: Omit<SessionInput, 'proof' | 'listStreams'>,
  { session: { harness, id, whole }, shortId, ...place }: SessionPlace,
): Promise<SessionHits | undefined> {
  const { bucket, layout, scope } = input;
  try {
    const session = whole ?? {
      harness,
      id,
      meta: await readMeta(bucket, layout.meta(harness, id)),
    };
    if (!isInScope(session, scope)) return undefined;
    return await scanned({ ...input, ...place }, session, shortId);
  } finally {
    place.proof.found(false);
  }
}

/** Whoever asks for some sessions only has each listed by itself. In a folder that costs no more. */
function sharedListing(
  { bucket, layout, scope }: SearchInput,
  harnesses: readonly string[],
  signal: AbortSignal,
): StreamListing | undefined {
  if (bucket.kind === 'local' || !isWholeScope({ ...scope, harness: undefined })) return undefined;
  return new StreamListing(bucket, layout, harnesses, { signal });
}

async function listedAlone(
  { bucket, layout }: SearchInput,
  session: SessionRef,
): Promise<ListedStreams> {
  return { streams: await listWholeStreams(bucket, layout, session), isShared: false };
}

/**
 * A session that was written to since all were listed looks incomplete, so it is listed again. What was read of it is
 * kept already.
 */
async function scanned(
  input: SessionInput,
  session: ListedSession,
  shortId: string,
): Promise<SessionHits> {
  let isShared = false;
  const listStreams = async () => {
    const listed = await input.listStreams();
    isShared = listed.isShared;
    return listed;
  };
  const hits = await withSoundPacks({ ...input, listStreams }, session, shortId);
  if (hits.unread === undefined || !isShared) return hits;
  const again = { listStreams: () => listedAlone(input, session), keeper: undefined };
  return withSoundPacks({ ...input, ...again }, session, shortId);
}

/** A damaged pack covers nothing, so the session is read again without it. */
async function withSoundPacks(
  input: SessionInput,
  session: ListedSession,
  shortId: string,
): Promise<SessionHits> {
  for (;;) {
    try {
      return await new SessionScan(input, session, shortId).run();
    } catch (error) {
      if (!(error instanceof DamagedPackError)) throw error;
    }
  }
}

/**
 * More would neither be faster nor fit the processor's cache. The first session is alone: what is done for the next ones
 * meanwhile would only delay its hits.
 */
const onDisk = { atOnce: 4, atFirst: 1 };

/** Memory for a part: its bytes, its text at twice the size, and its rows. */
const largestHeld = 32 * 1024 * 1024;

/** Only one part of a session is held at a time. */
function bytesHeld({ meta }: KnownSession): number {
  return Math.min(largestHeld, 4 * (meta?.total_uploaded_bytes ?? largestHeld));
}

export async function harnessesIn(bucket: Bucket, layout: Layout): Promise<readonly string[]> {
  const prefix = `${layout.root}sessions/`;
  const names: string[] = [];
  for await (const entry of bucket.list(prefix, { delimiter: '/' })) {
    if (entry.kind === 'prefix') names.push(entry.prefix.slice(prefix.length, -1));
  }
  return names.filter(isName);
}

/** A mirror that was killed leaves a `meta.json` behind that is some minutes older than the last part. */
const longestLagMs = 24 * 3_600_000;

/** Whether no session and no stream is left out unlisted. */
export function isWholeScope({
  harness,
  agent,
  host,
  folder,
  sinceMs,
  hasSubagents,
}: SearchScope): boolean {
  const filters = [harness, agent, host, folder, sinceMs];
  return hasSubagents && filters.every((one) => one === undefined);
}

/** A session without a readable `meta.json` is searched, because nothing is known about it. */
function isInScope(
  { meta }: ListedSession,
  { agent, host, folder, sinceMs }: SearchScope,
): boolean {
  if (meta === undefined) return true;
  if (agent !== undefined && meta.agent_id !== agent) return false;
  if (host !== undefined && meta.host !== host) return false;
  if (folder !== undefined && !isBelow(meta.cwd, folder)) return false;
  const uploadedMs = Date.parse(meta.last_uploaded_at ?? '');
  return sinceMs === undefined || !(uploadedMs + longestLagMs < sinceMs);
}

function isBelow(path: string | null, folder: string): boolean {
  return path === folder || path?.startsWith(`${folder.replace(/[/\\]+$/, '')}/`) === true;
}
