import { createHash, randomBytes } from 'node:crypto';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UnreachableError } from '../../errors.js';
import type { Etag } from '../bucket.js';
import { codeOf, isAbsence } from '../disk-errors.js';
import { quotedMd5 } from '../etag.js';
import type { FolderClock } from './folder-clock.js';

/** Each retry requires that someone else removed the emptied folder in between. */
const placingAttempts = 50;

/** A complete file that nobody sees yet. */
export interface Draft {
  readonly path: string;
  readonly etag: Etag;
}

/** Gives a file a second name, like link(2). */
export type HardLink = (file: string, name: string) => Promise<void>;

interface DraftOptions {
  readonly temporaries: string;
  readonly time: FolderClock;
}

/** Writes `chunks` to a temporary file and syncs it. The caller places or discards it. */
export async function writeDraft(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { temporaries, time }: DraftOptions,
): Promise<Draft> {
  const path = draftPath(temporaries);
  const file = await time.create(path);
  try {
    const etag = await fill(file, chunks);
    const now = time.now() / 1000;
    await file.utimes(now, now);
    await file.sync();
    return { path, etag };
  } catch (error) {
    await discard(path);
    throw error;
  } finally {
    await file.close();
  }
}

/** Asks the folder for the time, by a file that is removed again. Left unknown if none can be created. */
export async function learnTime({ temporaries, time }: DraftOptions): Promise<void> {
  const path = draftPath(temporaries);
  try {
    const file = await time.create(path);
    await file.close();
    await discard(path);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
  }
}

function draftPath(temporaries: string): string {
  return join(temporaries, `${process.pid}-${randomBytes(8).toString('hex')}`);
}

export function discard(path: string): Promise<void> {
  return rm(path, { force: true });
}

/**
 * Throws if there is a link on the path to the draft's destination. Checked right before each step: someone may have
 * placed one while a large body was drafted or a lock was awaited.
 */
export type Look = () => Promise<unknown>;

/** Replaces whatever file is there. Everyone sees it whole from then on. */
export async function replace(draft: Draft, path: string, look: Look): Promise<void> {
  await place(path, look, () => rename(draft.path, path));
  await syncFolder(dirname(path));
}

/**
 * Places the draft only if there is no file, as the file system decides: 'taken' if there is one, 'unsupported' if it
 * has no hard links.
 */
export async function create(
  draft: Draft,
  path: string,
  look: Look,
  hardLink: HardLink = link,
): Promise<'created' | 'taken' | 'unsupported'> {
  try {
    await place(path, look, () => hardLink(draft.path, path));
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (noHardLinks.has(code)) return 'unsupported';
    if (code !== 'EEXIST') throw error;
    if (!(await hasSecondName(draft.path))) return 'taken';
  }
  await discard(draft.path);
  await syncFolder(dirname(path));
  return 'created';
}

/** Removes a file, if any, and the folders this leaves empty. */
export async function removeFile(path: string, root: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (isAbsence(error) || (await isFolder(path))) return;
    throw error;
  }
  let folder = dirname(path);
  while (folder !== root && (await removeEmpty(folder))) folder = dirname(folder);
  await syncFolder(folder);
}

const noHardLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

async function fill(
  file: FileHandle,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<Etag> {
  const md5 = createHash('md5');
  for await (const chunk of chunks) {
    md5.update(chunk);
    await file.appendFile(chunk);
  }
  return quotedMd5(md5.digest('hex'));
}

async function place(path: string, look: Look, step: () => Promise<void>): Promise<void> {
  for (let attempt = 0; attempt < placingAttempts; attempt += 1) {
    await look();
    try {
      await step();
      return;
    } catch (error) {
      if (!(await clearWay(path, error))) throw error;
    }
  }
  throw new UnreachableError(`cannot put ${path}: its folder keeps being removed`);
}

/** Whether to try again: the folder was missing, or an empty one was in the file's place. */
async function clearWay(path: string, error: unknown): Promise<boolean> {
  const code = codeOf(error);
  if (code === 'ENOENT') {
    await makeFolder(dirname(path));
    return true;
  }
  if (code !== 'EISDIR' && code !== 'EEXIST') return false;
  if (!(await isFolder(path))) return false;
  await rmdir(path);
  return true;
}

/** A lost answer on a network file system looks like a lost race; link(2) and open(2) advise counting the links. */
async function hasSecondName(path: string): Promise<boolean> {
  return (await stat(path)).nlink > 1;
}

async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made));
  }
}

/** A name is durable only once its folder is synced. File systems that refuse this do not need it. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = codeOf(error) ?? '';
    const isRefused = ['EINVAL', 'ENOTSUP', 'EPERM', 'EACCES', 'EISDIR', 'EBADF'].includes(code);
    if (!isRefused && !isAbsence(error)) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function removeEmpty(folder: string): Promise<boolean> {
  return rmdir(folder).then(
    () => true,
    () => false,
  );
}
