import { encodeDocument, type MetaDocument, type MetaStream } from '../../protocol/documents.js';
import { shorterUsage } from '../../protocol/usage-slots.js';
import { addCounts, type Counts } from '../../redact/counts.js';
import { type Checkpoint, nameOf, type ShippedPart } from '../checkpoint.js';
import type { StreamOutline } from '../outline.js';
import type { SessionFacts, SessionRef } from '../stream.js';

/** What is known about a session besides its chains. */
export interface SessionPicture {
  readonly session: SessionRef;
  readonly agent: string | null;
  readonly host: string;
  readonly sourcePath: string | null;
  readonly redactorVersion: string;
  readonly facts: SessionFacts;
  /** `undefined` until something of the main stream has been uploaded. */
  readonly main: StreamPicture | undefined;
  readonly further: ReadonlyMap<string, StreamPicture>;
}

/** One stream: how far it has come, and what its lines say. */
export interface StreamPicture {
  readonly checkpoint: Checkpoint;
  readonly facts: SessionFacts;
  readonly outline: StreamOutline | undefined;
}

/** Streams with this suffix hold what is known about a sub-agent besides its transcript. */
const recordSuffix = '.meta';
/** The latest time a `Date` can hold. */
const latestTime = 8.64e15;
const newestParts = 20;
/** Fewer parts are listed only if there is nothing else left to leave out. */
const fewParts = 4;
const maxBytes = 20_000;

/**
 * `meta.json`: derived from the chains, never load-bearing, and at most 20 KB however long the session is. Totals and
 * parts describe the main stream; `redaction_counts` covers all streams.
 */
export function metaDocument(picture: SessionPicture): MetaDocument {
  const { facts, further } = picture;
  const main = picture.main?.checkpoint;
  const outline = picture.main?.outline;
  const parts = main?.parts ?? [];
  const everything = [
    ...parts,
    ...[...further.values()].flatMap(({ checkpoint }) => checkpoint.parts),
  ];
  return {
    schema_version: 2,
    harness: picture.session.harness,
    session_id: picture.session.id,
    agent_id: picture.agent,
    host: picture.host,
    source_path: picture.sourcePath,
    cwd: facts.cwd ?? null,
    title: facts.named ?? outline?.title ?? null,
    name: facts.named ?? null,
    last_prompt: outline?.lastPrompt ?? null,
    model: facts.model ?? null,
    git_branch: facts.gitBranch ?? null,
    harness_version: facts.harnessVersion ?? null,
    parent_session_id: parentOf(picture) ?? null,
    started_at: facts.startedAt ?? null,
    last_row_at: lastRow(picture),
    last_uploaded_at: latestUpload(everything),
    ended_at: facts.endedAt ?? null,
    prompts: outline?.prompts ?? 0,
    turns: outline?.turns ?? 0,
    turn_starts: [...(outline?.turnStarts ?? [])],
    generation: main?.generation ?? 0,
    part_count: parts.length,
    total_lines: main?.position.line ?? 0,
    total_source_bytes: sum(parts, (part) => part.sourceBytes),
    total_uploaded_bytes: sum(parts, (part) => part.uploadedBytes),
    redaction_counts: totalCounts(everything),
    redactor_version: picture.redactorVersion,
    parts: parts.slice(-newestParts).map(metaPart),
    streams: metaStreams(further),
    streams_omitted: 0,
    heads: [],
    usage: null,
  };
}

/**
 * Ours, merged with what another machine wrote about the same session: streams that only that machine has, and how far
 * it came. An end unknown here is kept as long as nothing came after it.
 */
export function mergedMeta(
  ours: MetaDocument,
  before: MetaDocument,
  isReopened = false,
): MetaDocument {
  const names = new Set(ours.streams.map(({ name }) => name));
  const isOurs = before.host === ours.host;
  const hasNothingNew =
    !isReopened && before.total_lines === ours.total_lines && before.generation === ours.generation;
  const heads = before.heads.filter(({ host }) => host !== ours.host);
  const others = isOurs
    ? heads
    : [...heads.filter(({ host }) => host !== before.host), headOf(before)];
  return {
    ...ours,
    ended_at: ours.ended_at ?? (hasNothingNew ? before.ended_at : null),
    streams: [...ours.streams, ...before.streams.filter(({ name }) => !names.has(name))],
    heads: others.length === 0 ? [] : [...others.slice(-mostHeads), headOf(ours)],
  };
}

const mostHeads = 20;

function headOf(document: MetaDocument): MetaDocument['heads'][number] {
  const { host, agent_id, generation, total_lines, last_uploaded_at, parts } = document;
  const last_part = parts[parts.length - 1]?.name ?? null;
  return { host, agent_id, generation, total_lines, last_part, last_uploaded_at };
}

/** The document as stored: older parts are dropped first, then slots of usage are joined, then streams are only counted. */
export function encodeMeta(document: MetaDocument): Buffer {
  let fitted = document;
  let encoded = encodeDocument(fitted);
  while (encoded.length > maxBytes) {
    const shorter = shortened(fitted, encoded.length - maxBytes);
    if (shorter === undefined) return encoded;
    fitted = shorter;
    encoded = encodeDocument(fitted);
  }
  return encoded;
}

/** Shrinks it by at least this many bytes if possible; `undefined` if there is nothing to drop. */
function shortened(document: MetaDocument, bytes: number): MetaDocument | undefined {
  const { streams, parts } = document;
  if (parts.length > fewParts) {
    const mostGone = parts.length - fewParts;
    return { ...document, parts: parts.slice(Math.min(mostGone, countOf(parts, bytes))) };
  }
  const usage = shorterUsage(document.usage, bytes);
  if (usage !== undefined) return { ...document, usage };
  if (streams.length > 0) {
    const kept = streams.length - countOf([...streams].reverse(), bytes);
    const omitted = document.streams_omitted + streams.length - kept;
    return { ...document, streams: streams.slice(0, kept), streams_omitted: omitted };
  }
  return parts.length > 0 ? { ...document, parts: parts.slice(1) } : undefined;
}

/** How many of the first entries take up this many bytes; at least one. */
function countOf(entries: readonly object[], bytes: number): number {
  let count = 0;
  for (let taken = 0; count < entries.length && taken < bytes; count += 1) {
    taken += encodeDocument([[entries[count]]]).length;
  }
  return Math.max(1, count);
}

function metaPart(part: ShippedPart): MetaDocument['parts'][number] {
  return {
    seq: part.sequence,
    name: nameOf(part),
    cursor_range: [part.startLine, part.endLine],
    source_bytes: part.sourceBytes,
    uploaded_bytes: part.uploadedBytes,
    lines: part.endLine - part.startLine,
    redactions: { ...part.redactions },
    uploaded_at: new Date(part.uploadedAtMs).toISOString(),
  };
}

/** The session that started this one or that it was copied from: as its rows say, else as its harness says elsewhere. */
function parentOf({ session, facts, main }: SessionPicture): string | undefined {
  const { spawnedBy, forkedFrom } = main?.outline ?? {};
  const told = spawnedBy?.session ?? forkedFrom?.session;
  return told === undefined || told === session.id ? facts.parentSessionId : told;
}

function lastRow({ main, further }: SessionPicture): string | null {
  const streams = [...(main === undefined ? [] : [main]), ...further.values()];
  const times = streams.flatMap(({ outline }) => outline?.lastAtMs ?? []);
  const last = times.reduce((newest, time) => Math.max(newest, time), Number.NEGATIVE_INFINITY);
  return Math.abs(last) <= latestTime ? new Date(last).toISOString() : null;
}

/** A sub-agent's record is merged into the entry of its transcript and not listed as a separate stream. */
function metaStreams(further: ReadonlyMap<string, StreamPicture>): MetaStream[] {
  const isListed = (name: string): boolean =>
    !name.endsWith(recordSuffix) || !further.has(name.slice(0, -recordSuffix.length));
  return [...further]
    .filter(([name]) => isListed(name))
    .map(([name, stream]) => metaStream(name, stream, further.get(name + recordSuffix)));
}

function metaStream(
  name: string,
  { checkpoint, outline }: StreamPicture,
  record: StreamPicture | undefined,
): MetaStream {
  const by = record?.outline?.spawnedBy ?? outline?.spawnedBy;
  return {
    name,
    part_count: checkpoint.parts.length,
    total_lines: checkpoint.position.line,
    total_uploaded_bytes: sum(checkpoint.parts, (part) => part.uploadedBytes),
    ...known({
      title: outline?.title,
      description: record?.outline?.title,
      agent_type: record?.facts.agentType,
      parent_stream: by?.stream,
      call_id: by?.callId,
    }),
  };
}

/** Omits unknown fields: there may be hundreds of streams. */
function known<Name extends string>(
  texts: Readonly<Record<Name, string | undefined>>,
): { readonly [One in Name]?: string } {
  const told = Object.entries<string | undefined>(texts).filter(([, text]) => text !== undefined);
  return Object.fromEntries(told) as { readonly [One in Name]?: string };
}

function totalCounts(parts: readonly ShippedPart[]): Record<string, number> {
  return { ...parts.reduce<Counts>((total, part) => addCounts(total, part.redactions), {}) };
}

function latestUpload(parts: readonly ShippedPart[]): string | null {
  if (parts.length === 0) return null;
  const latest = parts.reduce((newest, part) => Math.max(newest, part.uploadedAtMs), 0);
  return new Date(latest).toISOString();
}

function sum(parts: readonly ShippedPart[], of: (part: ShippedPart) => number): number {
  return parts.reduce((total, part) => total + of(part), 0);
}
