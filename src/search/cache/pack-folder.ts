import { join } from 'node:path';
import type { FileStat, Io } from '../../io.js';
import { DamagedPackError } from '../pack/bytes.js';
import { Pack, type PackSource } from '../pack/pack.js';
import { isPackName, packName } from '../pack/pack-name.js';

export interface StoredPack {
  readonly path: string;
  readonly pack: Pack;
  readonly size: number;
  readonly writtenMs: number;
}

/**
 * The packs of one project on this machine's disk. Files are named by content and never change, so
 * any number of processes may read, add and remove them without a lock.
 */
export class PackFolder {
  readonly #io: Io;
  readonly #folder: string;

  constructor(io: Io, folder: string) {
    this.#io = io;
    this.#folder = folder;
  }

  get path(): string {
    return this.#folder;
  }

  /** Those that can be used, oldest first. Others are removed: they hold nothing that the bucket lacks. */
  async open(): Promise<readonly StoredPack[]> {
    const opened: StoredPack[] = [];
    for (const { path, stat } of await this.#files()) {
      try {
        const pack = await Pack.open(this.#source(path, stat.size));
        opened.push({ path, pack, size: stat.size, writtenMs: stat.mtimeMs });
      } catch (error) {
        if (!(error instanceof DamagedPackError)) throw error;
        await this.remove(path);
      }
    }
    return opened.sort((left, right) => left.writtenMs - right.writtenMs);
  }

  /** Returns its path. */
  async write(bytes: Buffer): Promise<string> {
    const path = join(this.#folder, packName(bytes));
    await this.#io.replaceFile(path, bytes);
    return path;
  }

  async remove(path: string): Promise<void> {
    await this.#io.remove(path);
  }

  /** All of them, oldest first. */
  async sizes(): Promise<readonly { readonly path: string; readonly size: number }[]> {
    const files = await this.#files();
    return files
      .sort((left, right) => left.stat.mtimeMs - right.stat.mtimeMs)
      .map(({ path, stat }) => ({ path, size: stat.size }));
  }

  /** Removes the packs that have text of one of these streams, and says how many there were. */
  async forget(isMeant: (prefix: string) => boolean): Promise<number> {
    const meant = (await this.open()).filter(({ pack }) =>
      pack.sections.some(({ prefix }) => isMeant(prefix)),
    );
    for (const { path } of meant) await this.remove(path);
    return meant.length;
  }

  /** Removes everything, what killed processes left included. */
  async purge(): Promise<void> {
    await this.#io.remove(this.#folder);
  }

  async #files(): Promise<{ readonly path: string; readonly stat: FileStat }[]> {
    const files: { path: string; stat: FileStat }[] = [];
    for (const { name, kind } of (await this.#io.readdir(this.#folder)) ?? []) {
      if (kind !== 'file' || !isPackName(name)) continue;
      const path = join(this.#folder, name);
      const stat = await this.#io.stat(path);
      if (stat !== undefined) files.push({ path, stat });
    }
    return files;
  }

  /** Opened for each read: there may be more packs than a process may hold open. */
  #source(path: string, size: number): PackSource {
    return {
      size,
      read: async (at, length) => {
        const bytes = Buffer.alloc(length);
        try {
          const file = await this.#io.open(path);
          if (file === undefined) throw new DamagedPackError('it is gone');
          try {
            const filled = await file.read(bytes, at);
            if (filled !== length) throw new DamagedPackError('it is shorter than it was');
          } finally {
            await file.close();
          }
        } catch (error) {
          if (error instanceof DamagedPackError) throw error;
          throw new DamagedPackError('it cannot be read', { cause: error });
        }
        return bytes;
      },
    };
  }
}
