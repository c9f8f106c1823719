import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync, rmSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Clock } from '../../src/clock.js';
import { UnsupportedError } from '../../src/errors.js';
import { coarsestTimeMs, type FileStat, type Io } from '../../src/io.js';
import type { FileSnapshot } from '../../src/mirror/stream.js';
import { isNoFile, unreadable } from '../unreadable.js';
import { busy, isTransient, noDatabase, troubleWith } from './errors.js';
import { type Database, loadSqlite, type SqliteLibrary } from './library.js';
import { OpenReading, type Reading } from './reading.js';

export type { Reading } from './reading.js';

export interface SqliteFileSettings {
  readonly io: Io;
  readonly clock: Clock;
  /** How the library is obtained; it is loaded when a database is first read. */
  readonly load?: () => Promise<SqliteLibrary>;
}

const attempts = 12;
const pauseMs = 50;
/** SQLite blocks the thread while it waits for a lock, so not for long. */
const lockWaitMs = 5;
const headerBytes = 100;
const magic = 'SQLite format 3\0';
/** Its journal mode (https://www.sqlite.org/fileformat.html#the_database_header): 1 is a rollback journal, 2 is WAL. */
const readVersionAt = 19;
const walVersion = 2;
/** Counters and checksums of the last commit (https://www.sqlite.org/walformat.html#the_wal_index_file_format). */
const walIndexBytes = 48;
/** How long a copy serves the sessions of one look. */
const copyLivesMs = 10_000;

interface Files {
  readonly main: FileStat;
  readonly wal: FileStat | undefined;
  readonly shm: FileStat | undefined;
  readonly isWal: boolean;
}

interface Copy {
  readonly token: string;
  /** `undefined` if the files changed while they were copied. */
  readonly folder: Promise<string | undefined>;
}

/**
 * A database that a harness writes, opened read-only and only for a moment, so that no lock outlives its query and no
 * new file is left next to the database (https://www.sqlite.org/wal.html#read_only_databases).
 *
 * If a database in WAL mode has no `-wal`, no connection uses it, and an ordinary open would create one and leave it.
 * It is read as immutable, and the result counts only if no writer came meanwhile. A database left with a `-wal` but
 * without its `-shm` (copied, restored) is read from a copy in the temporary folder.
 */
export class SqliteFile {
  readonly path: string;
  readonly #io: Io;
  readonly #clock: Clock;
  readonly #load: () => Promise<SqliteLibrary>;
  #copy: Copy | undefined;
  /** Of files whose times tell whether they changed since. */
  #settled: { readonly stats: string; readonly snapshot: FileSnapshot } | undefined;
  #users = 0;

  constructor(path: string, { io, clock, load = loadSqlite }: SqliteFileSettings) {
    this.path = path;
    this.#io = io;
    this.#clock = clock;
    this.#load = load;
  }

  /**
   * A cheap snapshot. Every commit changes the header (with a rollback journal) or the index of the `-wal`; times alone
   * are too coarse for two commits in a row, and reading as root changes the `-wal`'s time.
   */
  async snapshot(): Promise<FileSnapshot | undefined> {
    const main = await this.#stat('');
    if (main === undefined) return undefined;
    const wal = await this.#stat('-wal');
    const stats = `${tokenOf(main)} ${wal === undefined ? '' : tokenOf(wal)}`;
    if (this.#settled?.stats === stats) return this.#settled.snapshot;
    const snapshot = this.#snapshotOf(main, wal);
    const lastMs = Math.max(main.mtimeMs, wal?.mtimeMs ?? 0);
    // Whatever is committed from now on has another time than this.
    const isSettled = lastMs < this.#clock.now() - coarsestTimeMs;
    this.#settled = isSettled ? { stats, snapshot } : undefined;
    return snapshot;
  }

  #snapshotOf(main: FileStat, wal: FileStat | undefined): FileSnapshot {
    const isUsed = wal !== undefined && wal.size > 0;
    const seen = [tokenOf(main), headOf(this.path, headerBytes)];
    if (isUsed) {
      seen.push(`${wal.dev}:${wal.ino}:${wal.size}:${wal.mtimeMs}`);
      seen.push(headOf(`${this.path}-shm`, walIndexBytes));
    }
    return {
      token: createHash('sha256').update(seen.join(' ')).digest('hex').slice(0, 32),
      size: main.size + (isUsed ? wal.size : 0),
      modifiedAtMs: Math.max(main.mtimeMs, isUsed ? wal.mtimeMs : 0),
    };
  }

  /**
   * Runs `use` on one state of the database, and again if another process was in the way; a missing database has no
   * tables. Fails with a `SourceError` that names the file, or an `UnsupportedError` if the library is unavailable.
   */
  async read<T>(use: (reading: Reading) => T): Promise<T> {
    const module = await this.#module();
    this.#users += 1;
    try {
      for (let attempt = 1; ; attempt += 1) {
        try {
          const outcome = await this.#attempt(module, use);
          if (outcome !== 'changed') return outcome.value;
          if (attempt >= attempts) throw busy(this.path);
        } catch (error) {
          if (attempt >= attempts || !isTransient(error)) throw troubleWith(this.path, error);
        }
        await this.#clock.sleep(pauseMs);
      }
    } finally {
      this.#users -= 1;
      if (this.#copy !== undefined) this.#dropCopyLater(this.#copy);
    }
  }

  async #attempt<T>(
    module: SqliteLibrary,
    use: (reading: Reading) => T,
  ): Promise<{ readonly value: T } | 'changed'> {
    const files = await this.#files();
    if (files === undefined) return { value: readAt(module, ':memory:', use) };
    const access = accessOf(files);
    if (access === 'shared') return { value: readAt(module, this.path, use) };
    const path = access === 'copy' ? await this.#copied(files) : immutable(this.path);
    if (path === undefined) return 'changed';
    const value = readAt(module, path, use);
    const after = await this.#files();
    return after !== undefined && sameFiles(files, after) ? { value } : 'changed';
  }

  /** `undefined` if there is no database, or an empty one, which SQLite would tidy up rather than read. */
  async #files(): Promise<Files | undefined> {
    const main = await this.#stat('');
    if (main === undefined || main.size === 0) return undefined;
    const header = Buffer.from(headOf(this.path, headerBytes), 'latin1');
    if (header.length === 0) return undefined;
    if (header.toString('latin1', 0, magic.length) !== magic) throw noDatabase(this.path);
    const [wal, shm] = [await this.#stat('-wal'), await this.#stat('-shm')];
    const isWal = header[readVersionAt] === walVersion || (wal?.size ?? 0) > 0;
    return { main, wal, shm, isWal };
  }

  /** The database with its `-wal` in a separate folder; `undefined` if they changed while they were copied. */
  async #copied(files: Files): Promise<string | undefined> {
    const token = filesToken(files);
    const known = this.#copy;
    const copy = known?.token === token ? known : { token, folder: this.#newCopy(token, known) };
    this.#copy = copy;
    try {
      const folder = await copy.folder;
      if (folder !== undefined) return join(folder, 'copy');
    } catch (error) {
      this.#forget(copy);
      throw error;
    }
    this.#forget(copy);
    return undefined;
  }

  async #newCopy(token: string, before: Copy | undefined): Promise<string | undefined> {
    await removeCopy(before);
    const folder = await mkdtemp(join(tmpdir(), 'tracecraft-'));
    removeAtExit(folder);
    const isThere = await this.#copyTo(folder);
    const after = isThere ? await this.#files() : undefined;
    if (after !== undefined && filesToken(after) === token) return folder;
    await removeFolder(folder);
    return undefined;
  }

  #forget(copy: Copy): void {
    if (this.#copy === copy) this.#copy = undefined;
  }

  /** Whether the files were still there. */
  async #copyTo(folder: string): Promise<boolean> {
    try {
      await copyFile(this.path, join(folder, 'copy'));
      await copyFile(`${this.path}-wal`, join(folder, 'copy-wal'));
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      await removeFolder(folder);
      throw unreadable(this.path, error);
    }
  }

  #dropCopyLater(copy: Copy): void {
    const timer = setTimeout(() => {
      if (this.#users > 0 || this.#copy !== copy) return;
      this.#copy = undefined;
      removeCopy(copy).catch(() => undefined);
    }, copyLivesMs);
    timer.unref();
  }

  async #stat(suffix: string): Promise<FileStat | undefined> {
    try {
      const stat = await this.#io.stat(this.path + suffix);
      return stat?.kind === 'file' ? stat : undefined;
    } catch (error) {
      if (isNoFile(error)) return undefined;
      throw unreadable(this.path + suffix, error);
    }
  }

  async #module(): Promise<SqliteLibrary> {
    try {
      return await this.#load();
    } catch (cause) {
      throw new UnsupportedError(`cannot read ${this.path}: SQLite did not load`, {
        hint: 'Everything else is mirrored. Install tracecraft again, or Node 22.16 or newer, which has its own SQLite.',
        cause,
      });
    }
  }
}

/** Folders with copies that nobody else may read. */
const copies = new Set<string>();
let isAtExit = false;

function removeAtExit(folder: string): void {
  copies.add(folder);
  if (isAtExit) return;
  isAtExit = true;
  process.once('exit', removeCopies);
}

async function removeCopy(copy: Copy | undefined): Promise<void> {
  const folder = await copy?.folder.catch(() => undefined);
  if (folder !== undefined) await removeFolder(folder);
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  copies.delete(folder);
}

function removeCopies(): void {
  for (const folder of copies) rmSync(folder, { recursive: true, force: true });
}

function readAt<T>(module: SqliteLibrary, path: string, use: (reading: Reading) => T): T {
  const isMemory = path === ':memory:';
  const database = new module.DatabaseSync(path, { readOnly: !isMemory, timeout: lockWaitMs });
  try {
    const reading = new OpenReading(database);
    database.exec('PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; BEGIN');
    const value = use(reading);
    end(database);
    return value;
  } finally {
    database.close();
  }
}

/** Nothing was written: an error on closing a damaged database does not affect what was read. */
function end(database: Database): void {
  try {
    database.exec('COMMIT');
  } catch {
    // It is closed next.
  }
}

/**
 * The first bytes of a file, as latin1; '' if it is missing or not a regular file. Synchronous, without
 * interleaving: closing a file drops all locks that this process has on it (https://www.sqlite.org/howtocorrupt.html),
 * including SQLite's.
 */
function headOf(path: string, length: number): string {
  try {
    const file = openSync(path, constants.O_RDONLY | noFollow);
    try {
      const bytes = Buffer.alloc(length);
      return bytes.toString('latin1', 0, readSync(file, bytes, 0, length, 0));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (isNoFile(error) || isAbsent(error)) return '';
    throw unreadable(path, error);
  }
}

const noFollow = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function accessOf({ isWal, wal, shm }: Files): 'shared' | 'immutable' | 'copy' {
  if (!isWal) return 'shared';
  if (wal === undefined) return 'immutable';
  if (shm !== undefined) return 'shared';
  return wal.size === 0 ? 'immutable' : 'copy';
}

function immutable(path: string): string {
  return `${pathToFileURL(path).href}?mode=ro&immutable=1`;
}

function sameFiles(before: Files, after: Files): boolean {
  return filesToken(before) === filesToken(after);
}

function filesToken({ main, wal, shm }: Files): string {
  return [main, wal, shm].map((stat) => (stat === undefined ? '-' : tokenOf(stat))).join(' ');
}

function tokenOf({ dev, ino, size, ctimeNs }: FileStat): string {
  return `${dev}:${ino}:${size}:${ctimeNs}`;
}
