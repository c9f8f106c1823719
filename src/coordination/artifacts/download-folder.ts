import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, link, lstat, mkdir, mkdtemp, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isAbsence, onDisk } from '../../bucket/disk-errors.js';
import { NotAllowedError, UsageError } from '../../errors.js';
import { checkArtifactName } from '../../protocol/names.js';

/** Commands that run below a folder with such a file do what it says. */
const configName = '.tracecraft.json';

/** A folder on this machine into which files come from a bucket, by names that others chose. */
export interface DownloadFolder {
  readonly path: string;
  /** Throws when `name` cannot be placed: something is there, or a link or file is on the way. Changes nothing. */
  assertFree(name: string): Promise<void>;
  /** A path for a file that is still to be checked. On the same file system, and seen by nobody. */
  stage(): string;
  /** Puts a staged file where its name says, making folders. Whatever fails, what was there is as it was. */
  place(staged: string, name: string): Promise<string>;
  /** Removes what was staged and not placed. */
  close(): Promise<void>;
}

export interface DownloadFolderOptions {
  /** Replaces files that are there. */
  readonly force: boolean;
}

/** Makes the folder if it is missing. It may itself be a link: its owner named it. Nothing below it is reached through one. */
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

/** The folders from the root down to where the file belongs. */
function waysTo(root: string, name: string): string[] {
  const segments = checkArtifactName(name).split('/').slice(0, -1);
  return segments.map((_, index) => join(root, ...segments.slice(0, index + 1)));
}

async function assertFree(root: string, name: string, force: boolean): Promise<void> {
  if (name.toLowerCase().split('/').includes(configName)) {
    throw new NotAllowedError(`cannot write ${name}: it would be a config of tracecraft`, {
      hint: 'Whoever wrote it would decide where the next commands in that folder send what they are given.',
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
  if (found === undefined || force) return;
  throw new UsageError(`${path} is there already, and was left as it is`, {
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
      hint: 'Links below the folder of a download are not followed: choose another one with --to.',
    });
  }
  throw new UsageError(`cannot write into ${path}: it is not a folder`);
}

type Kind = 'folder' | 'link' | 'other';

async function kindAt(path: string): Promise<Kind | undefined> {
  return onDisk(`look at ${path}`, async () => {
    try {
      const found = await lstat(path);
      if (found.isDirectory()) return 'folder';
      return found.isSymbolicLink() ? 'link' : 'other';
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  });
}

/** A second name is given only where none is; without hard links, a look has to do. */
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
