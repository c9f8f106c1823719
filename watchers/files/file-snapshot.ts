import type { FileStat, Io } from '../../src/io.js';
import type { FileSnapshot } from '../../src/mirror/stream.js';
import { isNoFile, unreadable } from '../unreadable.js';

export function snapshotOf(stat: FileStat): FileSnapshot {
  const file = `${stat.dev}:${stat.ino}`;
  const token = `${file}:${stat.size}:${stat.ctimeNs}`;
  return { token, size: stat.size, modifiedAtMs: stat.mtimeMs, file };
}

/** `undefined` if the file is as it was, or there is no regular file of this name (any more). */
export async function lookAtFile(
  io: Io,
  path: string,
  since: FileSnapshot | undefined,
): Promise<FileSnapshot | undefined> {
  try {
    const stat = await io.stat(path);
    if (stat?.kind !== 'file') return undefined;
    const snapshot = snapshotOf(stat);
    return snapshot.token === since?.token ? undefined : snapshot;
  } catch (error) {
    if (isNoFile(error)) return undefined;
    throw unreadable(path, error);
  }
}
