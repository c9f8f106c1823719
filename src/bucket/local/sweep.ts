import { lstat, readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parseProcess } from '../../process-identity.js';
import type { FolderClock } from './folder-clock.js';
import { learnTime } from './write.js';

/** A temporary this old belongs to something that died. */
const abandonedAfterMs = 60 * 60 * 1000;
/** A body in transit (`writeDraft`). */
const draftName = /^\d{1,10}-[0-9a-f]{16}$/;
/** A prepared lock (`openLocks`): a folder with one empty folder in it. */
const preparedLockName = /^lock-[0-9a-f]{16}$/;

/**
 * Removes our own leftovers: by name, user and kind. One file or one empty folder at a time, so that no bug of ours
 * can take a tree with it. Best effort: the next process that writes tries again.
 */
export async function sweepTemporaries(folder: string, time: FolderClock): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  // A wrong clock here must not make a draft that is under way elsewhere look old.
  if (names.length > 0 && !time.isKnown) await learnTime({ temporaries: folder, time });
  for (const name of names) {
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined || found.uid !== (process.getuid?.() ?? found.uid)) continue;
    if (time.now() - found.mtimeMs < abandonedAfterMs) continue;
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
