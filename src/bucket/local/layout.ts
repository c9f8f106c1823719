import { lstatSync, type Stats } from 'node:fs';
import { lstat, mkdir, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { NotFoundError, UnreachableError, UsageError } from '../../errors.js';
import { linkInTheWay } from '../../links.js';
import type { Key } from '../bucket.js';
import { codeOf, diskError, isAbsence, onDisk } from '../disk-errors.js';
import { checkKey } from '../key.js';
import { danglingLinkError } from './dangling-link.js';
import type { FolderClock } from './folder-clock.js';
import { sweepTemporaries } from './sweep.js';

/** The one name in the root that is not the user's: no key starts with it, no listing shows it. */
export const internalFolder = '.tracecraft';

export interface LocalLayout {
  readonly root: string;
  readonly temporaries: string;
  readonly locks: string;
  /** The path of a key; refuses keys a file system could misread, and paths through symbolic links. */
  locate(key: Key): Promise<string>;
  /** Whether a listing may start in this key's folder (empty, or ending with a slash). */
  isListable(base: string): Promise<boolean>;
  /** Check this before believing "not there": an unplugged drive has no objects either. */
  assertPresent(): Promise<void>;
  /**
   * Call before each write. Creates any missing part of our own folder, accepts no link in its
   * place, and sweeps the folder the first time. Nothing is remembered between writes: in a shared
   * folder, someone else can place a link at any time.
   */
  prepare(): Promise<void>;
  /** Whether our own folder is there to write into, and is no link. Changes nothing. */
  isPrepared(): Promise<boolean>;
}

/** Changes nothing: a command that only reads leaves a bucket as it was. */
export async function openLayout(root: string, time: FolderClock): Promise<LocalLayout> {
  const absolute = resolve(root);
  await assertFolder(absolute);
  const internal = join(absolute, internalFolder);
  const temporaries = join(internal, 'tmp');
  const locks = join(internal, 'locks');
  const wasMarked = (await kindAt(internal)) === 'folder';
  const state = { isMarked: wasMarked, isSwept: false };
  const present = () => assertPresent(absolute, state.isMarked ? internal : absolute);
  return {
    root: absolute,
    temporaries,
    locks,
    locate: (key) => locate(absolute, key),
    isListable: async (base) =>
      base.split('/')[0] !== internalFolder &&
      findLink(absolute, base.split('/').slice(0, -1)) === undefined,
    assertPresent: present,
    isPrepared: async () =>
      (await kindAt(internal)) === 'folder' && (await kindAt(temporaries)) === 'folder',
    prepare: async () => {
      await present();
      await makeOwnFolder(absolute, internal);
      state.isMarked = true;
      await makeOwnFolder(absolute, temporaries);
      if ((await kindAt(locks)) === 'link') throw linkInTheWay(locks, locks, absolute);
      if (state.isSwept) return;
      state.isSwept = true;
      await sweepTemporaries(temporaries, time);
    },
  };
}

export async function assertFolder(root: string): Promise<void> {
  const found = await onDisk(`open the bucket ${root}`, () => absentAsUndefined(() => stat(root)));
  if (found === undefined) {
    const dangling = await danglingLinkError(root, `open the bucket ${root}`);
    if (dangling !== undefined) throw dangling;
    throw new NotFoundError(`there is no bucket folder ${root}`, {
      hint: 'Mount the drive it is on. If it is gone for good, make an empty folder there: a bucket needs no more.',
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

type Kind = 'folder' | 'link' | 'other';

async function kindAt(path: string): Promise<Kind | undefined> {
  const found = await onDisk(`look at ${path}`, () => absentAsUndefined(() => lstat(path)));
  if (found === undefined) return undefined;
  if (found.isSymbolicLink()) return 'link';
  return found.isDirectory() ? 'folder' : 'other';
}

async function makeOwnFolder(root: string, path: string): Promise<void> {
  const found = await kindAt(path);
  if (found === undefined) await makeUnlessThere(path);
  const kind = found ?? (await kindAt(path));
  if (kind === 'link') throw linkInTheWay(path, path, root);
  if (kind === 'other')
    throw new UsageError(`tracecraft needs a folder here, and found something else: ${path}`);
}

async function makeUnlessThere(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

async function assertPresent(root: string, marker: string): Promise<void> {
  if (
    (await onDisk(`look at ${root}`, () => absentAsUndefined(() => lstat(marker)))) !== undefined
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
    throw new UsageError(
      `not a usable key: "${key}": "${internalFolder}" is reserved for tracecraft`,
    );
  }
  // A name that is not UTF-8 shows this character instead, so no real name may contain it.
  if (key.includes('\uFFFD')) {
    throw new UsageError(`not a usable key: ${JSON.stringify(key)}: it holds U+FFFD`);
  }
  const found = findLink(root, segments);
  if (found === undefined) return join(root, ...segments);
  throw linkInTheWay(key, found, root);
}

/**
 * The first symbolic link on a path below the root. It may lead anywhere, so we neither read nor
 * write through it. Synchronous, because the thread pool costs several times as much as the check
 * itself, and every call of a bucket makes five.
 */
function findLink(root: string, segments: readonly string[]): string | undefined {
  let path = root;
  for (const segment of segments) {
    path = `${path}${sep}${segment}`;
    const found = statAt(path);
    if (found === undefined) return undefined;
    if (found.isSymbolicLink()) return path;
  }
  return undefined;
}

function statAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw diskError(error, `look at ${path}`);
  }
}
