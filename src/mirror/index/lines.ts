import * as v from 'valibot';
import { type MetaDocument, metaSchema } from '../../protocol/documents.js';
import { type SessionRef, sessionKeyOf } from '../stream.js';
import { plainLine } from './plain-line.js';

/** A session in the derived index: its `meta.json` without the lists that only readers of that session need. */
export function indexedMeta(document: MetaDocument): MetaDocument {
  const { streams, streams_omitted } = document;
  return {
    ...document,
    parts: [],
    heads: [],
    streams: [],
    streams_omitted: streams_omitted + streams.length,
  };
}

export type IndexLines = ReadonlyMap<string, MetaDocument>;

/** By session; of two lines about one, the one that knows more remains. */
export function mergedLines(...all: readonly Iterable<MetaDocument>[]): Map<string, MetaDocument> {
  const merged = new Map<string, MetaDocument>();
  for (const lines of all) for (const line of lines) addLine(merged, line);
  return merged;
}

export function addLine(lines: Map<string, MetaDocument>, line: MetaDocument): void {
  const key = sessionKeyOf(refOf(line));
  const before = lines.get(key);
  if (before === undefined || ageOf(before) <= ageOf(line)) lines.set(key, line);
}

export function refOf({ harness, session_id: id }: MetaDocument): SessionRef {
  return { harness, id };
}

/** Two lines with the same upload differ only by what a hook reported afterwards. */
function ageOf({ last_uploaded_at, last_row_at, ended_at }: MetaDocument): string {
  return [last_uploaded_at, last_row_at, ended_at].map((time) => time ?? '').join(' ');
}

/** `2026-11`: the month it started in, so that a session stays in one file; `undated` if nothing says when. */
export function monthOf({ started_at, last_uploaded_at }: MetaDocument): string {
  return /^\d{4}-\d{2}/.exec(started_at ?? last_uploaded_at ?? '')?.[0] ?? 'undated';
}

/** Without what the schema fills in again: thousands of lines are read at once. */
export function encodeLines(lines: Iterable<MetaDocument>): Buffer {
  const isTold = (value: unknown): boolean =>
    value !== null && !(Array.isArray(value) && value.length === 0);
  const tell = (_name: string, value: unknown): unknown => (isTold(value) ? value : undefined);
  return Buffer.from([...lines].map((line) => `${JSON.stringify(line, tell)}\n`).join(''));
}

/** A line that cannot be read is left out: its session's `meta.json` is then read instead. */
export function parseLines(body: Buffer): readonly MetaDocument[] {
  const lines = body.toString('utf8').split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return plainLine(value) ?? judgedLine(value) ?? [];
    } catch {
      return [];
    }
  });
}

function judgedLine(value: unknown): MetaDocument | undefined {
  const result = v.safeParse(metaSchema, value);
  return result.success ? result.output : undefined;
}
