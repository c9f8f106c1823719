import type { Transform } from 'node:stream';
import { Decompress } from 'fzstd';
import { ZstdFrames } from './zstd-frames.js';

/** Decompresses a stream of frames, piece by piece. Fails on anything damaged, truncated, or with too large a window. */
export interface ZstdDecoder {
  push(piece: Uint8Array, isLast: boolean): Promise<void>;
}

const largestBlock = 128 << 10;

type OnData = (data: Uint8Array) => void;

/** Available from Node 22.15 and 23.8. */
interface NativeZstd {
  createZstdDecompress(options: {
    readonly chunkSize: number;
  }): Transform & { readonly bytesWritten: number };
  zstdDecompressSync(
    packed: Uint8Array,
    options: { readonly info: true; readonly maxOutputLength: number },
  ): { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
}

/** Node's own decoder if it has one, else the package. */
export function openZstdDecoder(onData: OnData): ZstdDecoder {
  const zlib = nativeZstd();
  return zlib === undefined ? packageDecoder(onData) : new NativeDecoder(zlib, onData);
}

/** A whole compressed piece, unless it decompresses to more than `most` bytes. */
export function unpackWhole(packed: Uint8Array, most: number): Buffer {
  const frames = new ZstdFrames();
  frames.check(packed);
  const pieces: Uint8Array[] = [];
  let length = 0;
  const add = (piece: Uint8Array): void => {
    length += piece.length;
    if (length > most) throw tooLong(most);
    pieces.push(Uint8Array.from(piece));
  };
  const zlib = nativeZstd();
  if (zlib === undefined) new Decompress(add).push(packed, true);
  else unpackFrames(zlib, packed, { add, most, frames });
  return Buffer.concat(pieces, length);
}

function unpackFrames(
  zlib: NativeZstd,
  packed: Uint8Array,
  { add, most, frames }: { add: OnData; most: number; frames: ZstdFrames },
): void {
  frames.requireEnd();
  for (let rest = packed; rest.length > 0; ) {
    const { buffer, engine } = unpackFrame(zlib, rest, most);
    add(buffer);
    rest = restOf(rest, engine.bytesWritten);
  }
}

function unpackFrame(zlib: NativeZstd, packed: Uint8Array, most: number) {
  try {
    return zlib.zstdDecompressSync(packed, { info: true, maxOutputLength: most + 1 });
  } catch (error) {
    const isTooLong = error instanceof RangeError;
    throw isTooLong ? tooLong(most) : error;
  }
}

function tooLong(most: number): Error {
  return new Error(`it unpacks to more than ${most >> 20} MiB`);
}

function packageDecoder(onData: OnData): ZstdDecoder {
  const frames = new ZstdFrames();
  const decoder = new Decompress(onData);
  return {
    push: async (piece, isLast) => {
      frames.check(piece);
      decoder.push(piece, isLast);
    },
  };
}

/** Node 22 and 24 stop at the end of the first frame, and Node 22 accepts a truncated frame as whole. */
class NativeDecoder implements ZstdDecoder {
  readonly #frames = new ZstdFrames();
  readonly #zlib: NativeZstd;
  readonly #onData: OnData;
  #stream: ReturnType<NativeZstd['createZstdDecompress']> | undefined;

  constructor(zlib: NativeZstd, onData: OnData) {
    this.#zlib = zlib;
    this.#onData = onData;
  }

  async push(piece: Uint8Array, isLast: boolean): Promise<void> {
    this.#frames.check(piece);
    for (let rest = piece; rest.length > 0; ) rest = restOf(rest, await this.#write(rest));
    if (!isLast) return;
    this.#stream?.destroy();
    this.#frames.requireEnd();
  }

  /** Returns how many bytes were consumed: fewer if a frame ends among them. */
  async #write(piece: Uint8Array): Promise<number> {
    this.#stream ??= this.#zlib.createZstdDecompress({ chunkSize: largestBlock });
    const stream = this.#stream;
    const before = stream.bytesWritten;
    const take = (): void => {
      for (let data = stream.read(); Buffer.isBuffer(data); data = stream.read())
        this.#onData(data);
    };
    stream.on('readable', take);
    await new Promise<void>((resolve, reject) => {
      stream.once('error', reject);
      stream.write(piece, () => {
        stream.off('error', reject);
        resolve();
      });
    });
    take();
    stream.off('readable', take);
    const taken = stream.bytesWritten - before;
    if (taken < piece.length) {
      stream.destroy();
      this.#stream = undefined;
    }
    return taken;
  }
}

function restOf(packed: Uint8Array, taken: number): Uint8Array {
  if (taken === 0) throw new Error('it is not a zstd frame');
  return packed.subarray(taken);
}

function nativeZstd(): NativeZstd | undefined {
  const zlib: unknown = process.getBuiltinModule('node:zlib');
  return isNative(zlib) ? zlib : undefined;
}

function isNative(zlib: unknown): zlib is NativeZstd {
  return typeof zlib === 'object' && zlib !== null && 'createZstdDecompress' in zlib;
}
