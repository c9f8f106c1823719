import { createHash } from 'node:crypto';
import type { Bucket } from '../../bucket/bucket.js';
import { inParallel, readAhead } from '../../concurrency.js';
import { listStreams, readLines, type StreamPlace } from '../../mirror/slots/session-streams.js';
import type { Layout } from '../../protocol/keys.js';
import { readRow } from '../conversation/read-row.js';
import type { RunState, StoredSession } from '../timeline/bucket-state.js';
import { expiriesOf } from '../timeline/expiries.js';
import type { RunReader } from '../timeline/read.js';
import { type EntrySelection, isSelected } from '../timeline/selection.js';
import { TimelineBuilder } from '../timeline/timeline.js';
import { type Call, toolCallLinks } from '../timeline/tool-call-links.js';
import { ChunkWriter, compressed, type PageSink } from './chunks.js';
import { type PageHeader, type PageSession, type PageStream, recordsStream } from './data.js';
import { EntryRows } from './entry-columns.js';
import { pointsOf, TimeSample } from './sample.js';

/** The viewer as the build bundled it. */
export interface Viewer {
  readonly script: string;
  readonly style: string;
}

export interface Run {
  readonly bucket: Bucket;
  readonly layout: Layout;
  /** Partway through a read: the state has been read, the events have not. */
  readonly reader: RunReader;
  readonly state: RunState;
  readonly selection: EntrySelection;
}

export interface PageOptions {
  readonly viewer: Viewer;
  /** The name of a folder next to the page, for the data of a very large run. */
  readonly sidecar: string | null;
  readonly followMs: number | null;
}

/** Near the top of every page, so that a page may be replaced by the next one, and no other file is. */
export const pageMark = '<meta name="generator" content="tracecraft replay">';

export interface WrittenPage {
  readonly entries: number;
  readonly sessions: number;
  readonly lines: number;
  /** What could not be read, in words. */
  readonly skipped: readonly string[];
}

/** Transcript streams read at once: few if they fill memory, more if they only wait for the store. */
const largeAtOnce = 2;
const smallAtOnce = 6;
const smallBytes = 1_000_000;
/** The most complaints a page holds. */
const mostWarnings = 1_000;

/**
 * Writes a run as one self-contained page. Events and transcripts pass through chunk by chunk, so memory hardly grows
 * with them. Everything from the bucket is compressed and base64-encoded: none of it is markup.
 */
export async function writePage(
  sink: PageSink,
  run: Run,
  { viewer, sidecar, followMs }: PageOptions,
): Promise<WrittenPage> {
  const { bucket, layout, reader, selection } = run;
  await sink.write(pageHead(layout.project, viewer, sidecar !== null));
  const chunks = new ChunkWriter(sink, sidecar !== null);
  const { rows, records, sessionAgents } = await writeEntries(chunks, run);
  const skipped = reader.end().map(({ message }) => message);
  const isWanted = (agent: string | undefined) =>
    selection.agent === undefined || agent === selection.agent;
  const state = {
    steps: run.state.steps,
    sessions: run.state.sessions.filter(({ id }) => isWanted(sessionAgents.get(id))),
    agents: run.state.agents.filter(({ agent }) => isWanted(agent)),
  };
  const written = await writeSessions(chunks, { bucket, layout }, state.sessions, sessionAgents);
  const others = [...state.agents, ...written.sessions].map(({ agent }) => agent);
  const nowMs = (await bucket.now()).getTime();
  const header: Omit<PageHeader, 'entries'> = {
    version: 1,
    project: layout.project,
    location: bucket.location,
    writtenMs: nowMs,
    followMs,
    warnings: fewer(skipped),
    agents: agentsOf(rows, others),
    expiries: expiriesOf(state, nowMs),
    sessions: written.sessions,
    streams: [records, ...written.streams],
    chunks: chunks.chunks,
    sidecar,
  };
  await sink.write('<script type="text/plain" id="run">');
  for await (const text of compressed(headerPieces(header, rows, written.calls))) {
    await sink.write(text);
  }
  await sink.write(`</script>\n<script>${viewer.script}</script>\n</body>\n</html>\n`);
  const lines = written.streams.reduce((sum, stream) => sum + stream.lines, 0);
  return { entries: rows.count, sessions: written.sessions.length, lines, skipped };
}

function* headerPieces(
  header: Omit<PageHeader, 'entries'>,
  rows: EntryRows,
  calls: readonly Call[],
): Generator<string | Uint8Array> {
  const causes = [...toolCallLinks(rows.inOrder(), calls)];
  const places = causes.map(([entry, { stream, line }]) => [entry, stream, line] as const);
  yield '{"entries":';
  yield* rows.json(places);
  for (const [name, value] of Object.entries(header)) {
    yield `,${JSON.stringify(name)}:`;
    yield* Array.isArray(value) ? listPieces(value) : [JSON.stringify(value)];
  }
  yield '}';
}

function* listPieces(list: readonly unknown[]): Generator<string> {
  for (const [index, item] of list.entries()) {
    yield `${index === 0 ? '[' : ','}${JSON.stringify(item)}`;
  }
  yield list.length === 0 ? '[]' : ']';
}

function fewer(warnings: readonly string[]): readonly string[] {
  const rest = warnings.length - mostWarnings;
  return rest <= 0 ? warnings : [...warnings.slice(0, mostWarnings), `and ${rest} more`];
}

/**
 * All agents with a lane: those of the entries in order of appearance, then others, then pure recipients of messages.
 */
function agentsOf(rows: EntryRows, others: readonly (string | null)[]): readonly string[] {
  const acting = new Set<string | null>();
  const receiving = new Set<string | null>();
  for (const { agent, type, to } of rows.inOrder()) {
    acting.add(agent);
    if (type === 'message.sent') receiving.add(to);
  }
  const all = new Set([...acting, ...others, ...receiving]);
  return [...all].filter((agent) => agent !== null);
}

interface WrittenEntries {
  readonly rows: EntryRows;
  readonly records: PageStream;
  readonly sessionAgents: ReadonlyMap<string, string>;
}

/** One line per entry in the record stream: its key and its object, as text if it is not JSON. */
async function writeEntries(
  chunks: ChunkWriter,
  { bucket, layout, reader, state, selection }: Run,
): Promise<WrittenEntries> {
  const rows = new EntryRows();
  const stream = chunks.open(recordsStream);
  const telling = new TimelineBuilder(state);
  for await (const { entry, body } of reader.events()) {
    if (!telling.add(entry) || !isSelected(entry, selection)) continue;
    rows.add(entry);
    await stream.add(recordOfEvent(entry.key, body));
  }
  const mail = await reader.mail(telling.untoldMail);
  const { derived, sessionAgents } = telling.end(mail);
  const selected = derived.filter((entry) => isSelected(entry, selection));
  for (const entry of selected) rows.addDerived(entry, layout.events());
  const read = readAhead(each(selected), ({ key }) => recordLine(key, bucket));
  for await (const line of read) await stream.add(Buffer.from(`${line}\n`));
  const lines = await stream.close();
  const records = { name: 'records', harness: '', lines, sampleMs: [], sampleLines: [] };
  return { rows, records, sessionAgents };
}

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}

/** The body is known to be JSON, so its line breaks are between values, where a space means the same. */
function recordOfEvent(key: string, body: Buffer): Buffer {
  const record = body.toString('utf8').replace(/[\r\n]+ */g, ' ');
  return Buffer.from(`{"key":${JSON.stringify(key)},"record":${record}}\n`);
}

/** For an artifact only the key: it may have any size and type. */
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

async function writeSessions(
  chunks: ChunkWriter,
  { bucket, layout }: Pick<Run, 'bucket' | 'layout'>,
  unsorted: readonly StoredSession[],
  agents: ReadonlyMap<string, string>,
): Promise<WrittenSessions> {
  const stored = [...unsorted].sort(byBeginning);
  const places = await inParallel(stored, (session) => listStreams(bucket, layout, session));
  const calls: Call[] = [];
  const jobs: Job[] = [];
  const sessions = stored.map((session, index): PageSession => {
    const { harness, id, meta } = session;
    const agent = agents.get(id) ?? null;
    const streams = (places[index] ?? []).map((place) => {
      const number = jobs.length + 1;
      jobs.push({ number, place, harness, sessionId: id, agent, bytes: bytesOf(meta, place) });
      return number;
    });
    const { title = null, model = null, cwd = null } = meta?.document ?? {};
    return { harness, id, title, agent, model, cwd, streams };
  });
  const streams: PageStream[] = [];
  const points = pointsOf(jobs.length);
  const work = async (rest: Iterable<Job>): Promise<void> => {
    for (const job of rest) {
      const sample = new TimeSample(points);
      streams[job.number - 1] = await writeStream(chunks, bucket, job, sample, (call) =>
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
  return { sessions, streams, calls };
}

interface Job {
  readonly number: number;
  readonly place: StreamPlace;
  readonly harness: string;
  readonly sessionId: string;
  readonly agent: string | null;
  readonly bytes: number;
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
  { number, place, harness, sessionId, agent }: Job,
  sample: TimeSample,
  onCall: (call: Call) => void,
): Promise<PageStream> {
  const stream = chunks.open(number);
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
 * The policy allows exactly this script and style: no request, no evaluation, no other script. Data in files next to
 * the page are scripts too (a page opened from a disk cannot read anything else), so scripts from its own location
 * are allowed there.
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
${pageMark}
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
