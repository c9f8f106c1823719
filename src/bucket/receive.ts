import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UnreachableError } from '../errors.js';
import { throwIfAborted } from './aborted.js';
import type { TransferOptions } from './bucket.js';
import { onDisk } from './disk-errors.js';

/** What to expect of an object once it has arrived. */
export interface Expected {
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex, if known. */
  readonly md5?: string | undefined;
}

/**
 * Streams an object into a temporary file beside `path`, checks it, then renames it over `path`. On any failure
 * `path` stays as it was. A short or wrong body is an `UnreachableError`: retrying may give the right one.
 */
export async function receiveFile(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  expected: Expected,
  { signal, onProgress }: TransferOptions = {},
): Promise<void> {
  const name = `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.part`;
  const temporary = join(dirname(path), name);
  const writing = `write ${path}`;
  const file = await onDisk(writing, () => open(temporary, 'wx', 0o600));
  try {
    const arrived = await pour(chunks, file, writing, { signal, onProgress });
    check(path, arrived, expected);
    await onDisk(writing, () => file.sync());
    await file.close();
    await onDisk(writing, () => rename(temporary, path));
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

async function pour(
  chunks: AsyncIterable<Uint8Array>,
  file: FileHandle,
  writing: string,
  { signal, onProgress }: TransferOptions,
): Promise<Required<Expected>> {
  const hash = createHash('md5');
  let size = 0;
  for await (const chunk of chunks) {
    await onDisk(writing, () => file.appendFile(chunk));
    hash.update(chunk);
    size += chunk.byteLength;
    onProgress?.(size);
    throwIfAborted(signal);
  }
  return { size, md5: hash.digest('hex') };
}

function check(path: string, arrived: Required<Expected>, expected: Expected): void {
  if (arrived.size !== expected.size) {
    throw new UnreachableError(
      `${arrived.size} of ${expected.size} bytes arrived for ${path}, which was left unchanged`,
    );
  }
  if (expected.md5 !== undefined && arrived.md5 !== expected.md5) {
    throw new UnreachableError(`the download of ${path} was damaged in transit; nothing was kept`);
  }
}
