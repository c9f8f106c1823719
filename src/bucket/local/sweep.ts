import { lstat, readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.js';
import { parseProcess } from '../../process-identity.js';

/** A temporary this old was left behind by something that died. */
const abandonedAfterMs = 60 * 60 * 1000;
/** A body on its way (`writeDraft`). */
const draftName = /^\d{1,10}-[0-9a-f]{16}$/;
/** A lock that was prepared (`openLocks`): a folder with one empty folder in it. */
const preparedLockName = /^lock-[0-9a-f]{16}$/;

/**
 * Removes what we left here: by its name, of our own user, of the kind that we make. One file or one empty folder at a time, so
 * that no mistake of ours can take a tree with it. Best effort: what stays is tried again by the next process that writes.
 */
export async function sweepTemporaries(folder: string, clock: Clock): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined || found.uid !== (process.getuid?.() ?? found.uid)) continue;
    if (clock.now() - found.mtimeMs < abandonedAfterMs) continue;
    if (found.isFile() && draftName.test(name)) await unlink(path).catch(() => undefined);
    if (found.isDirectory() && preparedLockName.test(name)) await removePreparedLock(path);
  }
}

async function removePreparedLock(path: string): Promise<void> {
  for (const name of await readdir(path).catch(() => [])) {
    if (parseProcess(name) !== undefined) await rmdir(join(path, name)).catch(() => undefined);
  }
  await rmdir(path).catch(() => undefined);
}
