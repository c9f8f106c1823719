import { constants } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  realpath,
  rename,
  rm,
  rmdir,
  unlink,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, isAbsence, onDisk } from '../bucket/disk-errors.js';
import { LostError, NotAllowedError } from '../errors.js';

/** The disk as a restore changes it, so that a test can stop it at any step. */
export interface RestoreDisk {
  /** Creates the folder and those above it if missing, and resolves links on the way to it. */
  root(folder: string): Promise<string>;
  /** What is at a path, without following a link there. */
  kindAt(path: string): Promise<'folder' | 'file' | 'link' | 'other' | undefined>;
  /** Creates one folder, which nobody else can look into; one that exists is fine. */
  makeFolder(path: string): Promise<void>;
  /** A new file, or an `EEXIST` error. */
  create(path: string): Promise<OutputFile>;
  /** Opens an existing file for writing at its end. */
  openEnd(path: string): Promise<OutputFile>;
  /** Gives a file a second name where there is none. */
  link(from: string, to: string): Promise<void>;
  /** Takes a name away from a file. */
  unlink(path: string): Promise<void>;
  /** Whole file in pieces, not through a link. A piece holds until the next one is asked for. */
  read(path: string): AsyncIterable<Buffer>;
  remove(path: string): Promise<void>;
  /** Removes a folder if nothing is in it. */
  removeEmpty(path: string): Promise<void>;
}

export interface OutputFile {
  /** The bytes must stay as they are until it resolves. */
  write(bytes: Buffer): Promise<void>;
  /** Flushes it to the disk and closes it. */
  close(): Promise<void>;
}

const noFollow = constants.O_NOFOLLOW ?? 0;
const pieceBytes = 1 << 20;
const noHardLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

export const nodeRestoreDisk: RestoreDisk = {
  root: (folder) =>
    onDisk(`make the folder ${folder}`, async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return realpath(folder);
    }),
  kindAt: (path) =>
    onDisk(`look at ${path}`, async () => {
      try {
        const found = await lstat(path);
        if (found.isDirectory()) return 'folder';
        if (found.isFile()) return 'file';
        return found.isSymbolicLink() ? 'link' : 'other';
      } catch (error) {
        if (isAbsence(error)) return undefined;
        throw error;
      }
    }),
  makeFolder: (path) =>
    onDisk(`make the folder ${path}`, async () => {
      await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error;
      });
    }),
  create: (path) =>
    onDisk(`write ${path}`, async () =>
      output(
        path,
        await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600),
      ),
    ),
  openEnd: (path) =>
    onDisk(`write ${path}`, async () =>
      output(path, await open(path, constants.O_WRONLY | constants.O_APPEND | noFollow)),
    ),
  link: (from, to) =>
    onDisk(`write ${to}`, async () => {
      try {
        await link(from, to);
      } catch (error) {
        if (codeOf(error) === 'EEXIST') throw somethingElse(to);
        if (!noHardLinks.has(codeOf(error) ?? '')) throw error;
        await rename(from, to);
      }
    }),
  unlink: (path) => onDisk(`remove ${path}`, () => unlink(path)),
  read: readPieces,
  remove: (path) => onDisk(`remove ${path}`, () => rm(path, { recursive: true, force: true })),
  removeEmpty: (path) => rmdir(path).catch(() => undefined),
};

/** Looks, but changes nothing. */
export const lookingDisk: RestoreDisk = {
  ...nodeRestoreDisk,
  root: (folder) =>
    onDisk(`look at ${folder}`, async () => {
      try {
        return await realpath(folder);
      } catch (error) {
        if (isAbsence(error)) return folder;
        throw error;
      }
    }),
  makeFolder: async () => undefined,
  create: async () => ({ write: async () => undefined, close: async () => undefined }),
  link: async () => undefined,
  unlink: async () => undefined,
  remove: async () => undefined,
  removeEmpty: async () => undefined,
};

/** So much is written before the disk is asked to begin, so that it is nearly done when the file is closed. */
const unsyncedBytes = 16 << 20;

function output(path: string, handle: FileHandle): OutputFile {
  let [unsynced, syncing]: [number, Promise<void> | undefined] = [0, undefined];
  // The system reports a failure to write back just once, to whoever syncs first.
  let failure: { readonly error: unknown } | undefined;
  const begin = async (): Promise<void> => {
    unsynced = 0;
    await handle.datasync().catch((error: unknown) => {
      failure = { error };
    });
    syncing = undefined;
  };
  return {
    write: (bytes) =>
      onDisk(`write ${path}`, async () => {
        for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
        unsynced += bytes.length;
        if (unsynced >= unsyncedBytes) syncing ??= begin();
      }),
    close: () =>
      onDisk(`write ${path}`, async () => {
        try {
          await syncing;
          if (failure !== undefined) throw failure.error;
          await handle.sync();
        } finally {
          await handle.close();
        }
      }),
  };
}

async function* readPieces(path: string): AsyncIterable<Buffer> {
  const handle = await onDisk(`read ${path}`, () => open(path, constants.O_RDONLY | noFollow));
  const buffer = Buffer.allocUnsafeSlow(pieceBytes);
  try {
    for (;;) {
      const { bytesRead } = await onDisk(`read ${path}`, () => handle.read(buffer));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** The folders from `root` down to a file, without `root`. */
function waysTo(root: string, path: readonly string[]): readonly string[] {
  return path.slice(0, -1).map((_, index) => join(root, ...path.slice(0, index + 1)));
}

/** Throws unless every folder on the way is a real one or missing. */
export async function requireClearWay(
  disk: RestoreDisk,
  root: string,
  path: readonly string[],
): Promise<void> {
  for (const way of waysTo(root, path)) {
    const kind = await disk.kindAt(way);
    if (kind === undefined) return;
    requireFolder(way, kind);
  }
}

export async function makeWay(
  disk: RestoreDisk,
  root: string,
  path: readonly string[],
): Promise<void> {
  for (const way of waysTo(root, path)) {
    await disk.makeFolder(way);
    requireFolder(way, await disk.kindAt(way));
  }
}

export function somethingElse(path: string): LostError {
  return new LostError(`${path} exists and is something else`, {
    hint: 'It was left as it is. Restore elsewhere with --into.',
  });
}

function requireFolder(path: string, kind: string | undefined): void {
  if (kind === 'folder') return;
  if (kind === 'link') {
    throw new NotAllowedError(`cannot write into ${path}: it is a symbolic link`, {
      hint: `Links below ${dirname(path)} are not followed: remove it, or restore elsewhere with --into.`,
    });
  }
  throw new LostError(`cannot write into ${path}: it is not a folder`, {
    hint: 'Restore elsewhere with --into.',
  });
}
