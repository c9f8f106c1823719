import { type FSWatcher, watch } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { type EventListener, type FileEvents, isExhaustion } from './file-events.js';

interface Watched {
  readonly watcher: FSWatcher;
  readonly inode: number;
}

/**
 * One `fs.watch` per folder and nothing else: the cost of an event does not depend on the size of its folder (ADR 25).
 * Only a name that appears or disappears is checked, in case it is a folder. For Linux, where such a watch reports
 * only the folder's own entries.
 */
export function folderEvents(): FileEvents {
  return new FolderEvents();
}

class FolderEvents implements FileEvents {
  readonly #folders = new Map<string, Watched>();
  #isClosed = false;

  async listen(roots: readonly string[], listener: EventListener): Promise<void> {
    for (const root of roots) {
      if (!this.#folders.has(root)) await this.#add(root, listener);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  /** Watched before it is read: an entry that appears in between is seen twice rather than not at all. */
  async #add(folder: string, listener: EventListener): Promise<void> {
    const found = await lstat(folder).catch(() => undefined);
    if (found?.isDirectory() !== true || this.#isClosed) return;
    if (this.#folders.get(folder)?.inode === found.ino) return;
    this.#drop(folder);
    const watcher = this.#open(folder, listener);
    if (watcher === undefined) return;
    this.#folders.set(folder, { watcher, inode: found.ino });
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !listener.ignores?.(path)) await this.#add(path, listener);
    }
  }

  #open(folder: string, listener: EventListener): FSWatcher | undefined {
    try {
      const watcher = watch(folder, { persistent: false });
      watcher.on('change', (event, name) => {
        if (typeof name === 'string') this.#heard(event, folder, name, listener);
        else listener.onPath(folder);
      });
      // The sweep covers a folder that can no longer be watched.
      watcher.on('error', () => this.#drop(folder));
      return watcher;
    } catch (error) {
      if (error instanceof Error && isExhaustion(error)) listener.onTrouble(error);
      return undefined;
    }
  }

  #heard(event: string, folder: string, name: string, listener: EventListener): void {
    const path = join(folder, name);
    if (this.#isClosed || listener.ignores?.(path)) return;
    listener.onPath(path);
    // The sweep finds anything that cannot be looked at now.
    if (event === 'rename') this.#look(folder, path, listener).catch(() => undefined);
  }

  async #look(folder: string, path: string, listener: EventListener): Promise<void> {
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) {
      this.#drop(path);
      // A deleted folder's own watch reports the deletion too, under the folder's name.
      if ((await lstat(folder).catch(() => undefined)) === undefined) this.#drop(folder);
      return;
    }
    if (!found.isDirectory()) return;
    await this.#add(path, listener);
    listener.onPath(path);
  }

  #drop(folder: string): void {
    if (!this.#folders.has(folder)) return;
    for (const [path, { watcher }] of this.#folders) {
      if (path !== folder && !path.startsWith(folder + sep)) continue;
      watcher.close();
      this.#folders.delete(path);
    }
  }
}
