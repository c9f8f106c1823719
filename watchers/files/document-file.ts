import * as v from 'valibot';
import { SourceError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import type {
  Chunk,
  Position,
  ReadLimit,
  RecordStream,
  SessionFacts,
  SessionRef,
} from '../../src/mirror/stream.js';
import { matches, type RowFingerprint, shippedFingerprint } from '../sqlite/row-fingerprint.js';
import { unreadable } from '../unreadable.js';
import { lookAtFile, snapshotOf } from './file-snapshot.js';
import { openRegular } from './jsonl-file.js';
import { plainFingerprint, printSchema } from './record-file.js';
import type { SideFacts } from './side-facts.js';

/** How a document is told in lines. */
export interface DocumentRows {
  /** Its rows by key, in order; `undefined` if the text is no such document. */
  rowsIn(text: string): ReadonlyMap<string, Buffer> | undefined;
  /** A line that says which rows are left, once some are gone. */
  leftLine(rows: ReadonlyMap<string, Buffer>): Buffer;
  /** What a line says, whoever wrote it: the state of a row, or which ones are left. */
  parse(
    line: Buffer,
  ): { readonly key: string } | { readonly left: ReadonlySet<string> } | undefined;
}

interface DocumentFileOptions {
  readonly io: Io;
  readonly path: string;
  readonly session: SessionRef;
  readonly name: string;
  readonly rows: DocumentRows;
  readonly facts: (line: Buffer, before: SessionFacts) => SessionFacts;
  /** A file next to it that says more about its session. */
  readonly side?: SideFacts;
}

/** Node cannot hold a string of more than 512 MiB, and what is parsed takes several times as much. */
const largest = 64 << 20;

const shippedSchema = v.array(v.tuple([v.string(), printSchema]));

/**
 * A document that its harness writes anew with every change, and that holds rows with ids of their own: each state that a
 * row was seen in becomes a line. A document that is half written says nothing; the next look finds it whole.
 */
export function documentFile(file: DocumentFileOptions): RecordStream {
  const { io, path, session, name, rows, facts, side } = file;
  return {
    kind: 'records',
    isCompared: true,
    session,
    name,
    source: path,
    changed: (since) => lookAtFile(io, path, since),
    read: async (from, limit) => {
      await side?.look();
      return read(file, from, limit);
    },
    fold: (from, lines) => {
      const shipped = shippedAt(from) ?? new Map<string, RowFingerprint>();
      for (const line of lines) foldLine(shipped, rows, line);
      return positionOf(shipped, from.line + lines.length);
    },
    facts: (line, before) => side?.with(facts(line, before)) ?? facts(line, before),
  };
}

async function read(
  { io, path, rows }: DocumentFileOptions,
  from: Position,
  limit: ReadLimit,
): Promise<Chunk | 'moved' | 'gone'> {
  const shipped = shippedAt(from);
  if (shipped === undefined) return 'moved';
  const file = await openRegular(io, path);
  if (file === undefined) return 'gone';
  try {
    const stat = await file.stat();
    if (stat.size > largest) throw tooLarge(path);
    const bytes = Buffer.alloc(stat.size);
    const length = await file.read(bytes, 0);
    const found = rows.rowsIn(bytes.toString('utf8', 0, length));
    const taken = found === undefined ? nothing : take(rows, found, shipped, limit);
    return {
      lines: taken.lines,
      next: positionOf(shipped, from.line + taken.lines.length),
      snapshot: snapshotOf(stat),
      sourceBytes: taken.lines.reduce((sum, line) => sum + line.length, 0),
      rest: 0,
      more: taken.more,
    };
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await file.close();
  }
}

interface Taken {
  readonly lines: readonly Buffer[];
  /** The limit was reached. */
  readonly more: boolean;
}

const nothing: Taken = { lines: [], more: false };

/** What is new since `shipped`, which is brought up to date. */
function take(
  { leftLine }: DocumentRows,
  rows: ReadonlyMap<string, Buffer>,
  shipped: Map<string, RowFingerprint>,
  limit: ReadLimit,
): Taken {
  const lines: Buffer[] = [];
  let bytes = 0;
  const isFull = (line: Buffer): boolean =>
    lines.length > 0 &&
    (bytes + line.length > limit.bytes ||
      lines.length >= (limit.lines ?? Number.POSITIVE_INFINITY));
  const add = (line: Buffer): void => {
    lines.push(line);
    bytes += line.length;
  };
  for (const [key, line] of rows) {
    const print = shipped.get(key);
    if (print !== undefined && matches(print, line)) continue;
    if (isFull(line)) return { lines, more: true };
    add(line);
    shipped.set(key, shippedFingerprint(line));
  }
  const gone = [...shipped.keys()].filter((key) => !rows.has(key));
  if (gone.length === 0) return { lines, more: false };
  const left = leftLine(rows);
  if (isFull(left)) return { lines, more: true };
  add(left);
  for (const key of gone) shipped.delete(key);
  return { lines, more: false };
}

function foldLine(shipped: Map<string, RowFingerprint>, rows: DocumentRows, line: Buffer): void {
  const told = rows.parse(line);
  if (told === undefined) return;
  if ('key' in told) {
    shipped.set(told.key, shippedFingerprint(line));
    return;
  }
  for (const key of [...shipped.keys()]) if (!told.left.has(key)) shipped.delete(key);
}

/** `undefined` if it is no position of a document. */
function shippedAt({ at }: Position): Map<string, RowFingerprint> | undefined {
  const result = v.safeParse(shippedSchema, at ?? []);
  return result.success ? new Map(result.output) : undefined;
}

function positionOf(shipped: ReadonlyMap<string, RowFingerprint>, line: number): Position {
  return { line, at: [...shipped].map(([key, print]) => [key, plainFingerprint(print)]) };
}

function tooLarge(path: string): SourceError {
  return new SourceError('not-allowed', `not mirrored: ${path}: it is larger than 64 MiB`, {
    hint: 'It is one document, which cannot be compared in pieces.',
  });
}
