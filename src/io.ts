import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {
  appendFile,
  type FileHandle,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** The coarsest time stamps in use (FAT) have a resolution of 2 s. */
export const coarsestTimeMs = 2_000;

/** What one stat saw. Only strings and numbers, so it survives JSON. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'other';
  readonly dev: string;
  readonly ino: string;
  readonly size: number;
  readonly mtimeMs: number;
  /** Nanoseconds; compare for equality only (clocks jump, some tools preserve mtime). */
  readonly ctimeNs: string;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'other';
}

export interface OpenFile {
  stat(): Promise<FileStat>;
  /** Fills `into` from byte `position`; returns the bytes read, fewer only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * The disk as the mirror and the watchers see it. Everything they touch goes through here, so a test can stop, fail
 * or interleave any single step. "Not there" is `undefined`; any other failure throws the system's error.
 */
export interface Io {
  stat(path: string): Promise<FileStat | undefined>;
  /** Read-only; does not follow a symbolic link in the last component. */
  open(path: string): Promise<OpenFile | undefined>;
  readdir(path: string): Promise<readonly DirectoryEntry[] | undefined>;
  readFile(path: string): Promise<Buffer | undefined>;
  /** Whole or not at all: temporary file, then rename. Mode 600; creates folders with mode 700. */
  replaceFile(path: string, data: string | Uint8Array, durability?: Durability): Promise<void>;
  appendFile(path: string, data: string): Promise<void>;
  remove(path: string): Promise<void>;
}

/** 'flushed': once the promise resolves it is on disk, not just in the system's memory. */
export type Durability = 'cached' | 'flushed';

const smallFile = 64 << 10;
const exactly = { bigint: true } as const;
const appending =
  constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);

/**
 * Synchronous where little is asked of the disk, and only there: a sweep of 10,000 files costs 30 ms of CPU this way,
 * and 90 to 150 ms through the thread pool; to open a file and to read how it begins takes a tenth.
 */
export const nodeIo: Io = {
  // Not an async function: of what those allocate, ten thousand calls make half a dozen collections.
  stat: (path) => {
    try {
      return Promise.resolve(toFileStat(statSync(path, exactly)));
    } catch (error) {
      return isAbsence(error) ? Promise.resolve(undefined) : Promise.reject(error);
    }
  },
  open: (path) => absentAsUndefined(() => toOpenFile(openReadOnly(path))),
  readdir: (path) =>
    absentAsUndefined(() =>
      readdirSync(path, { withFileTypes: true }).map((entry) => ({
        name: entry.name,
        kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other',
      })),
    ),
  readFile: (path) => absentAsUndefined(() => readWhole(path)),
  replaceFile: async (path, data, durability = 'cached') => {
    const temporary = `${path}.tmp-${process.pid}-${randomBytes(6).toString('hex')}`;
    if (durability === 'cached' && data.length <= smallFile) {
      return replaceSmall(path, temporary, data);
    }
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      await writeFile(temporary, data, {
        flag: 'wx',
        mode: 0o600,
        flush: durability === 'flushed',
      });
      await rename(temporary, path);
      if (durability === 'flushed') await flushFolder(dirname(path));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  },
  appendFile: async (path, data) => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await appendFile(path, data, { flag: appending, mode: 0o600 });
  },
  remove: (path) => rm(path, { force: true, recursive: true }),
};

function replaceSmall(path: string, temporary: string, data: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(temporary, data, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Makes the new name survive a power cut, too. Not every system lets you open a folder. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Reads up to `length` bytes at `position` into `into` from `offset` on; 0 at the end of the file. */
type ReadSome = (
  into: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => number | Promise<number>;

/** Fills `into` from `position`, or as far as the file goes; returns the bytes read. */
export function readFully(handle: FileHandle): OpenFile['read'] {
  return filling(
    async (into, offset, length, position) =>
      (await handle.read(into, offset, length, position)).bytesRead,
  );
}

function filling(readSome: ReadSome): OpenFile['read'] {
  return async (into, position) => {
    let filled = 0;
    while (filled < into.byteLength) {
      const left = into.byteLength - filled;
      const length = await readSome(into, filled, left, position + filled);
      if (length === 0) break;
      filled += length;
    }
    return filled;
  };
}

/** A pipe in a transcript's place must not hold up whoever opens it. */
function openReadOnly(path: string): number {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  return openSync(path, flags);
}

const readLater = promisify(read);

function toOpenFile(file: number): OpenFile {
  return {
    stat: async () => toFileStat(fstatSync(file, { bigint: true })),
    read: filling(async (into, offset, length, position) =>
      length <= smallFile
        ? readSync(file, into, offset, length, position)
        : (await readLater(file, into, offset, length, position)).bytesRead,
    ),
    close: async () => closeSync(file),
  };
}

interface BigStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeMs: bigint;
  readonly ctimeNs: bigint;
  isFile(): boolean;
  isDirectory(): boolean;
}

async function readWhole(path: string): Promise<Buffer> {
  const file = openSync(path, 'r');
  try {
    if (fstatSync(file).size <= smallFile) return readFileSync(file);
  } finally {
    closeSync(file);
  }
  return readFile(path);
}

function toFileStat(stat: BigStat): FileStat {
  return {
    kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other',
    dev: String(stat.dev),
    ino: String(stat.ino),
    size: Number(stat.size),
    mtimeMs: Number(stat.mtimeMs),
    ctimeNs: String(stat.ctimeNs),
  };
}

async function absentAsUndefined<T>(step: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
