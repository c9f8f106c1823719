import type { Bucket } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import { listStreams, readLines, type StreamPlace } from '../../mirror/slots/session-streams.js';
import type { Layout } from '../../protocol/keys.js';
import { tokensIn } from '../../protocol/usage.js';
import { totalUsage } from '../../protocol/usage-slots.js';
import type { StoredSession } from '../timeline/bucket-state.js';
import type { Call } from '../timeline/tool-call-links.js';
import type { ChunkWriter } from './chunks.js';
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
  mailed(folder: string | null): PathFilter;
}

/** Each session with its streams; their lines are written to chunks. */
export async function writeSessions(
  chunks: ChunkWriter,
  { bucket, layout, mailed }: SessionsOf,
  unsorted: readonly StoredSession[],
  agents: ReadonlyMap<string, string>,
): Promise<WrittenSessions> {
  const stored = [...unsorted].sort(byBeginning);
  const places = await inParallel(stored, (session) => listStreams(bucket, layout, session));
  const calls: Call[] = [];
  const jobs: Job[] = [];
  const sessions = stored.map((session, index): PageSession => {
    const { harness, id, meta } = session;
    const { title = null, model = null, cwd = null } = meta?.document ?? {};
    const agent = agents.get(id) ?? null;
    const paths = mailed(cwd);
    const streams = (places[index] ?? []).map((place) => {
      const number = jobs.length + 1;
      const bytes = bytesOf(meta, place);
      jobs.push({ number, place, harness, sessionId: id, agent, bytes, mailed: paths });
      return number;
    });
    const shown = title === null ? null : paths(title);
    const used = totalUsage(meta?.document.usage);
    const tokens = used === undefined ? null : tokensIn(used);
    return { harness, id, title: shown, agent, model, folder: folderName(cwd), tokens, streams };
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
  { number, place, harness, sessionId, agent, mailed }: Job,
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
    for (const line of lines) {
      const text = line.toString('utf8');
      summary.add(text);
      await stream.add(mailedLine(line, mailed, text));
    }
  }
  return summary.end(await stream.close());
}

function byBeginning(left: StoredSession, right: StoredSession): number {
  const key = ({ meta, id }: StoredSession) => `${meta?.document.started_at ?? ''} ${id}`;
  return key(left) < key(right) ? -1 : 1;
}
