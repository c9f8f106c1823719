import { messageOf } from '../../src/errors.js';
import type { OpenFile } from '../../src/io.js';
import type { ByteWindow } from './line-window.js';
import { openZstdDecoder, type ZstdDecoder } from './zstd-decoder.js';

/** How much of the content's start is remembered. */
export const headBytes = 4096;

const readBytes = 64 * 1024;
const smallestPiece = 64;
const largestPiece = 4 * 1024;
/** A piece that unpacks to more than this is followed by a smaller one: four bytes may stand for 128 KiB. */
const enoughAtOnce = 1 << 20;
const skipStep = 1 << 20;
const longestPackedLine = 64 << 20;

/**
 * The content of a zstd file, unpacked front to back as far as needed, in constant memory: whatever precedes the
 * position of interest is dropped. It reads through the open file it was given last, so it can outlive one.
 */
export class ZstdFile implements ByteWindow {
  readonly #decoder: ZstdDecoder;
  readonly #packedSize: number;
  #file: OpenFile;
  /** What was read but not unpacked yet, and the file offset where that ends. */
  #packed: Buffer = Buffer.alloc(0);
  #packedAt = 0;
  #piece = smallestPiece;
  #base = 0;
  #store: Buffer = Buffer.alloc(0);
  #filled = 0;
  #head: Buffer = Buffer.alloc(0);
  #isAtEnd = false;
  #damage: string | undefined;

  constructor(file: OpenFile, packedSize: number) {
    this.#decoder = openZstdDecoder((data) => this.#append(data));
    this.#file = file;
    this.#packedSize = packedSize;
  }

  /** The same file, opened again. */
  continueWith(file: OpenFile): void {
    this.#file = file;
  }

  /** A few bytes may decompress to any number, so the limit for a line is lower than in a plain file. */
  get longestLine(): number {
    return longestPackedLine;
  }

  get bytes(): Buffer {
    return this.#store.subarray(0, this.#filled);
  }

  get offset(): number {
    return this.#base;
  }

  /** The first bytes of the content, even after they were dropped. */
  get head(): Buffer {
    return this.#head;
  }

  /** The content offset where the unpacked bytes end. */
  get end(): number {
    return this.#base + this.#filled;
  }

  get isComplete(): boolean {
    return this.#isAtEnd;
  }

  /** Why nothing after these bytes can be unpacked, if so. */
  get damage(): string | undefined {
    return this.#damage;
  }

  async extendTo(length: number): Promise<boolean> {
    while (this.#filled < length && !this.#isAtEnd) {
      if (!(await this.#unpack())) return false;
    }
    return true;
  }

  /** Drops everything before `offset`, unpacking up to there if necessary; `false` if the content ends before it. */
  async skipTo(offset: number): Promise<boolean> {
    while (this.end < offset && !this.#isAtEnd) {
      this.#dropBefore(this.end);
      if (!(await this.extendTo(Math.min(skipStep, offset - this.#base)))) return false;
    }
    if (this.end < offset) return false;
    this.#dropBefore(offset);
    return true;
  }

  /** Lines already handed out live in the old buffer, so it is left alone. */
  #dropBefore(offset: number): void {
    const dropped = offset - this.#base;
    if (dropped <= 0) return;
    this.#store = Buffer.from(this.#store.subarray(dropped, this.#filled));
    this.#filled = this.#store.length;
    this.#base = offset;
  }

  async #unpack(): Promise<boolean> {
    if (this.#packed.length === 0 && !(await this.#read())) return false;
    const piece = this.#packed.subarray(0, this.#piece);
    this.#packed = this.#packed.subarray(piece.length);
    const before = this.#filled;
    const isLast = this.#packed.length === 0 && this.#packedAt === this.#packedSize;
    try {
      await this.#decoder.push(piece, isLast);
    } catch (error) {
      this.#damage = messageOf(error);
    }
    this.#isAtEnd = isLast || this.#damage !== undefined;
    const isMuch = this.#filled - before > enoughAtOnce;
    this.#piece = isMuch
      ? Math.max(smallestPiece, this.#piece >> 3)
      : Math.min(largestPiece, this.#piece << 1);
    return true;
  }

  async #read(): Promise<boolean> {
    const wanted = Math.min(readBytes, this.#packedSize - this.#packedAt);
    this.#packed = Buffer.allocUnsafeSlow(wanted);
    if ((await this.#file.read(this.#packed, this.#packedAt)) !== wanted) return false;
    this.#packedAt += wanted;
    return true;
  }

  #append(data: Uint8Array): void {
    if (this.#head.length < headBytes) {
      const missing = data.subarray(0, headBytes - this.#head.length);
      this.#head = Buffer.concat([this.#head, missing]);
    }
    const needed = this.#filled + data.length;
    if (needed > this.#store.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.ceil(this.#store.length * 1.5)));
      this.#store.copy(larger, 0, 0, this.#filled);
      this.#store = larger;
    }
    this.#store.set(data, this.#filled);
    this.#filled = needed;
  }
}

interface Kept {
  readonly token: string;
  readonly unpacked: ZstdFile;
  readonly atMs: number;
}

const mostKept = 2;
const keptMs = 30_000;

/** Files in the middle of unpacking, so that the next lines need not start from the beginning again. */
export class UnpackedFiles {
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whoever takes one owns it until it is given back. */
  take(path: string, token: string): ZstdFile | undefined {
    const kept = this.#kept.get(path);
    this.#kept.delete(path);
    return kept?.token === token ? kept.unpacked : undefined;
  }

  keep(path: string, token: string, unpacked: ZstdFile): void {
    this.#kept.delete(path);
    this.#kept.set(path, { token, unpacked, atMs: this.#now() });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** Drops what was not requested in the last 30 s. */
  tidy(): void {
    const since = this.#now() - keptMs;
    for (const [path, { atMs }] of this.#kept) if (atMs < since) this.#kept.delete(path);
  }
}
