import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { UnsupportedError } from '../src/errors.js';
import type { FileStat, Io, OpenFile } from '../src/io.js';
import type {
  Chunk,
  LineStream,
  Look,
  Position,
  ReadLimit,
  SessionFacts,
  SessionRef,
} from '../src/mirror/stream.js';
import { isNoFile, unreadable } from './unreadable.js';

export interface JsonlFile {
  readonly io: Io;
  readonly path: string;
  readonly session: SessionRef;
  /** '' for the session's main stream. */
  readonly name: string;
  readonly facts: (line: Buffer, before: SessionFacts) => SessionFacts;
}

const newline = 0x0a;
/** How much before a position is remembered by hash, to notice that it was rewritten. */
const tailBytes = 4096;
const smallestRead = 4 * 1024;
/** First read when only a number of lines is asked for. */
const unlimitedRead = 64 * 1024;
/** First read at most, whatever the limit: memory stays flat on a file of any size. */
const largestFirstRead = 16 << 20;
/** Past this a line cannot be held, let alone be redacted whole; no harness is known to write one. */
const longestLine = 1 << 30;

const markSchema = v.object({
  offset: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  dev: v.string(),
  ino: v.string(),
  tail: v.string(),
});
/** What a position remembers: how far into which file, and a hash of the bytes just before. Kept on this machine only. */
type Mark = v.InferOutput<typeof markSchema>;

/**
 * The lines of a file that is mostly appended to. A position remembers which file it was in (device and inode), how far,
 * and a hash of the bytes just before it, taken when they were read: a file that was truncated, replaced or rewritten
 * there no longer holds the position, whatever its size and times say. `changed` and `read` fail with an error that names
 * the file when the disk will not give it.
 */
export function jsonlFile(file: JsonlFile): LineStream {
  return {
    kind: 'lines',
    session: file.session,
    name: file.name,
    source: file.path,
    changed: (since) => lookAt(file, since),
    read: (from, limit) => readFile(file, from, limit),
    facts: file.facts,
  };
}

export function lookOf(stat: FileStat): Look {
  return {
    token: `${stat.dev}:${stat.ino}:${stat.size}:${stat.ctimeNs}`,
    size: stat.size,
    modifiedAtMs: stat.mtimeMs,
  };
}

/** `undefined` when there is no regular file of this name (any more). */
export async function openRegular(io: Io, path: string): Promise<OpenFile | undefined> {
  try {
    return await io.open(path);
  } catch (error) {
    if (isNoFile(error)) return undefined;
    throw unreadable(path, error);
  }
}

async function lookAt({ io, path }: JsonlFile, since: Look | undefined): Promise<Look | undefined> {
  try {
    const stat = await io.stat(path);
    if (stat?.kind !== 'file') return undefined;
    const look = lookOf(stat);
    return look.token === since?.token ? undefined : look;
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
    return onlyGrew(before, await file.stat()) ? chunkOf(from, before, cut) : 'moved';
  } catch (error) {
    throw error instanceof LineTooLong ? error.in(path) : unreadable(path, error);
  } finally {
    await file.close();
  }
}

function onlyGrew(before: FileStat, after: FileStat): boolean {
  return (
    after.size > before.size || (after.size === before.size && after.ctimeNs === before.ctimeNs)
  );
}

interface Cut {
  readonly window: Window;
  /** Where the first line begins and each line ends, counted in the window. */
  readonly start: number;
  readonly ends: readonly number[];
}

async function cutFrom(
  file: OpenFile,
  stat: FileStat,
  from: Position,
  limit: ReadLimit,
): Promise<Cut | 'moved'> {
  const mark = markIn(from);
  if (mark === 'unreadable') return 'moved';
  const isSameFile = mark === undefined || (mark.dev === stat.dev && mark.ino === stat.ino);
  const offset = mark?.offset ?? 0;
  if (!isSameFile || stat.size < offset) return 'moved';
  const start = Math.min(tailBytes, offset);
  const window = new Window(file, offset - start, stat.size);
  if (!(await window.extendTo(start + firstRead(limit)))) return 'moved';
  if (mark !== undefined && hash(window.bytes.subarray(0, start)) !== mark.tail) return 'moved';
  const ends = await lineEnds(window, start, limit);
  return ends === 'moved' ? 'moved' : { window, start, ends };
}

function markIn(from: Position): Mark | undefined | 'unreadable' {
  if (from.at === null) return undefined;
  const result = v.safeParse(markSchema, from.at);
  return result.success ? result.output : 'unreadable';
}

function firstRead(limit: ReadLimit): number {
  const wanted = Number.isFinite(limit.bytes) ? limit.bytes : unlimitedRead;
  return Math.min(Math.max(wanted, smallestRead), largestFirstRead);
}

/**
 * The bytes between two offsets of a file, as far as they were needed yet. Each byte is read once, so that what is hashed,
 * cut and shipped is one and the same; bytes that were appended past `end` meanwhile do not count.
 */
class Window {
  readonly #file: OpenFile;
  readonly #base: number;
  readonly #end: number;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(file: OpenFile, base: number, end: number) {
    this.#file = file;
    this.#base = base;
    this.#end = end;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get offset(): number {
    return this.#base;
  }

  get isComplete(): boolean {
    return this.#base + this.#bytes.length === this.#end;
  }

  /** `false` when the file turned out to be shorter than its size said. */
  async extendTo(length: number): Promise<boolean> {
    const filled = this.#bytes.length;
    const target = Math.min(length, this.#end - this.#base);
    if (target <= filled) return true;
    const larger = Buffer.allocUnsafeSlow(target);
    this.#bytes.copy(larger);
    const read = await this.#file.read(larger.subarray(filled), this.#base + filled);
    this.#bytes = larger.subarray(0, filled + read);
    return filled + read === target;
  }
}

/** Reads on until the limit is used up, and always until there is one line, if there is one. */
async function lineEnds(
  window: Window,
  start: number,
  limit: ReadLimit,
): Promise<readonly number[] | 'moved'> {
  const ends: number[] = [];
  let searched = start;
  for (let wanted = firstRead(limit); ; wanted *= 2) {
    if (!(await window.extendTo(start + wanted))) return 'moved';
    const isFull = collectEnds(window.bytes, searched, start, limit, ends);
    const canHoldNoMore = ends.length > 0 && wanted >= Math.min(limit.bytes, longestLine);
    if (isFull || canHoldNoMore || window.isComplete) return ends;
    if (wanted >= longestLine) throw new LineTooLong(window.offset + start);
    searched = window.bytes.length;
  }
}

/** Adds the ends of the lines that fit; `true` when the limit allows no further one. */
function collectEnds(
  bytes: Buffer,
  from: number,
  start: number,
  limit: ReadLimit,
  ends: number[],
): boolean {
  const maxLines = Math.max(1, limit.lines ?? Number.POSITIVE_INFINITY);
  for (let at = bytes.indexOf(newline, from); at !== -1; at = bytes.indexOf(newline, at + 1)) {
    const length = at + 1 - start;
    if (length > limit.bytes && ends.length > 0) return true;
    ends.push(at + 1);
    if (ends.length >= maxLines || length >= limit.bytes) return true;
  }
  return false;
}

function chunkOf(from: Position, stat: FileStat, { window, start, ends }: Cut): Chunk {
  const { bytes } = window;
  const end = ends.at(-1) ?? start;
  const more = !window.isComplete || bytes.indexOf(newline, end) !== -1;
  const mark: Mark = {
    offset: window.offset + end,
    dev: stat.dev,
    ino: stat.ino,
    tail: hash(bytes.subarray(Math.max(0, end - tailBytes), end)),
  };
  return {
    lines: ends.map((lineEnd, index) => bytes.subarray(ends[index - 1] ?? start, lineEnd)),
    next: ends.length === 0 ? from : { line: from.line + ends.length, at: mark },
    look: lookOf(stat),
    sourceBytes: end - start,
    rest: more ? 0 : bytes.length - end,
    more,
  };
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

class LineTooLong extends Error {
  readonly #offset: number;

  constructor(offset: number) {
    super('line too long');
    this.#offset = offset;
  }

  in(path: string): UnsupportedError {
    return new UnsupportedError(
      `a line of more than 1 GiB begins at byte ${this.#offset} of ${path}`,
      { hint: 'It cannot be redacted whole, so this file is mirrored up to that line.' },
    );
  }
}
