import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import type { Bucket } from '../../bucket/bucket.js';
import { readAhead } from '../../concurrency.js';
import type { Layout } from '../../protocol/keys.js';
import type { RunState } from '../timeline/bucket-state.js';
import type { TimelineEntry } from '../timeline/entry.js';
import { expiriesOf } from '../timeline/expiries.js';
import type { RunReader } from '../timeline/read.js';
import { type EntrySelection, isSelected } from '../timeline/selection.js';
import { TimelineBuilder } from '../timeline/timeline.js';
import { type Call, toolCallLinks } from '../timeline/tool-call-links.js';
import { ChunkWriter, compressed, type PageSink } from './chunks.js';
import { type Cleaning, cleaningOf } from './cleaning.js';
import { type PageHeader, type PageStream, recordsStream } from './data.js';
import { EntryRows } from './entry-columns.js';
import { mailedLine } from './local-paths.js';
import { type WrittenSessions, writeSessions } from './sessions.js';

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
  /** For a followed page: which version of it this is. */
  readonly stamp: string;
  /** Leaves the machines' paths and names in. */
  readonly keepsPaths: boolean;
  /** Looks through each line once more for secrets. */
  readonly redact?: (line: Buffer) => Buffer;
}

/**
 * Near the top of every page, so that a newer page may replace it, and no other file is ever
 * replaced.
 */
export const pageMark = '<meta name="generator" content="tracecraft replay">';

export interface WrittenPage {
  readonly entries: number;
  readonly sessions: number;
  readonly lines: number;
  /** What could not be read, in words. */
  readonly skipped: readonly string[];
}

/** The maximum number of warnings in a page. */
const mostWarnings = 1_000;

/**
 * Writes a run as one self-contained page. Events and transcripts pass through chunk by chunk, so memory hardly grows
 * with them. Everything from the bucket is compressed and base64-encoded: none of it is markup.
 */
export async function writePage(
  sink: PageSink,
  run: Run,
  { viewer, sidecar, followMs, stamp, keepsPaths, redact }: PageOptions,
): Promise<WrittenPage> {
  const { bucket, layout, reader, selection } = run;
  await sink.write(pageHead(layout.project, viewer, sidecar !== null));
  const chunks = new ChunkWriter(sink, { isBeside: sidecar !== null, stamp });
  const cleaning = cleaningOf(run, keepsPaths, redact);
  const { rows, records, sessionAgents } = await writeEntries(chunks, run, cleaning);
  const skipped = reader.end().map(({ message }) => message);
  const state = stateShown(run, sessionAgents);
  const written = await writeSessions(
    chunks,
    { bucket, layout, cleaning },
    state.sessions,
    cleanAgents(sessionAgents, cleaning),
  );
  const others = [
    ...state.agents.map(({ agent }) => cleaning.agent(agent)),
    ...written.sessions.map(({ agent }) => agent),
  ];
  const nowMs = (await bucket.now()).getTime();
  const header: Omit<PageHeader, 'entries'> = {
    version: 1,
    project: layout.project,
    location: isAbsolute(bucket.location) ? 'a local folder' : bucket.location,
    writtenMs: nowMs,
    followMs,
    warnings: fewer(skipped).map(cleaning.text(null)),
    agents: agentsOf(rows, others),
    expiries: expiriesOf(state, nowMs),
    sessions: written.sessions,
    session: selection.sessionId === undefined ? null : firstOf(written, selection.sessionId),
    streams: [records, ...written.streams],
    chunks: chunks.chunks,
    sidecar,
    stamp,
  };
  const data = compressed(headerPieces(header, rows, written.calls));
  if (followMs === null || sidecar === null) await writeData(sink, data);
  else await writeDataBeside(sink, data, sidecar);
  await sink.write(`<script>${viewer.script}</script>\n</body>\n</html>\n`);
  const lines = written.streams.reduce((sum, stream) => sum + stream.lines, 0);
  return { entries: rows.count, sessions: written.sessions.length, lines, skipped };
}

function cleanAgents(
  agents: ReadonlyMap<string, string>,
  cleaning: Cleaning,
): ReadonlyMap<string, string> {
  return new Map([...agents].map(([id, agent]) => [id, cleaning.agent(agent) ?? agent]));
}

type ShownState = Pick<RunState, 'steps' | 'sessions' | 'agents'>;

/** What the page is about: a session is shown with the ones it started. */
function stateShown(
  { state: { steps, sessions, agents }, selection }: Run,
  sessionAgents: ReadonlyMap<string, string>,
): ShownState {
  const { agent: wanted, sessionId } = selection;
  if (sessionId !== undefined) {
    return { steps: [], sessions: familyOf(sessionId, sessions), agents: [] };
  }
  const isWanted = (agent: string | undefined) => wanted === undefined || agent === wanted;
  return {
    steps,
    sessions: sessions.filter(({ id }) => isWanted(sessionAgents.get(id))),
    agents: agents.filter(({ agent }) => isWanted(agent)),
  };
}

/** A session and those that it started, and those that these started. */
function familyOf(
  sessionId: string,
  sessions: RunState['sessions'],
): readonly RunState['sessions'][number][] {
  const family = new Set([sessionId]);
  for (let before = 0; before < family.size; ) {
    before = family.size;
    for (const { id, meta } of sessions) {
      if (family.has(meta?.document.parent_session_id ?? '')) family.add(id);
    }
  }
  return sessions.filter(({ id }) => family.has(id));
}

function firstOf({ sessions }: WrittenSessions, sessionId: string): number | null {
  const index = sessions.findIndex(({ id }) => id === sessionId);
  return index === -1 ? null : index;
}

async function writeData(sink: PageSink, data: AsyncIterable<string>): Promise<void> {
  await sink.write('<script type="text/plain" id="run">');
  for await (const text of data) await sink.write(text);
  await sink.write('</script>\n');
}

/** An open page rereads this file, since it cannot reread itself. */
async function writeDataBeside(
  sink: PageSink,
  data: AsyncIterable<string>,
  folder: string,
): Promise<void> {
  const texts: string[] = [];
  for await (const text of data) texts.push(text);
  await sink.writeBeside('run.js', `tracecraftRun("${texts.join('')}")\n`);
  await sink.write(
    `<script type="text/plain" id="run" data-folder="${attribute(folder)}"></script>\n`,
  );
}

/** The name of the page, which may contain any character. */
function attribute(text: string): string {
  return text.replace(/[&"<>]/g, (one) => `&#${one.charCodeAt(0)};`);
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
  cleaning: Cleaning,
): Promise<WrittenEntries> {
  const mailed = cleaning.text(null);
  const shown = (entry: TimelineEntry): TimelineEntry => ({
    ...entry,
    agent: cleaning.agent(entry.agent),
    to: cleaning.agent(entry.to),
    text: mailed(cleaning.line(Buffer.from(entry.text)).toString('utf8')),
  });
  const rows = new EntryRows();
  const stream = chunks.open(recordsStream);
  const telling = new TimelineBuilder(state);
  for await (const { entry, body } of reader.events()) {
    if (!telling.add(entry) || !isSelected(entry, selection)) continue;
    rows.add(shown(entry));
    await stream.add(mailedLine(cleaning.line(recordOfEvent(entry.key, body)), mailed));
  }
  const mail = await reader.mail(telling.untoldMail);
  const { derived, sessionAgents } = telling.end(mail);
  const selected = derived.filter((entry) => isSelected(entry, selection));
  for (const entry of selected) rows.addDerived(shown(entry), layout.events());
  const read = readAhead(each(selected), ({ key }) => recordLine(key, bucket));
  for await (const line of read) {
    await stream.add(mailedLine(cleaning.line(Buffer.from(`${line}\n`)), mailed));
  }
  const records = { ...noStream, name: 'records', lines: await stream.close() };
  return { rows, records, sessionAgents };
}

/** The records are not a transcript. */
const noStream: Omit<PageStream, 'name' | 'lines'> = {
  harness: '',
  title: null,
  calledBy: null,
  turns: 0,
  calls: 0,
  failedCalls: 0,
  state: 'done',
  lastAnswer: '',
  prompts: [],
  sampleMs: [],
  sampleLines: [],
};

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}

/**
 * The body is known to be JSON, so its line breaks are between values, where a space means the
 * same.
 */
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
