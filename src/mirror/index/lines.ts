import * as v from 'valibot';
import { type MetaDocument, ownMetaSchema } from '../../protocol/documents.js';
import { type SessionRef, sessionKeyOf } from '../stream.js';

/** In the order in which they are written: the times come first, so that they are found without parsing the rest. */
const listed = [
  'harness',
  'session_id',
  'started_at',
  'last_row_at',
  'last_uploaded_at',
  'ended_at',
  'agent_id',
  'host',
  'cwd',
  'title',
  'parent_session_id',
  'turns',
  'total_lines',
  'total_uploaded_bytes',
] as const;

/** What a list of thousands is filtered and sorted by: to check the other fields takes longer than to read the store. */
export const listedFields = v.pick(ownMetaSchema, listed);
export type ListedFields = v.InferOutput<typeof listedFields>;

/** A session in the derived index. Everything else in its `meta.json` concerns readers of that session only. */
export function indexedFields(document: MetaDocument): ListedFields {
  return v.parse(listedFields, document);
}

export type ListedKey = Pick<MetaDocument, 'harness' | 'session_id' | 'last_uploaded_at'> &
  Partial<Pick<MetaDocument, 'last_row_at' | 'ended_at'>>;

/** By session; of two lines about one, the one that knows more remains. */
export function mergedLines<Line extends ListedKey>(
  ...all: readonly Iterable<Line>[]
): Map<string, Line> {
  const merged = new Map<string, Line>();
  for (const lines of all) for (const line of lines) addLine(merged, line);
  return merged;
}

export function addLine<Line extends ListedKey>(lines: Map<string, Line>, line: Line): void {
  const key = sessionKeyOf(refOf(line));
  if (isNewer(line, lines.get(key))) lines.set(key, line);
}

/** Whether a line knows as much as another one about the same session, or more. */
export function isNewer(line: ListedKey, before: ListedKey | undefined): boolean {
  return before === undefined || ageOf(before) <= ageOf(line);
}

export function refOf({ harness, session_id: id }: ListedKey): SessionRef {
  return { harness, id };
}

/** Two lines with the same upload differ only by what a hook reported afterwards. */
function ageOf({ last_uploaded_at, last_row_at, ended_at }: ListedKey): string {
  return `${last_uploaded_at ?? ''} ${last_row_at ?? ''} ${ended_at ?? ''}`;
}

/** `2026-11`: the month it started in, so that a session stays in one file; `undated` if nothing says when. */
export function monthOf({
  started_at,
  last_uploaded_at,
}: Pick<MetaDocument, 'started_at' | 'last_uploaded_at'>): string {
  return /^\d{4}-\d{2}/.exec(started_at ?? last_uploaded_at ?? '')?.[0] ?? 'undated';
}

/** Without what the schema fills in again: thousands of lines are read at once. */
export function encodeLines(lines: Iterable<ListedFields>): Buffer {
  const tell = (_name: string, value: unknown): unknown => value ?? undefined;
  return Buffer.from([...lines].map((line) => `${JSON.stringify(line, tell)}\n`).join(''));
}

/** A line that cannot be read is left out: its session's `meta.json` is then read instead. */
export function parseFields<Fields>(
  schema: v.GenericSchema<unknown, Fields>,
  body: Buffer,
): readonly Fields[] {
  const lines = body.toString('utf8').split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    const result = v.safeParse(schema, jsonOf(line));
    return result.success ? [result.output] : [];
  });
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
