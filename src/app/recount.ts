import { inParallel } from '../concurrency.js';
import { joinedUsage } from '../conversation/usage-join.js';
import { encodeMeta } from '../mirror/meta/document.js';
import { listStreams } from '../mirror/slots/session-streams.js';
import { type ReadStream, readStream } from '../mirror/slots/stream-usage.js';
import type { SessionRef } from '../mirror/stream.js';
import {
  type MetaDocument,
  type MetaStream,
  metaSchema,
  parseDocument,
} from '../protocol/documents.js';
import type { SessionStore } from '../sessions/conversation.js';
import { openOutline } from './outlines.js';

/** What a session's `meta.json` should say, from its parts alone. */
export interface Recount {
  readonly document: MetaDocument;
  /** Fields in which the stored document differs. */
  readonly differences: readonly string[];
}

interface NamedStream extends ReadStream {
  readonly name: string;
}

/**
 * Counts a session anew: lines, turns, titles and tokens. What only its source tells (folder, branch, redactions) stays
 * as it was. `undefined` if nothing of it is there.
 */
export async function recounted(
  { bucket, layout }: SessionStore,
  session: SessionRef,
  before: MetaDocument | undefined,
): Promise<Recount | undefined> {
  const places = await listStreams(bucket, layout, session);
  const read = await inParallel(places, async ({ name, prefix }) => {
    const stream = await readStream(bucket, prefix, (state) => openOutline(session, name, state));
    return stream === undefined ? [] : [{ name, ...stream }];
  });
  const streams = read.flat();
  if (streams.length === 0) return undefined;
  const counted = streams.flatMap(({ name, lines, usage, earlier }) =>
    usage === undefined ? [] : [{ name, lines, usage, earlier }],
  );
  const document: MetaDocument = {
    ...(before ?? emptyMeta(session)),
    ...countsOf(streams, before),
    usage: counted.length === 0 ? null : joinedUsage(counted),
  };
  return { document, differences: differencesOf(before, asStored(document)) };
}

function countsOf(streams: readonly NamedStream[], before: MetaDocument | undefined) {
  const main = streams.find(({ name }) => name === '');
  const outline = main?.outline;
  const parent = outline?.spawnedBy?.session ?? outline?.forkedFrom?.session;
  const times = streams.flatMap((one) => one.outline?.lastAtMs ?? []);
  const last = times.reduce((newest, time) => Math.max(newest, time), Number.NEGATIVE_INFINITY);
  const further = streams.filter(({ name }) => name !== '');
  return {
    title: before?.name ?? outline?.title ?? null,
    last_prompt: outline?.lastPrompt ?? null,
    parent_session_id: parent ?? before?.parent_session_id ?? null,
    last_row_at: Math.abs(last) < 8.64e15 ? new Date(last).toISOString() : null,
    prompts: outline?.prompts ?? 0,
    turns: outline?.turns ?? 0,
    turn_starts: [...(outline?.turnStarts ?? [])],
    generation: main?.generation ?? 0,
    part_count: main?.parts ?? 0,
    total_lines: main?.lines ?? 0,
    total_uploaded_bytes: main?.uploadedBytes ?? 0,
    streams: streamsOf(further, before?.streams ?? []),
  };
}

/** Those that are listed stay in their order; a sub-agent's record has no entry of its own. */
function streamsOf(streams: readonly NamedStream[], listed: readonly MetaStream[]): MetaStream[] {
  const names = new Set(streams.map(({ name }) => name));
  const found = new Map(streams.map((one) => [one.name, one]));
  const recount = (known: MetaStream | undefined, stream: NamedStream): MetaStream => ({
    ...known,
    name: stream.name,
    part_count: stream.parts,
    total_lines: stream.lines,
    total_uploaded_bytes: stream.uploadedBytes,
    ...(stream.outline?.title === undefined ? {} : { title: stream.outline.title }),
  });
  const kept = listed.flatMap((one) => {
    const stream = found.get(one.name);
    found.delete(one.name);
    return stream === undefined ? [] : [recount(one, stream)];
  });
  const isRecord = (name: string): boolean =>
    name.endsWith('.meta') && names.has(name.slice(0, -5));
  const others = [...found.values()].filter(({ name }) => !isRecord(name));
  return [...kept, ...others.map((one) => recount(undefined, one))];
}

/** What `doctor --deep` compares: what readers add up and navigate by. */
const compared = ['usage', 'total_lines', 'title', 'prompts', 'turns', 'turn_starts'] as const;

function differencesOf(before: MetaDocument | undefined, after: MetaDocument): readonly string[] {
  if (before === undefined) return ['meta.json'];
  return compared.filter((name) => told(before[name]) !== told(after[name]));
}

/** As a reader finds it: a large document is shortened when it is written. */
function asStored(document: MetaDocument): MetaDocument {
  return parseDocument(metaSchema, 'meta.json', encodeMeta(document));
}

/** In one order of names; how far each stream was counted does not matter where the counts agree. */
function told(value: unknown): string {
  return JSON.stringify(value, (name, one: unknown) => {
    if (name === 'through') return undefined;
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return one;
    const entries = Object.entries(one).sort(([left], [right]) => (left < right ? -1 : 1));
    return Object.fromEntries(entries);
  });
}

function emptyMeta({ harness, id }: SessionRef): MetaDocument {
  return {
    schema_version: 2,
    harness,
    session_id: id,
    agent_id: null,
    host: null,
    source_path: null,
    cwd: null,
    title: null,
    name: null,
    last_prompt: null,
    model: null,
    git_branch: null,
    harness_version: null,
    parent_session_id: null,
    started_at: null,
    last_row_at: null,
    last_uploaded_at: null,
    ended_at: null,
    prompts: 0,
    turns: 0,
    turn_starts: [],
    generation: 0,
    part_count: 0,
    total_lines: 0,
    total_source_bytes: 0,
    total_uploaded_bytes: 0,
    redaction_counts: {},
    redactor_version: null,
    parts: [],
    streams: [],
    streams_omitted: 0,
    heads: [],
    usage: null,
  };
}
