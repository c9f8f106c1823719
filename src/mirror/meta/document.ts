import { encodeDocument, type MetaDocument, type MetaStream } from '../../protocol/documents.js';
import { addCounts, type Counts } from '../../redact/counts.js';
import { type Checkpoint, nameOf, type ShippedPart } from '../checkpoint.js';
import type { SessionFacts, SessionRef } from '../stream.js';

/** What is known of a session besides its chains. */
export interface SessionPicture {
  readonly session: SessionRef;
  readonly agent: string | null;
  readonly host: string;
  readonly sourcePath: string | null;
  readonly redactorVersion: string;
  readonly facts: SessionFacts;
  /** `undefined` while nothing of the main stream was shipped. */
  readonly main: Checkpoint | undefined;
  readonly further: ReadonlyMap<string, Checkpoint>;
}

const newestParts = 20;
const maxBytes = 20_000;

/**
 * `meta.json`: derived from the chains, never load-bearing, and at most 20 KB however long the session. Totals and parts
 * speak of the main stream; `redaction_counts` of all streams.
 */
export function metaDocument(picture: SessionPicture): MetaDocument {
  const { facts, main } = picture;
  const parts = main?.parts ?? [];
  const everything = [
    ...parts,
    ...[...picture.further.values()].flatMap((checkpoint) => checkpoint.parts),
  ];
  return {
    schema_version: 2,
    harness: picture.session.harness,
    session_id: picture.session.id,
    agent_id: picture.agent,
    host: picture.host,
    source_path: picture.sourcePath,
    cwd: facts.cwd ?? null,
    title: facts.title ?? null,
    model: facts.model ?? null,
    git_branch: facts.gitBranch ?? null,
    harness_version: facts.harnessVersion ?? null,
    parent_session_id: facts.parentSessionId ?? null,
    started_at: facts.startedAt ?? null,
    last_uploaded_at: latestUpload(everything),
    ended_at: facts.endedAt ?? null,
    generation: main?.generation ?? 0,
    part_count: parts.length,
    total_lines: main?.position.line ?? 0,
    total_source_bytes: sum(parts, (part) => part.sourceBytes),
    total_uploaded_bytes: sum(parts, (part) => part.uploadedBytes),
    redaction_counts: totalCounts(everything),
    redactor_version: picture.redactorVersion,
    parts: parts.slice(-newestParts).map(metaPart),
    streams: [...picture.further].map(metaStream),
    streams_omitted: 0,
    heads: [],
  };
}

/**
 * Ours, with what another machine wrote about the same session before: streams that only it has, and how far it came. An end
 * that nobody here knows of is kept as long as nothing came after it.
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

/** The document as stored: streams beyond what fits are counted, not listed; then the older of the listed parts go. */
export function encodeMeta(document: MetaDocument): Buffer {
  let fitted = document;
  let encoded = encodeDocument(fitted);
  while (encoded.length > maxBytes) {
    const shorter = shortened(fitted);
    if (shorter === undefined) return encoded;
    fitted = shorter;
    encoded = encodeDocument(fitted);
  }
  return encoded;
}

function shortened(document: MetaDocument): MetaDocument | undefined {
  const { streams, parts } = document;
  if (streams.length > 0) {
    const kept = streams.slice(0, Math.floor(streams.length * 0.8));
    const omitted = document.streams_omitted + streams.length - kept.length;
    return { ...document, streams: kept, streams_omitted: omitted };
  }
  return parts.length > 0 ? { ...document, parts: parts.slice(1) } : undefined;
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

function metaStream([name, checkpoint]: readonly [string, Checkpoint]): MetaStream {
  return {
    name,
    part_count: checkpoint.parts.length,
    total_lines: checkpoint.position.line,
    total_uploaded_bytes: sum(checkpoint.parts, (part) => part.uploadedBytes),
  };
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
