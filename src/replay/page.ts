import { createHash } from 'node:crypto';
import type { Bucket } from '../bucket/bucket.js';
import { inParallel } from '../coordination/parallel.js';
import type { Layout } from '../protocol/keys.js';
import type { BucketState, StoredSession } from './bucket-state.js';
import { type Call, causesOf } from './causes.js';
import { ChunkWriter, compressed, type PageSink } from './chunks.js';
import { readRow } from './conversation/read-row.js';
import type { TimelineEntry } from './entry.js';
import { columnsOf } from './entry-columns.js';
import { expiriesOf } from './expiries.js';
import { type PageHeader, type PageSession, type PageStream, recordsStream } from './page-data.js';
import { TimeSample } from './sample.js';
import type { Timeline } from './timeline.js';
import { listStreams, readLines, type StreamPlace } from './transcripts.js';

/** What the viewer is made of, as the build bundled it. */
export interface Viewer {
  readonly script: string;
  readonly style: string;
}

export interface Run {
  readonly bucket: Bucket;
  readonly layout: Layout;
  /** Of the bucket only what a page needs besides its time line. */
  readonly state: Pick<BucketState, 'agents' | 'steps' | 'sessions'>;
  readonly timeline: Timeline;
  /** What could not be read, in words. */
  readonly warnings: readonly string[];
}

export interface PageOptions {
  readonly viewer: Viewer;
  /** The name of a folder beside the page for the data of a very large run. */
  readonly sidecar: string | null;
  readonly followMs: number | null;
}

export interface WrittenPage {
  readonly entries: number;
  readonly sessions: number;
  readonly lines: number;
}

/** Streams of transcripts read at once. */
const streamsAtOnce = 4;
/** Records read at once, and held until they are written. */
const recordsAtOnce = 512;

/**
 * Writes a run as one page that needs nothing else. Transcripts pass through a chunk at a time, so memory does not grow with
 * them. All that comes from the bucket is compressed and base64: nothing of it is markup.
 */
export async function writePage(
  sink: PageSink,
  run: Run,
  { viewer, sidecar, followMs }: PageOptions,
): Promise<WrittenPage> {
  const { bucket, layout, timeline } = run;
  await sink.write(pageHead(layout.project, viewer, sidecar !== null));
  const chunks = new ChunkWriter(sink, sidecar !== null);
  const records = await writeRecords(chunks, bucket, timeline.entries);
  const written = await writeSessions(chunks, run);
  const { columns, agents } = columnsOf(
    timeline.entries,
    causesOf(timeline.entries, written.calls),
    [...run.state.agents.map(({ agent }) => agent), ...written.sessions.map(({ agent }) => agent)],
  );
  const nowMs = (await bucket.now()).getTime();
  const header: PageHeader = {
    version: 1,
    project: layout.project,
    location: bucket.location,
    writtenMs: nowMs,
    followMs,
    warnings: run.warnings,
    agents,
    entries: columns,
    expiries: expiriesOf(run.state, nowMs),
    sessions: written.sessions,
    streams: [records, ...written.streams],
    chunks: chunks.chunks,
    sidecar,
  };
  await sink.write(`<script type="text/plain" id="run">${await compressed(header)}</script>\n`);
  await sink.write(`<script>${viewer.script}</script>\n</body>\n</html>\n`);
  const lines = written.streams.reduce((sum, stream) => sum + stream.lines, 0);
  return { entries: timeline.entries.length, sessions: written.sessions.length, lines };
}

/** One line per entry: its key and its object, as text where it is no JSON. */
async function writeRecords(
  chunks: ChunkWriter,
  bucket: Bucket,
  entries: readonly TimelineEntry[],
): Promise<PageStream> {
  const stream = chunks.open(recordsStream);
  for (let start = 0; start < entries.length; start += recordsAtOnce) {
    const some = entries.slice(start, start + recordsAtOnce);
    const lines = await inParallel(some, async ({ key }) => recordLine(key, bucket));
    for (const line of lines) await stream.add(Buffer.from(`${line}\n`));
  }
  const lines = await stream.close();
  return { name: 'records', harness: '', lines, sampleMs: [], sampleLines: [] };
}

/** Of an artifact only its key: it may be of any size and kind. */
async function recordLine(key: string, bucket: Bucket): Promise<string> {
  if (/^[^/]+\/artifacts\//.test(key)) return JSON.stringify({ key });
  const body = (await bucket.get(key))?.body;
  if (body === undefined) return JSON.stringify({ key });
  try {
    return JSON.stringify({ key, record: JSON.parse(body.toString('utf8')) });
  } catch {
    return JSON.stringify({ key, text: body.toString('utf8') });
  }
}

interface WrittenSessions {
  readonly sessions: readonly PageSession[];
  readonly streams: readonly PageStream[];
  readonly calls: readonly Call[];
}

async function writeSessions(chunks: ChunkWriter, run: Run): Promise<WrittenSessions> {
  const { bucket, layout, state } = run;
  const agents = run.timeline.sessionAgents;
  const stored = [...state.sessions].sort(byBeginning);
  const places = await inParallel(stored, (session) => listStreams(bucket, layout, session));
  const calls: Call[] = [];
  const jobs: Job[] = [];
  const sessions = stored.map((session, index): PageSession => {
    const { harness, id, meta } = session;
    const agent = agents.get(id) ?? null;
    const streams = (places[index] ?? []).map((place) => {
      const number = jobs.length + 1;
      jobs.push({ number, place, harness, sessionId: id, agent });
      return number;
    });
    const { title = null, model = null, cwd = null } = meta?.document ?? {};
    return { harness, id, title, agent, model, cwd, streams };
  });
  const streams: PageStream[] = [];
  const rest = jobs.values();
  const work = async (): Promise<void> => {
    for (const job of rest) {
      streams[job.number - 1] = await writeStream(chunks, bucket, job, (call) => calls.push(call));
    }
  };
  await Promise.all(Array.from({ length: streamsAtOnce }, work));
  return { sessions, streams, calls };
}

interface Job {
  readonly number: number;
  readonly place: StreamPlace;
  readonly harness: string;
  readonly sessionId: string;
  readonly agent: string | null;
}

async function writeStream(
  chunks: ChunkWriter,
  bucket: Bucket,
  { number, place, harness, sessionId, agent }: Job,
  onCall: (call: Call) => void,
): Promise<PageStream> {
  const stream = chunks.open(number);
  const sample = new TimeSample();
  let count = 0;
  for await (const lines of readLines(bucket, place.prefix)) {
    for (const line of lines) {
      const { timeMs, blocks } = readRow(harness, line.toString('utf8'));
      sample.add(count, timeMs);
      for (const { command } of blocks) {
        if (timeMs === undefined || !command?.includes('tracecraft')) continue;
        onCall({ stream: number, line: count, sessionId, agent, timeMs, command });
      }
      await stream.add(line);
      count += 1;
    }
  }
  const lines = await stream.close();
  const { sampleMs, sampleLines } = sample;
  return { name: place.name, harness, lines, sampleMs, sampleLines };
}

function byBeginning(left: StoredSession, right: StoredSession): number {
  const key = ({ meta, id }: StoredSession) => `${meta?.document.started_at ?? ''} ${id}`;
  return key(left) < key(right) ? -1 : 1;
}

/**
 * The policy allows this very script and style and nothing else: no request, no evaluation, no other script. Data in files
 * beside the page are scripts too (a page that was opened from a disk may read nothing else), so there scripts of its own place
 * are allowed.
 */
function pageHead(project: string, { script, style }: Viewer, isBeside: boolean): string {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'${isBeside ? " 'self' file:" : ''}`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${project} · replay</title>
<style>${style}</style>
</head>
<body>
<div id="app"><p class="loading">Reading the run…</p></div>
<noscript>This page draws a run with a script of its own, which is switched off here.</noscript>
`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
