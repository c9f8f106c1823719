import { createHash } from 'node:crypto';
import { onDisk } from '../../bucket/disk-errors.js';
import { NotFoundError, UsageError } from '../../errors.js';
import type { FileStat, Io } from '../../io.js';

const chunkBytes = 256 * 1024;

export interface FileDigest {
  /** Bytes that were read. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** The file's state when it was opened. */
  readonly stat: FileStat;
}

/**
 * Hashes a whole file in constant memory. Does not follow a symbolic link; `UsageError` if it is not a regular file.
 */
export async function digestFile(io: Io, path: string): Promise<FileDigest> {
  const reading = `read ${path}`;
  const file = await onDisk(reading, () => io.open(path));
  if (file === undefined) throw new NotFoundError(`there is no file ${path}`);
  try {
    const stat = await onDisk(reading, () => file.stat());
    if (stat.kind !== 'file') throw new UsageError(`not a regular file: ${path}`);
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafe(chunkBytes);
    let size = 0;
    for (;;) {
      const at = size;
      const bytes = await onDisk(reading, () => file.read(chunk, at));
      hash.update(chunk.subarray(0, bytes));
      size += bytes;
      if (bytes < chunkBytes) return { size, sha256: hash.digest('hex'), stat };
    }
  } finally {
    await file.close();
  }
}
