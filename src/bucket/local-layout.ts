import { lstat, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Clock } from '../clock.js';
import { NotAllowedError, NotFoundError, UnreachableError, UsageError } from '../errors.js';
import type { Key } from './bucket.js';
import { codeOf, isAbsence, onDisk } from './disk-errors.js';
import { checkKey } from './key.js';

/** The one name in the root that is not the user's: no key begins with it, no listing shows it. */
export const internalFolder = '.tracecraft';

/** A temporary file this old was left behind by something that died. */
const abandonedAfterMs = 60 * 60 * 1000;

export interface LocalLayout {
  readonly root: string;
  readonly temporaries: string;
  readonly locks: string;
  /** The path of a key; refuses keys that a file system could misread, and ways that lead through symbolic links. */
  locate(key: Key): Promise<string>;
  /** Whether a listing may begin in the folder of this key (empty, or ending with a slash). */
  isListable(base: string): Promise<boolean>;
  /** To be asked before "not there" is believed: a drive that was unplugged has no objects either. */
  assertPresent(): Promise<void>;
}

export async function openLayout(root: string, clock: Clock): Promise<LocalLayout> {
  const absolute = resolve(root);
  await assertFolder(absolute);
  const internal = join(absolute, internalFolder);
  const temporaries = join(internal, 'tmp');
  const canMark = await onDisk(`use ${internal}`, () => makeUnlessReadOnly(temporaries));
  if (canMark) await sweep(temporaries, clock);
  return {
    root: absolute,
    temporaries,
    locks: join(internal, 'locks'),
    locate: (key) => locate(absolute, key),
    isListable: async (base) =>
      base.split('/')[0] !== internalFolder &&
      (await findLink(absolute, base.split('/').slice(0, -1))) === undefined,
    assertPresent: () => assertPresent(absolute, canMark ? internal : absolute),
  };
}

export async function assertFolder(root: string): Promise<void> {
  const found = await onDisk(`open the bucket ${root}`, () => absentAsUndefined(() => stat(root)));
  if (found === undefined) {
    throw new NotFoundError(`there is no bucket folder ${root}`, {
      hint: 'Create it with "tracecraft init", or mount the drive that it lies on.',
    });
  }
  if (!found.isDirectory()) throw new UsageError(`not a folder, so not a bucket: ${root}`);
}

async function absentAsUndefined<T>(step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** A bucket that can only be read, on a snapshot or a DVD, is still a bucket. */
async function makeUnlessReadOnly(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error) ?? '')) return false;
    throw error;
  }
}

async function sweep(temporaries: string, clock: Clock): Promise<void> {
  const names = await readdir(temporaries).catch(() => []);
  for (const name of names) {
    const path = join(temporaries, name);
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined || clock.now() - found.mtimeMs < abandonedAfterMs) continue;
    // Best effort: what cannot be removed now is tried again by the next one to open the bucket.
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function assertPresent(root: string, marker: string): Promise<void> {
  if (
    (await onDisk(`look at ${root}`, () => absentAsUndefined(() => stat(marker)))) !== undefined
  ) {
    return;
  }
  throw new UnreachableError(`the bucket folder ${root} is no longer what it was`, {
    hint: `Was its drive unmounted, or ${marker} removed? Mount it, or start again.`,
  });
}

async function locate(root: string, key: Key): Promise<string> {
  const segments = checkKey(key).split('/');
  if (segments[0] === internalFolder) {
    throw new UsageError(`not a usable key: "${key}": "${internalFolder}" is kept for tracecraft`);
  }
  // A name that is not UTF-8 is shown with this character in its place, so it must not be anybody's own.
  if (key.includes('\uFFFD')) {
    throw new UsageError(`not a usable key: ${JSON.stringify(key)}: it holds U+FFFD`);
  }
  const found = await findLink(root, segments);
  if (found === undefined) return join(root, ...segments);
  throw new NotAllowedError(`cannot use ${key}: ${found} is a symbolic link`, {
    hint: 'Links inside a bucket are not followed: put the file itself there.',
  });
}

/** The first symbolic link on a way below the root. It may lead anywhere, so nothing is read or written through one. */
async function findLink(root: string, segments: readonly string[]): Promise<string | undefined> {
  let path = root;
  for (const segment of segments) {
    path = join(path, segment);
    const found = await onDisk(`look at ${path}`, () => absentAsUndefined(() => lstat(path)));
    if (found === undefined) return undefined;
    if (found.isSymbolicLink()) return path;
  }
  return undefined;
}
