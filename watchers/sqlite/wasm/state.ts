import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
} from 'node:fs';

/** What must stay as it is while a database is read without locks. */
export interface DatabaseState {
  readonly token: string;
  /** Whether a change of a database with a rollback journal may be half done, or another file has the path. */
  readonly isInChange: boolean;
  /** How long another change could follow without the file's times showing it; 0 in most cases. */
  readonly settlesInMs: number;
}

const headerBytes = 100;
const writeVersionAt = 18;
const walVersion = 2;
/** Until and with its salts, which change whenever the log begins anew (https://www.sqlite.org/fileformat.html#the_wal_file). */
const walHeadBytes = 24;
/** https://www.sqlite.org/walformat.html#the_wal_index_file_format: the salts of both copies of its header. */
const indexSalts = [32, 80] as const;
const saltBytes = 8;
/** How far a checkpoint has begun to copy the log into the database, written before it copies. */
const checkpointAt = 128;
/** Twice the coarsest tick in which Linux counts file times. */
const tickMs = 20;

/**
 * The state of a database whose file is open as `file`, so that its inode is not given to another.
 *
 * Without locks, a read counts if nothing that it can have seen was overwritten meanwhile:
 *
 * - With a write-ahead log, a reader has found all frames committed until it began. Pages it takes from the database
 *   change only if a checkpoint copies later frames there; it announces that first. Frames it takes from the log change
 *   only if the log begins anew, under other salts, which are written before the first frame is.
 * - With a rollback journal, pages change only while the journal has its magic number; a commit counts up the header's
 *   change counter. That leaves a change that was begun and rolled back in between: the file's time shows it, if the
 *   last write before is at least a tick old.
 *
 * The checkpoint is read before the salts, since a log that begins anew resets it after changing them.
 */
export function stateOf(path: string, file: number): DatabaseState {
  const own = fstatSync(file, { bigint: true });
  const header = bytesAt(file, 0, headerBytes);
  const isWal = header[writeVersionAt] === walVersion;
  const index = withFile(`${path}-shm`, (shm) => [
    bytesAt(shm, checkpointAt, 4),
    ...indexSalts.map((offset) => bytesAt(shm, offset, saltBytes)),
  ]);
  const log = withFile(`${path}-wal`, (wal) => [idOf(wal), bytesAt(wal, 0, walHeadBytes)]);
  const [magic = 0] = withFile(`${path}-journal`, (journal) => bytesAt(journal, 0, 1)) ?? [];
  const parts = [
    `${identity(own)} ${own.size} ${own.ctimeNs}`,
    hex(header),
    ...(index ?? ['no index']).map(hex),
    ...(log ?? ['no log']).map(hex),
  ];
  const named = identity(lstatSync(path, { bigint: true, throwIfNoEntry: false }));
  const ageMs = Date.now() - Number(own.ctimeNs / 1_000_000n);
  return {
    token: parts.join(' '),
    isInChange: magic !== 0 || named !== identity(own),
    settlesInMs: isWal || ageMs < 0 ? 0 : Math.max(0, tickMs - ageMs),
  };
}

/** Opens what is meant to be a regular file, and neither a link nor something that would block. */
export function openFile(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

function withFile<T>(path: string, use: (file: number) => T): T | undefined {
  const file = openIfThere(path);
  if (file === undefined) return undefined;
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function bytesAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
}

function idOf(file: number): string {
  return identity(fstatSync(file, { bigint: true }));
}

function identity(stat: BigIntStats | undefined): string {
  return stat === undefined ? '-' : `${stat.dev}:${stat.ino}`;
}

function hex(part: Buffer | string): string {
  return typeof part === 'string' ? part : part.toString('hex');
}
