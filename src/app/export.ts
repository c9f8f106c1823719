import * as v from 'valibot';
import { readerOf } from '../../watchers/readers.js';
import { usageReaderOf } from '../../watchers/usage.js';
import { openScratch } from '../compact/scratch.js';
import type { Conversation } from '../conversation/conversation.js';
import { isAgentStream } from '../conversation/join.js';
import { parsedLine } from '../conversation/outline.js';
import { NotAllowedError } from '../errors.js';
import { type Destination, openDestination } from '../export/destination.js';
import { digestOf, manifestIn, manifestName } from '../export/manifest.js';
import { exportReadme } from '../export/readme.js';
import { RowCheck } from '../export/row-check.js';
import type { ExportFormat } from '../export/row-files.js';
import { entryRows, type SessionPlace, sessionRow, turnsBefore } from '../export/session-rows.js';
import { type Published, StagedExport } from '../export/staged-export.js';
import { monthOf, msOf, type Row, type TableName } from '../export/tables.js';
import { textLines } from '../mirror/lines.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import { listStreams, readParts } from '../mirror/slots/session-streams.js';
import { handoffSchema } from '../protocol/coordination.js';
import type { StreamUsage } from '../protocol/usage.js';
import type { Redactor } from '../redact/redact.js';
import type { BucketState } from '../replay/timeline/bucket-state.js';
import { type ReadEvent, RunReader } from '../replay/timeline/read.js';
import { timelineOf } from '../replay/timeline/timeline.js';
import { parentRows, type SessionStore } from '../sessions/conversation.js';

export interface ExportRequest {
  readonly store: SessionStore;
  readonly project: string;
  readonly sessions: readonly ListedSession[];
  /** Describes which sessions were asked for. */
  readonly selection: string;
  readonly to: string;
  readonly format: ExportFormat;
  /** Anyone may read the destination. */
  readonly mayBePublic: boolean;
  /** For files on their way. */
  readonly folder: string;
  readonly redactor: Redactor;
  readonly onSession?: (done: number, all: number) => void;
}

export interface Exported extends Published {
  readonly location: string;
  /** Objects and lines that could not be read. */
  readonly unread: number;
}

const readmeName = 'README.md';

/** Writes sessions and what agents did as tables; only what changed since the last time. */
export async function exportTables(request: ExportRequest): Promise<Exported> {
  const { to, project, format, selection, folder, redactor, mayBePublic } = request;
  const destination = await openDestination(to);
  try {
    const body = await destination.read(manifestName);
    const before = manifestIn(body, { project, format, selection }, destination.location);
    const scratch = await openScratch(folder);
    try {
      const staged = new StagedExport(scratch.path, new RowCheck(redactor), before);
      const unread = await stage(request, staged);
      const readme = Buffer.from(exportReadme(project, format));
      if (!(await destination.read(readmeName))?.equals(readme)) {
        await destination.put(readmeName, readme);
      }
      if (!mayBePublic) await refusePublic(destination);
      return { location: destination.location, unread, ...(await staged.publish(destination)) };
    } finally {
      await scratch.remove();
    }
  } finally {
    await destination.close();
  }
}

/** The page that describes the tables is the first file there: it holds nothing of theirs. */
async function refusePublic(destination: Destination): Promise<void> {
  if (!(await destination.isPublic(readmeName))) return;
  throw new NotAllowedError(`anyone can read ${destination.location}`, {
    hint: 'Make it private, or say --public. Only README.md was written.',
  });
}

async function stage(request: ExportRequest, staged: StagedExport): Promise<number> {
  const { store, project, onSession } = request;
  const months = byMonth(
    request.sessions,
    ({ meta }) => meta?.started_at ?? meta?.last_uploaded_at,
  );
  let done = 0;
  for (const [month, sessions] of months) {
    const digest = digestOf(sessions.map(stateOf));
    const places = sessions.map((one) => placeOf(project, one));
    await staged.file('sessions', month, digest, () => [places.map(sessionRow)]);
    await staged.file('entries', month, digest, async function* () {
      for (const place of places) {
        yield* rowsOfSession(store, place);
        done += 1;
        onSession?.(done, request.sessions.length);
      }
    });
  }
  const untold = request.sessions.filter(({ meta }) => meta === undefined).length;
  return untold + (await stageEvents(request, staged));
}

/** Changes with anything that changes rows. */
function stateOf({ harness, id, meta }: ListedSession): unknown {
  return [harness, id, meta];
}

function placeOf(project: string, { harness, id: session, meta }: ListedSession): SessionPlace {
  return { project, harness, session, meta };
}

function byMonth<Item>(
  items: readonly Item[],
  timeOf: (item: Item) => string | number | null | undefined,
): ReadonlyMap<string, readonly Item[]> {
  const months = new Map<string, Item[]>();
  for (const item of items) {
    const month = monthOf(timeOf(item));
    const known = months.get(month);
    if (known === undefined) months.set(month, [item]);
    else known.push(item);
  }
  return months;
}

/** Stream by stream. */
async function* rowsOfSession(
  store: SessionStore,
  place: SessionPlace,
): AsyncIterable<Iterable<Row>> {
  const { harness, session: id } = place;
  const streams = await listStreams(store.bucket, store.layout, { harness, id });
  for (const { name, prefix } of streams) {
    if (name !== '' && !isAgentStream(name)) continue;
    const read = await readStream(store, { harness, session: id, stream: name, prefix });
    if (read !== undefined) yield entryRows(place, read.conversation, read.usage);
  }
}

interface StreamRequest {
  readonly harness: string;
  readonly session: string;
  readonly stream: string;
  readonly prefix: string;
  readonly parentRowIds?: ReadonlySet<string>;
}

interface ReadStream {
  readonly conversation: Conversation;
  readonly usage: StreamUsage | undefined;
}

async function readStream(
  store: SessionStore,
  request: StreamRequest,
): Promise<ReadStream | undefined> {
  const alone = await foldStream(store, request);
  if (alone === undefined) return undefined;
  const parentRowIds = await parentRows(store, request.harness, alone.conversation);
  return parentRowIds.size === 0 ? alone : foldStream(store, { ...request, parentRowIds });
}

async function foldStream(
  { bucket }: SessionStore,
  { harness, prefix, ...place }: StreamRequest,
): Promise<ReadStream | undefined> {
  const conversation = readerOf(harness)?.open(place);
  const usage = usageReaderOf(harness)?.open(place);
  if (conversation === undefined) return undefined;
  let number = 0;
  for await (const { body } of readParts(bucket, prefix)) {
    for (const line of textLines(body)) {
      const value = parsedLine(line);
      conversation.take(value, number);
      if (value !== undefined) usage?.row(value);
      number += 1;
    }
  }
  return { conversation: conversation.state(), usage: usage?.usage() };
}

async function stageEvents(request: ExportRequest, staged: StagedExport): Promise<number> {
  const { store, project } = request;
  const reader = new RunReader(store.bucket, store.layout, { remembers: false });
  const endings: Ending[] = [];
  const { state, skipped } = await reader.read((event) => {
    const ending = endingIn(event);
    if (ending !== undefined) endings.push(ending);
  });
  const rows = eventRows(project, state);
  await stageRows(staged, 'events', rows);
  await stageRows(staged, 'handoffs', await handoffRows(request, endings));
  return skipped.length;
}

/** A table without rows has one empty file, so that queries find its columns. */
async function stageRows(
  staged: StagedExport,
  table: TableName,
  rows: readonly Row[],
): Promise<void> {
  const months = byMonth(rows, (row) => Number(row.at));
  const files = months.size === 0 ? ([['undated', []]] as const) : months;
  for (const [month, some] of files) {
    await staged.file(table, month, digestOf(some), () => [some]);
  }
}

function eventRows(project: string, state: BucketState): readonly Row[] {
  return timelineOf(state).entries.map((entry) => ({
    project,
    at: Number(entry.timeNs / 1_000_000n),
    type: entry.type,
    agent: entry.agent,
    step: entry.step,
    session: entry.sessionId,
    to: entry.to,
    epoch: entry.epoch,
    text: entry.text,
    is_derived: entry.isDerived,
    key: entry.key,
  }));
}

/** The part of an event that says how a step ended. */
const endingSchema = v.object({
  step: v.string(),
  session_id: v.optional(v.nullable(v.string()), null),
  data: v.object({ handoff: handoffSchema }),
});
type Ending = v.InferOutput<typeof endingSchema> & { readonly atMs: number };

function endingIn({ entry, body }: ReadEvent): Ending | undefined {
  const result = v.safeParse(endingSchema, parsedLine(body.toString('utf8')));
  if (!result.success) return undefined;
  return { ...result.output, atMs: Number(entry.timeNs / 1_000_000n) };
}

async function handoffRows(
  { store, sessions, project }: ExportRequest,
  endings: readonly Ending[],
): Promise<readonly Row[]> {
  const byId = new Map(sessions.map((session) => [session.id, session]));
  const read = new Map<string, Conversation | undefined>();
  const rows: Row[] = [];
  for (const ending of endings) {
    const session = byId.get(ending.session_id ?? '');
    if (session !== undefined && !read.has(session.id)) {
      const { harness, id } = session;
      const prefix = store.layout.session(harness, id);
      const stream = await readStream(store, { harness, session: id, stream: '', prefix });
      read.set(id, stream?.conversation);
    }
    rows.push(handoffRow(project, ending, session, read.get(session?.id ?? '')));
  }
  return rows;
}

function handoffRow(
  project: string,
  { step, session_id, data: { handoff }, atMs }: Ending,
  session: ListedSession | undefined,
  conversation: Conversation | undefined,
): Row {
  return {
    project,
    at: msOf(handoff.created_at) ?? atMs,
    step,
    epoch: handoff.epoch ?? null,
    from_agent: handoff.from_agent,
    to_agent: handoff.next_agent,
    state: handoff.state,
    note: handoff.note,
    next_action: handoff.next_action,
    changed_files: JSON.stringify(handoff.changed_files ?? []),
    harness: session?.harness ?? null,
    session: session_id,
    ...(conversation === undefined ? {} : turnsBefore(conversation, atMs)),
  };
}
