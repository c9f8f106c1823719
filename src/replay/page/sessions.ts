import type { Bucket } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import { listStreams, readLines, type StreamPlace } from '../../mirror/slots/session-streams.js';
import type { MetaStream } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { tokensIn } from '../../protocol/usage.js';
import { totalUsage } from '../../protocol/usage-slots.js';
import type { StoredSession } from '../timeline/bucket-state.js';
import type { Call } from '../timeline/tool-call-links.js';
import type { ChunkWriter } from './chunks.js';
import type { Cleaning } from './cleaning.js';
import type { PageSession, PageStream } from './data.js';
import { folderName, mailedLine, type PathFilter } from './local-paths.js';
import { pointsOf } from './sample.js';
import { StreamSummary } from './stream-summary.js';

/** Transcript streams read at once: few if they fill memory, more if they only wait for the store. */
const largeAtOnce = 2;
const smallAtOnce = 6;
const smallBytes = 1_000_000;
export interface WrittenSessions {
  readonly sessions: readonly PageSession[];
  readonly streams: readonly PageStream[];
  readonly calls: readonly Call[];
}

export interface SessionsOf {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly cleaning: Cleaning;
}

/** Each session with its streams; their lines are written to chunks. */
export async function writeSessions(
  chunks: ChunkWriter,
  { bucket, layout, cleaning }: SessionsOf,
  unsorted: readonly StoredSession[],
  agents: ReadonlyMap<string, string>,
): Promise<WrittenSessions> {
  const stored = [...unsorted].sort(byBeginning);
  const places = await inParallel(stored, (session) => listStreams(bucket, layout, session));
  const calls: Call[] = [];
  const jobs: Job[] = [];
  const sessions = stored.map((session, index): PageSession => {
    const streams = (places[index] ?? []).map((place) => {
      const agent = agents.get(session.id) ?? null;
      return jobs.push({ number: jobs.length + 1, agent, ...jobOf(session, place, cleaning) });
    });
    return pageSession(session, agents, cleaning, streams);
  });
  const streams: PageStream[] = [];
  const points = pointsOf(jobs.length);
  const work = async (rest: Iterable<Job>): Promise<void> => {
    for (const job of rest) {
      streams[job.number - 1] = await writeStream(chunks, bucket, job, points, (call) =>
        calls.push(call),
      );
    }
  };
  const large = jobs.filter(({ bytes }) => bytes > smallBytes).values();
  const small = jobs.filter(({ bytes }) => bytes <= smallBytes).values();
  await Promise.all([
    ...Array.from({ length: largeAtOnce }, () => work(large)),
    ...Array.from({ length: smallAtOnce }, () => work(small)),
  ]);
  return { sessions: sessions.map((one) => named(one, streams)), streams, calls };
}

function pageSession(
  { harness, id, meta }: StoredSession,
  agents: ReadonlyMap<string, string>,
  cleaning: Cleaning,
  streams: readonly number[],
): PageSession {
  const { title = null, model = null, cwd = null, usage } = meta?.document ?? {};
  const used = totalUsage(usage);
  return {
    harness,
    id,
    title: title === null ? null : cleaning.text(cwd)(title),
    agent: agents.get(id) ?? null,
    model,
    folder: folderName(cwd),
    tokens: used === undefined ? null : tokensIn(used),
    parent: meta?.document.parent_session_id ?? null,
    streams,
  };
}

/** If `meta.json` has no title, the transcript provides one. */
function named(session: PageSession, streams: readonly PageStream[]): PageSession {
  const [main = 0] = session.streams;
  return { ...session, title: session.title ?? streams[main - 1]?.title ?? null };
}

interface Job {
  readonly number: number;
  readonly place: StreamPlace;
  readonly harness: string;
  readonly sessionId: string;
  readonly agent: string | null;
  readonly bytes: number;
  readonly mailed: PathFilter;
  readonly cleaning: Cleaning;
  readonly calledBy: PageStream['calledBy'];
}

function callerOf(streams: readonly MetaStream[], { name }: StreamPlace): PageStream['calledBy'] {
  const told = name === '' ? undefined : streams.find((one) => one.name === name);
  return told?.call_id === undefined ? null : [told.parent_stream ?? '', told.call_id];
}

function jobOf(
  { harness, id: sessionId, meta }: StoredSession,
  place: StreamPlace,
  cleaning: Cleaning,
): Omit<Job, 'number' | 'agent'> {
  const { cwd = null, streams = [] } = meta?.document ?? {};
  const calledBy = callerOf(streams, place);
  const mailed = cleaning.text(cwd);
  return { place, harness, sessionId, bytes: bytesOf(meta, place), mailed, cleaning, calledBy };
}

/** As the mirror counted them; a very large number if it did not. */
function bytesOf(meta: StoredSession['meta'], { name }: StreamPlace): number {
  if (meta === undefined) return Number.POSITIVE_INFINITY;
  const { total_uploaded_bytes, streams } = meta.document;
  if (name === '') return total_uploaded_bytes;
  const stream = streams.find((one) => one.name === name);
  return stream?.total_uploaded_bytes ?? Number.POSITIVE_INFINITY;
}

async function writeStream(
  chunks: ChunkWriter,
  bucket: Bucket,
  { number, place, harness, sessionId, agent, mailed, cleaning, calledBy }: Job,
  points: number,
  onCall: (call: Call) => void,
): Promise<PageStream> {
  const stream = chunks.open(number);
  const placed = { harness, session: sessionId, stream: place.name };
  const summary = new StreamSummary(placed, points, mailed, ({ line, timeMs, command }) => {
    if (!command.includes('tracecraft')) return;
    onCall({ stream: number, line, sessionId, agent, timeMs, command });
  });
  for await (const lines of readLines(bucket, place.prefix)) {
    for (const stored of lines) {
      const line = cleaning.line(stored);
      const text = line.toString('utf8');
      summary.add(text);
      await stream.add(mailedLine(line, mailed, text));
    }
  }
  return { ...summary.end(await stream.close()), calledBy };
}

function byBeginning(left: StoredSession, right: StoredSession): number {
  const key = ({ meta, id }: StoredSession) => `${meta?.document.started_at ?? ''} ${id}`;
  return key(left) < key(right) ? -1 : 1;
}
