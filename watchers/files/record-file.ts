import * as v from 'valibot';
import type { Io } from '../../src/io.js';
import type {
  Chunk,
  FileSnapshot,
  JsonValue,
  Position,
  RecordStream,
  SessionFacts,
  SessionRef,
} from '../../src/mirror/stream.js';
import { matches, type RowFingerprint, shippedFingerprint } from '../sqlite/row-fingerprint.js';
import { unreadable } from '../unreadable.js';
import { lookAtFile, snapshotOf } from './file-snapshot.js';
import { openRegular } from './jsonl-file.js';

interface RecordFile {
  readonly io: Io;
  readonly path: string;
  readonly session: SessionRef;
  readonly name: string;
  readonly facts: (line: Buffer, before: SessionFacts) => SessionFacts;
  /** How the document is written, if not as JSON. */
  readonly parse?: (text: string) => unknown;
}

/** Such files are a few hundred bytes; anything much larger is something else. */
const largest = 1 << 20;

export const printSchema = v.union([
  v.string(),
  v.array(v.tuple([v.number(), v.number(), v.string()])),
]);
const positionSchema = v.nullable(printSchema);

/**
 * A small document that its harness replaces as a whole: each state seen becomes a line. A half-written document
 * is no state; the next look finds it whole.
 */
export function recordFile(file: RecordFile): RecordStream {
  return new RecordFileStream(file);
}

/** A class, because there may be tens of thousands of them. */
class RecordFileStream implements RecordStream {
  readonly kind = 'records';
  readonly isCompared = true;
  readonly #file: RecordFile;

  constructor(file: RecordFile) {
    this.#file = file;
  }

  get session(): SessionRef {
    return this.#file.session;
  }

  get name(): string {
    return this.#file.name;
  }

  get source(): string {
    return this.#file.path;
  }

  changed(since: FileSnapshot | undefined): Promise<FileSnapshot | undefined> {
    return lookAtFile(this.#file.io, this.#file.path, since);
  }

  read(from: Position): Promise<Chunk | 'moved' | 'gone'> {
    return read(this.#file, from);
  }

  fold(from: Position, shipped: readonly Buffer[]): Position {
    const last = shipped.at(-1);
    const at = last === undefined ? from.at : plainFingerprint(shippedFingerprint(last));
    return { line: from.line + shipped.length, at };
  }

  facts(line: Buffer, before: SessionFacts): SessionFacts {
    return this.#file.facts(line, before);
  }
}

async function read(
  { io, path, parse }: RecordFile,
  from: Position,
): Promise<Chunk | 'moved' | 'gone'> {
  const known = v.safeParse(positionSchema, from.at);
  if (!known.success) return 'moved';
  const file = await openRegular(io, path);
  if (file === undefined) return 'gone';
  try {
    const stat = await file.stat();
    const bytes = Buffer.alloc(Math.min(stat.size, largest + 1));
    const length = await file.read(bytes, 0);
    const line = lineOf(bytes.subarray(0, length), parse ?? JSON.parse);
    const isNew = line !== undefined && (known.output === null || !matches(known.output, line));
    return {
      lines: isNew ? [line] : [],
      next: isNew ? { line: from.line + 1, at: plainFingerprint(shippedFingerprint(line)) } : from,
      snapshot: snapshotOf(stat),
      sourceBytes: isNew ? length : 0,
      rest: 0,
      more: false,
    };
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await file.close();
  }
}

/** The document on one line; `undefined` if it is none. */
function lineOf(bytes: Buffer, parse: (text: string) => unknown): Buffer | undefined {
  if (bytes.length > largest) return undefined;
  try {
    const document = parse(bytes.toString('utf8'));
    const isRecord = typeof document === 'object' && document !== null && !Array.isArray(document);
    return isRecord ? Buffer.from(`${JSON.stringify(document)}\n`) : undefined;
  } catch {
    return undefined;
  }
}

/** As JSON keeps it. */
export function plainFingerprint(print: RowFingerprint): JsonValue {
  return typeof print === 'string' ? print : print.map((piece) => [...piece]);
}
