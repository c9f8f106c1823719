import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { throwIfAborted } from '../aborted.js';
import type { CallOptions, Stored } from '../bucket.js';
import { onDisk } from '../disk-errors.js';
import { quotedMd5 } from '../etag.js';

/** Above this a file is read piece by piece, so that stopping does not wait for the disk. */
const pieceBytes = 8 * 1024 * 1024;

/**
 * A whole file, in one buffer. Most readers never ask for its ETag, and an MD5 costs more than
 * reading does: it is computed when it is asked for.
 */
export async function readWhole(
  file: FileHandle,
  reading: string,
  { size, modifiedAt, signal }: Pick<Stored, 'size' | 'modifiedAt'> & CallOptions,
): Promise<Stored> {
  // One byte more than it had: it may have grown, and only a read that falls short shows the end.
  let buffer = Buffer.allocUnsafe(size + 1);
  let length = 0;
  for (;;) {
    throwIfAborted(signal);
    if (length === buffer.length) buffer = Buffer.concat([buffer], 2 * buffer.length);
    const at = length;
    const into = buffer;
    const most = Math.min(pieceBytes, into.length - at);
    const { bytesRead } = await onDisk(reading, () => file.read(into, at, most, at));
    length += bytesRead;
    if (bytesRead < most) break;
  }
  const body = buffer.subarray(0, length);
  let etag: string | undefined;
  return {
    body,
    size: length,
    modifiedAt,
    get etag() {
      etag ??= quotedMd5(createHash('md5').update(body).digest('hex'));
      return etag;
    },
  };
}
