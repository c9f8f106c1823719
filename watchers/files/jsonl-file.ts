import * as v from 'valibot';
import type { FileStat, Io, OpenFile } from '../../src/io.js';
import type {
  Chunk,
  FileSnapshot,
  LineStream,
  Position,
  ReadLimit,
  SessionFacts,
  SessionRef,
} from '../../src/mirror/stream.js';
import { isNoFile, unreadable } from '../unreadable.js';
import { lookAtFile, snapshotOf } from './file-snapshot.js';
import {
  type Cut,
  chunkOf,
  cutLines,
  FileWindow,
  firstRead,
  hashOf,
  LineTooLong,
  tailBytes,
} from './line-window.js';
import type { SideFacts } from './side-facts.js';

interface JsonlFile {
  readonly io: Io;
  readonly path: string;
  readonly session: SessionRef;
  /** '' for the session's main stream. */
  readonly name: string;
  readonly facts: (line: Buffer, before: SessionFacts) => SessionFacts;
  readonly isKeptFor?: (folder: string) => boolean;
  /** A file next to it that says more about its session. */
  readonly side?: SideFacts;
}

const fileOffsetSchema = v.object({
  offset: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  dev: v.string(),
  ino: v.string(),
  tail: v.string(),
});
/**
 * What a position remembers: how far into which file, and a hash of the bytes just before. Kept on this machine only.
 */
type FileOffset = v.InferOutput<typeof fileOffsetSchema>;

/**
 * The lines of a file that is mostly appended to. A position remembers the file (device and inode), the offset, and a
 * hash of the bytes just before it, taken when they were read: a file that was truncated, replaced or rewritten there
 * no longer matches the position, whatever its size and times say. `changed` and `read` fail with an error that names
 * the file if the disk refuses.
 */
export function jsonlFile(file: JsonlFile): LineStream {
  return new JsonlStream(file);
}

/** A class, because there may be a hundred thousand of them. */
class JsonlStream implements LineStream {
  readonly kind = 'lines';
  readonly #file: JsonlFile;

  constructor(file: JsonlFile) {
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

  async read(from: Position, limit: ReadLimit): Promise<Chunk | 'moved' | 'gone'> {
    await this.#file.side?.look();
    return readFile(this.#file, from, limit);
  }

  facts(line: Buffer, before: SessionFacts): SessionFacts {
    const { facts, side } = this.#file;
    return side === undefined ? facts(line, before) : side.with(facts(line, before));
  }

  isKeptFor(folder: string): boolean {
    return this.#file.isKeptFor?.(folder) ?? false;
  }
}

/** `undefined` if there is no regular file of this name (any more). */
export async function openRegular(io: Io, path: string): Promise<OpenFile | undefined> {
  try {
    return await io.open(path);
  } catch (error) {
    if (isNoFile(error)) return undefined;
    throw unreadable(path, error);
  }
}

async function readFile(
  { io, path }: JsonlFile,
  from: Position,
  limit: ReadLimit,
): Promise<Chunk | 'moved' | 'gone'> {
  const file = await openRegular(io, path);
  if (file === undefined) return 'gone';
  try {
    const before = await file.stat();
    if (before.kind !== 'file') return 'gone';
    const cut = await cutFrom(file, before, from, limit);
    if (cut === 'moved') return 'moved';
    if (!onlyGrew(before, await file.stat())) return 'moved';
    const { dev, ino } = before;
    return chunkOf(from, snapshotOf(before), cut, (end): FileOffset => ({ ...end, dev, ino }));
  } catch (error) {
    throw error instanceof LineTooLong ? error.in(path) : unreadable(path, error);
  } finally {
    await file.close();
  }
}

/** Whether what was read between the two stats is one state of the file. */
export function onlyGrew(before: FileStat, after: FileStat): boolean {
  return (
    after.size > before.size || (after.size === before.size && after.ctimeNs === before.ctimeNs)
  );
}

async function cutFrom(
  file: OpenFile,
  stat: FileStat,
  from: Position,
  limit: ReadLimit,
): Promise<Cut | 'moved'> {
  const fileOffset = fileOffsetIn(from);
  if (fileOffset === 'unreadable') return 'moved';
  const isSameFile =
    fileOffset === undefined || (fileOffset.dev === stat.dev && fileOffset.ino === stat.ino);
  const offset = fileOffset?.offset ?? 0;
  if (!isSameFile || stat.size < offset) return 'moved';
  const start = Math.min(tailBytes, offset);
  const window = new FileWindow(file, offset - start, stat.size, limit.into);
  if (!(await window.extendTo(start + firstRead(limit)))) return 'moved';
  if (fileOffset !== undefined && hashOf(window.bytes.subarray(0, start)) !== fileOffset.tail)
    return 'moved';
  return cutLines(window, start, limit);
}

function fileOffsetIn(from: Position): FileOffset | undefined | 'unreadable' {
  if (from.at === null) return undefined;
  const result = v.safeParse(fileOffsetSchema, from.at);
  return result.success ? result.output : 'unreadable';
}
