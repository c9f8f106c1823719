import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, link, lstat, mkdir, mkdtemp, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isAbsence, onDisk } from '../../bucket/disk-errors.js';
import { NotAllowedError, UsageError } from '../../errors.js';
import { checkArtifactName } from '../../protocol/names.js';

/** Commands run below a folder that holds one of these do what it says. */
const obeyed: ReadonlyMap<string, string> = new Map([
  ['.tracecraft.json', 'tracecraft'],
  ['.git', 'git'],
]);
/** Case, and characters that some file systems ignore in names. */
const ignored = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;

/** A folder on this machine that receives files from a bucket, under names others chose. */
export interface DownloadFolder {
  readonly path: string;
  /** Throws if `name` cannot be placed: something exists there, or a link or file is in the way. Changes nothing. */
  assertFree(name: string): Promise<void>;
  /** A path for a file that still has to be verified: on the same file system, and invisible to others. */
  stage(): string;
  /** Moves a staged file to its name, creating folders. On any failure, what was there is unchanged. */
  place(staged: string, name: string): Promise<string>;
  /** Removes staged files that were not placed. */
  close(): Promise<void>;
}

export interface DownloadFolderOptions {
  /** Replaces existing files. */
  readonly force: boolean;
}

/**
 * Creates the folder if missing. It may itself be a link, because its owner named it. Nothing below it is reached
 * through one.
 */
export async function openDownloadFolder(
  folder: string,
  { force }: DownloadFolderOptions,
): Promise<DownloadFolder> {
  const writing = `write to ${folder}`;
  await onDisk(writing, () => mkdir(folder, { recursive: true, mode: 0o700 }));
  const root = await onDisk(writing, () => realpath(folder));
  const staging = await onDisk(writing, () => mkdtemp(join(root, '.tracecraft-')));
  const removeNow = (): void => rmSync(staging, { recursive: true, force: true });
  process.once('exit', removeNow);
  return {
    path: root,
    assertFree: (name) => assertFree(root, name, force),
    stage: () => join(staging, randomBytes(8).toString('hex')),
    place: async (staged, name) => {
      await assertFree(root, name, force);
      await makeWay(root, name);
      const path = pathOf(root, name);
      await onDisk(`write ${path}`, async () => {
        await chmod(staged, 0o600);
        await (force ? rename(staged, path) : putWhereNothingIs(staged, path));
      });
      return path;
    },
    close: async () => {
      await rm(staging, { recursive: true, force: true });
      process.off('exit', removeNow);
    },
  };
}

function pathOf(root: string, name: string): string {
  return join(root, ...checkArtifactName(name).split('/'));
}

/** The folders from the root down to the file. */
function waysTo(root: string, name: string): string[] {
  const segments = checkArtifactName(name).split('/').slice(0, -1);
  return segments.map((_, index) => join(root, ...segments.slice(0, index + 1)));
}

async function assertFree(root: string, name: string, force: boolean): Promise<void> {
  for (const segment of name.replace(ignored, '').toLowerCase().split('/')) {
    const program = obeyed.get(segment);
    if (program === undefined) continue;
    throw new NotAllowedError(`cannot write ${name}: it would become a config of ${program}`, {
      hint: `Its author would decide what later ${program} commands in that folder do.`,
    });
  }
  for (const way of waysTo(root, name)) {
    const found = await kindAt(way);
    if (found === undefined) return;
    assertFolder(way, found);
  }
  const path = pathOf(root, name);
  const found = await kindAt(path);
  if (found === 'folder') throw new UsageError(`cannot write ${path}: it is a folder`);
  if (found === 'special') throw new UsageError(`cannot write ${path}: it is a pipe or a device`);
  if (found === undefined || force) return;
  throw new UsageError(`${path} already exists and was left unchanged`, {
    hint: 'Replace it with --force, or choose another folder with --to.',
  });
}

async function makeWay(root: string, name: string): Promise<void> {
  for (const way of waysTo(root, name)) {
    await onDisk(`make the folder ${way}`, async () => {
      try {
        await mkdir(way, { mode: 0o700 });
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
    });
    assertFolder(way, await kindAt(way));
  }
}

function assertFolder(path: string, found: Kind | undefined): void {
  if (found === 'folder') return;
  if (found === 'link') {
    throw new NotAllowedError(`cannot write into ${path}: it is a symbolic link`, {
      hint: 'Links below a download folder are not followed: choose another one with --to.',
    });
  }
  throw new UsageError(`cannot write into ${path}: it is not a folder`);
}

type Kind = 'folder' | 'link' | 'file' | 'special';

async function kindAt(path: string): Promise<Kind | undefined> {
  return onDisk(`look at ${path}`, async () => {
    try {
      const found = await lstat(path);
      if (found.isDirectory()) return 'folder';
      if (found.isSymbolicLink()) return 'link';
      return found.isFile() ? 'file' : 'special';
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  });
}

/** A second name is given only where there is none; without hard links, a check has to do. */
async function putWhereNothingIs(staged: string, path: string): Promise<void> {
  try {
    await link(staged, path);
  } catch (error) {
    if (!noHardLinks.has(codeOf(error) ?? '')) throw error;
    await rename(staged, path);
    return;
  }
  await rm(staged);
}

const noHardLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);
