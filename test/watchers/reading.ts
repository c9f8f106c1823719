import {
  type Chunk,
  type Position,
  type ReadLimit,
  type Stream,
  startPosition,
} from '../../src/mirror/stream.js';

export const everything: ReadLimit = { bytes: Number.POSITIVE_INFINITY };

/** What a stream gives when it is there and holds still; anything else fails the test. */
export async function chunkOf(
  stream: Stream,
  from: Position = startPosition,
  limit: ReadLimit = everything,
): Promise<Chunk> {
  const chunk = await stream.read(from, limit);
  if (chunk === 'moved' || chunk === 'gone') throw new Error(`${stream.source} is ${chunk}`);
  return chunk;
}

export function plainLines({ lines }: Pick<Chunk, 'lines'>): Buffer[] {
  return lines.filter((line) => Buffer.isBuffer(line));
}

export function joined(chunk: Pick<Chunk, 'lines'>): Buffer {
  return Buffer.concat(plainLines(chunk));
}

/** Reads on with one limit until nothing is left. */
export async function upload(stream: Stream, limit: ReadLimit) {
  const lines: Buffer[] = [];
  let position = startPosition;
  for (;;) {
    const chunk = await chunkOf(stream, position, limit);
    lines.push(...plainLines(chunk));
    position = chunk.next;
    if (!chunk.more) return { lines, position, rest: chunk.rest };
  }
}
