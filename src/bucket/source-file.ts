import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { UsageError } from '../errors.js';
import { readFully } from '../io.js';
import { onDisk } from './disk-errors.js';

/** A file to send, open for reading. */
export interface SourceFile {
  readonly path: string;
  /** Bytes when it was opened. */
  readonly size: number;
  readonly handle: FileHandle;
}

/**
 * Runs `use` with the file open. `NotFoundError` if it is missing, `UsageError` for folders, pipes
 * and devices.
 */
export async function withSourceFile<T>(
  path: string,
  use: (file: SourceFile) => Promise<T>,
): Promise<T> {
  const handle = await onDisk(`read ${path}`, () =>
    open(path, constants.O_RDONLY | constants.O_NONBLOCK),
  );
  try {
    const found = await onDisk(`read ${path}`, () => handle.stat());
    if (!found.isFile()) throw new UsageError(`not a regular file: ${path}`);
    return await use({ path, size: found.size, handle });
  } finally {
    await handle.close();
  }
}

/** Fills `into` from byte `position`; `UsageError` if the file has shrunk. */
export async function readExactly(
  { path, handle }: SourceFile,
  into: Buffer,
  position: number,
): Promise<void> {
  const filled = await onDisk(`read ${path}`, () => readFully(handle)(into, position));
  if (filled === into.length) return;
  throw new UsageError(`${path} became shorter while it was being sent`, {
    hint: 'Send it again when nothing is writing to it.',
  });
}
