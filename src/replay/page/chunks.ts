import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import type { PageChunk } from './data.js';

const compress = promisify(gzip);

/** Bytes of one chunk before compression, unless a single line is longer. */
const chunkBytes = 1024 * 1024;

/** Receives the parts of a page. One call at a time. */
export interface PageSink {
  /** Continues the page itself. */
  write(text: string): Promise<void>;
  /** A file in the folder next to the page. */
  writeBeside(name: string, text: string): Promise<void>;
}

/**
 * Packs lines into compressed chunks, in the page or next to it; holds one chunk of each stream at
 * a time.
 */
export class ChunkWriter {
  readonly chunks: PageChunk[] = [];
  readonly #sink: PageSink;
  readonly #isBeside: boolean;
  readonly #stamp: string;
  #last: Promise<void> = Promise.resolve();

  constructor(sink: PageSink, { isBeside, stamp }: { isBeside: boolean; stamp: string }) {
    this.#sink = sink;
    this.#isBeside = isBeside;
    this.#stamp = stamp;
  }

  open(stream: number): StreamChunks {
    let pending: Uint8Array[] = [];
    let bytes = 0;
    let firstLine = 0;
    const flush = async (): Promise<void> => {
      if (pending.length === 0) return;
      const [lines, from] = [pending, firstLine];
      firstLine += lines.length;
      pending = [];
      bytes = 0;
      await this.#put([stream, from, lines.length], Buffer.concat(lines));
    };
    return {
      add: async (line) => {
        pending.push(line);
        bytes += line.length;
        if (bytes >= chunkBytes) await flush();
      },
      close: async () => {
        await flush();
        return firstLine;
      },
    };
  }

  async #put(chunk: PageChunk, body: Buffer): Promise<void> {
    const text = (await compress(body)).toString('base64');
    const write = this.#last.then(async () => {
      const number = this.chunks.push(chunk) - 1;
      if (this.#isBeside) {
        const name = `c${this.#stamp}${number}`;
        await this.#sink.writeBeside(`${name}.js`, `tracecraftChunk("${name}","${text}")\n`);
      } else {
        await this.#sink.write(`<script type="text/plain" id="c${number}">${text}</script>\n`);
      }
    });
    this.#last = write;
    await write;
  }
}

export interface StreamChunks {
  /** A whole line, with or without its final newline. */
  add(line: Uint8Array): Promise<void>;
  /** The total number of lines. */
  close(): Promise<number>;
}

/** Compressed, as base64, piece by piece. */
export async function* compressed(pieces: Iterable<string | Uint8Array>): AsyncGenerator<string> {
  const source = Readable.from(pieces, { objectMode: true }).map((piece) => Buffer.from(piece));
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of source.compose(createGzip())) {
    const bytes = Buffer.concat([rest, piece]);
    // Base64 continues seamlessly after a multiple of three bytes.
    const whole = bytes.length - (bytes.length % 3);
    rest = bytes.subarray(whole);
    yield bytes.toString('base64', 0, whole);
  }
  yield rest.toString('base64');
}
