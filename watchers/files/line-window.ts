import { createHash } from 'node:crypto';
import { SourceError } from '../../src/errors.js';
import type { OpenFile } from '../../src/io.js';
import type {
  Chunk,
  FileSnapshot,
  JsonValue,
  Position,
  ReadLimit,
} from '../../src/mirror/stream.js';

/** How much before a position is hashed, to notice that it was rewritten. */
export const tailBytes = 4096;

const newline = 0x0a;
const smallestRead = 4 * 1024;
/** First read when only a number of lines is asked for. */
const unlimitedRead = 64 * 1024;
/** The most to read first, whatever the limit: memory stays constant on a file of any size. */
const largestFirstRead = 16 << 20;
/** A longer line cannot be held in memory, let alone redacted whole; no harness is known to write one. */
const longestLine = 1 << 30;

/** The bytes of a source from some offset on, as far as they were needed so far. */
export interface ByteWindow {
  readonly bytes: Buffer;
  /** Where in the source the bytes begin. */
  readonly offset: number;
  /** Bytes past which a line is not held. */
  readonly longestLine: number;
  /** Whether the bytes reach the end of the source. */
  readonly isComplete: boolean;
  /** Extends it to at least this length, or to the source's end; `false` if the source is shorter than reported. */
  extendTo(length: number): Promise<boolean>;
}

/**
 * A window on a file. Each byte is read once, so that the bytes hashed, cut and uploaded are the same; bytes appended
 * past `end` meanwhile do not count.
 */
export class FileWindow implements ByteWindow {
  readonly #file: OpenFile;
  readonly #base: number;
  readonly #end: number;
  readonly #into: Buffer;
  #bytes: Buffer = Buffer.alloc(0);

  /** `into`: memory for the bytes, as far as they fit. */
  constructor(file: OpenFile, base: number, end: number, into: Buffer = Buffer.alloc(0)) {
    this.#file = file;
    this.#base = base;
    this.#end = end;
    this.#into = into;
  }

  get longestLine(): number {
    return longestLine;
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

  async extendTo(length: number): Promise<boolean> {
    const filled = this.#bytes.length;
    const target = Math.min(length, this.#end - this.#base);
    if (target <= filled) return true;
    const larger = this.#roomFor(target);
    if (larger.buffer !== this.#bytes.buffer) this.#bytes.copy(larger);
    const read = await this.#file.read(larger.subarray(filled), this.#base + filled);
    this.#bytes = larger.subarray(0, filled + read);
    return filled + read === target;
  }

  #roomFor(length: number): Buffer {
    if (length > this.#into.length) return Buffer.allocUnsafeSlow(length);
    return this.#into.subarray(0, length);
  }
}

export interface Cut {
  readonly window: ByteWindow;
  /** Where the first line begins and where each line ends, relative to the window. */
  readonly start: number;
  readonly ends: readonly number[];
}

/** How many bytes a read with this limit asks for at first. */
export function firstRead(limit: ReadLimit): number {
  const wanted = Number.isFinite(limit.bytes) ? limit.bytes : unlimitedRead;
  return Math.min(Math.max(wanted, smallestRead), largestFirstRead);
}

/** Cuts lines until the limit is used up, but always at least one, if there is one. */
export async function cutLines(
  window: ByteWindow,
  start: number,
  limit: ReadLimit,
): Promise<Cut | 'moved'> {
  const ends: number[] = [];
  let searched = start;
  for (let wanted = firstRead(limit); ; wanted *= 2) {
    if (!(await window.extendTo(start + wanted))) return 'moved';
    const isFull = collectEnds(window.bytes, searched, start, limit, ends);
    const canHoldNoMore = ends.length > 0 && wanted >= Math.min(limit.bytes, window.longestLine);
    if (isFull || canHoldNoMore || window.isComplete) return { window, start, ends };
    if (wanted >= window.longestLine) {
      throw new LineTooLong(window.offset + start, window.longestLine);
    }
    searched = window.bytes.length;
  }
}

/** Adds the ends of the lines that fit; `true` if the limit allows no more. */
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

/** The position after the lines: the offset in the source, and a hash of the bytes just before. */
export interface CutEnd {
  readonly offset: number;
  readonly tail: string;
}

export function chunkOf(
  from: Position,
  snapshot: FileSnapshot,
  { window, start, ends }: Cut,
  markAt: (end: CutEnd) => JsonValue,
): Chunk {
  const { bytes } = window;
  const end = ends.at(-1) ?? start;
  const more = !window.isComplete || bytes.indexOf(newline, end) !== -1;
  const tail = hashOf(bytes.subarray(Math.max(0, end - tailBytes), end));
  const at = markAt({ offset: window.offset + end, tail });
  return {
    lines: ends.map((lineEnd, index) => bytes.subarray(ends[index - 1] ?? start, lineEnd)),
    next: ends.length === 0 ? from : { line: from.line + ends.length, at },
    snapshot,
    sourceBytes: end - start,
    rest: more ? 0 : bytes.length - end,
    more,
  };
}

/** Long enough to notice a change, short enough for a position. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

export class LineTooLong extends Error {
  readonly #offset: number;
  readonly #longest: number;

  constructor(offset: number, longest: number) {
    super('line too long');
    this.#offset = offset;
    this.#longest = longest;
  }

  in(path: string): SourceError {
    return new SourceError(
      'not-allowed',
      `a line of more than ${this.#longest / 2 ** 20} MiB begins at byte ${this.#offset} of ${path}`,
      { hint: 'It cannot be redacted as a whole, so this file is mirrored up to that line.' },
    );
  }
}
