import { closeSync, fstatSync, lstatSync, readSync } from 'node:fs';
import { resultCodes } from './error.js';
import { openFile } from './state.js';

const { ok, ioError, notFound, cannotOpen, shortRead } = resultCodes;
const { refusedWrite, refusedTruncate, refusedDelete } = resultCodes;
const readOnlyFlag = 0x1;
const suffixes = ['-wal', '-journal'];

interface Place {
  readonly path: string;
  /** Of a file that is open already. */
  readonly file?: number;
}

/**
 * The files that SQLite sees (https://www.sqlite.org/vfs.html): the database, its log and its journal, under a short
 * name, because the library allows 64 bytes. Nothing is ever written, created, resized or removed, whatever SQLite
 * would like to tidy up. Its locks are granted without being taken: Node has none that other programs would see.
 */
export class ReadOnlyFiles {
  readonly name = 'read-only';
  readonly #places = new Map<string, Place>();
  readonly #open = new Map<number, { readonly file: number; readonly isOwn: boolean }>();
  #count = 0;

  /** The name by which SQLite opens the database at this path, whose file is open. */
  add(path: string, file: number): string {
    this.#count += 1;
    const name = `/${this.#count}`;
    this.#places.set(name, { path, file });
    for (const suffix of suffixes) this.#places.set(name + suffix, { path: path + suffix });
    return name;
  }

  remove(name: string): void {
    for (const suffix of ['', ...suffixes]) this.#places.delete(name + suffix);
  }

  xOpen(name: string | null, id: number, _flags: number, flagsOut: DataView): number {
    // SQLite names what it wants for itself nothing, and is told to keep that in memory.
    const [ownName = ''] = (name ?? '').split('?');
    const place = this.#places.get(ownName);
    if (place === undefined) return cannotOpen;
    return guarded(cannotOpen, () => {
      const file = place.file ?? openFile(place.path);
      this.#open.set(id, { file, isOwn: place.file === undefined });
      flagsOut.setInt32(0, readOnlyFlag, true);
      return ok;
    });
  }

  xClose(id: number): number {
    const open = this.#open.get(id);
    this.#open.delete(id);
    if (open?.isOwn === true) closeSync(open.file);
    return ok;
  }

  xRead(id: number, bytes: Uint8Array, offset: number): number {
    return guarded(ioError, () => {
      const file = this.#file(id);
      let done = 0;
      while (done < bytes.length) {
        const more = readSync(file, bytes, done, bytes.length - done, offset + done);
        if (more === 0) break;
        done += more;
      }
      if (done === bytes.length) return ok;
      bytes.fill(0, done);
      return shortRead;
    });
  }

  xFileSize(id: number, size: DataView): number {
    return guarded(ioError, () => {
      size.setBigInt64(0, fstatSync(this.#file(id), { bigint: true }).size, true);
      return ok;
    });
  }

  xAccess(name: string, _flags: number, isThere: DataView): number {
    const path = this.#places.get(name)?.path;
    return guarded(ioError, () => {
      const stat = path === undefined ? undefined : lstatSync(path, { throwIfNoEntry: false });
      isThere.setInt32(0, stat?.isFile() ? 1 : 0, true);
      return ok;
    });
  }

  xWrite(): number {
    return refusedWrite;
  }

  xTruncate(): number {
    return refusedTruncate;
  }

  xDelete(): number {
    return refusedDelete;
  }

  xSync(): number {
    return ok;
  }

  xLock(): number {
    return ok;
  }

  xUnlock(): number {
    return ok;
  }

  xCheckReservedLock(_id: number, isHeld: DataView): number {
    isHeld.setInt32(0, 0, true);
    return ok;
  }

  xFileControl(): number {
    return notFound;
  }

  xSectorSize(): number {
    return 4096;
  }

  xDeviceCharacteristics(): number {
    return 0;
  }

  #file(id: number): number {
    const open = this.#open.get(id);
    if (open === undefined) throw new Error(`no open file ${id}`);
    return open.file;
  }
}

/** An exception must not pass through SQLite's own frames. */
function guarded(failure: number, act: () => number): number {
  try {
    return act();
  } catch {
    return failure;
  }
}
