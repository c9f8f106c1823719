import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Bucket, Key } from '../bucket/bucket.js';
import { openScratch } from '../compact/scratch.js';
import { destinationFolder } from '../config/destination.js';
import type { Settings } from '../config/settings.js';
import { NotFoundError } from '../errors.js';

/** A folder for files in transit to or from this bucket. */
export function scratchFolder({ stateFolder, project }: Settings, bucket: Bucket): string {
  return join(destinationFolder(stateFolder, bucket.location, project), 'compact');
}

interface SizedObject {
  readonly key: Key;
  /** Bytes, according to the listing. */
  readonly size: number;
  /** On this machine's disk, for objects too large for memory. */
  readonly folder: string;
}

/** Parts are smaller; compacted transcripts and artifacts may have any size. */
export const mostBytesInMemory = 32 * 1024 * 1024;

/** An object's bytes in chunks, in constant memory. Yields nothing if it was deleted meanwhile. */
export async function withObject<T>(
  bucket: Bucket,
  { key, size, folder }: SizedObject,
  use: (chunks: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  if (size <= mostBytesInMemory) return use(onlyChunk((await bucket.get(key))?.body));
  const scratch = await openScratch(folder);
  try {
    const path = join(scratch.path, 'object');
    const isThere = await bucket.getFile(key, path).then(
      () => true,
      (error: unknown) => {
        if (error instanceof NotFoundError) return false;
        throw error;
      },
    );
    return await use(isThere ? chunksOf(path) : onlyChunk(undefined));
  } finally {
    await scratch.remove();
  }
}

async function* onlyChunk(body: Buffer | undefined): AsyncIterable<Buffer> {
  if (body !== undefined) yield body;
}

async function* chunksOf(path: string): AsyncIterable<Buffer> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    yield Buffer.from(chunk);
  }
}
