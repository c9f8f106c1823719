import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SourceError, TracecraftError } from '../errors.js';
import { refuseLink } from '../links.js';
import { encodeProcess, livenessOf, parseProcess, thisProcess } from '../process-identity.js';

/** A folder for files in transit to the bucket; mode 700, removed afterwards. */
export interface Scratch {
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * Below `folder`, which must not be a link. First removes what this user's killed processes left
 * behind.
 */
export async function openScratch(folder: string): Promise<Scratch> {
  try {
    refuseLink(dirname(folder), folder);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if ((await isOfTheDead(name)) && (await isOwnFolder(path))) {
        await rm(path, { recursive: true, force: true });
      }
    }
    const name = encodeProcess(await thisProcess(), randomBytes(8).toString('hex'));
    const path = join(folder, name);
    await mkdir(path, { mode: 0o700 });
    return { path, remove: () => rm(path, { recursive: true, force: true }) };
  } catch (error) {
    throw diskTrouble(folder, error);
  }
}

/** The disk's own error, with the path it concerns. */
export function diskTrouble(path: string, error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const isSystems = 'syscall' in error && !(error instanceof TracecraftError);
  if (!isSystems) return error;
  return new SourceError('unreachable', `cannot use ${path}: ${error.message}`, {
    cause: error,
    hint: 'There must be room for two copies of the transcript; the state folder can be moved with TRACECRAFT_HOME.',
  });
}

/** `lstat`, so a link does not count. */
async function isOwnFolder(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === (process.getuid?.() ?? found.uid);
}

/** The name identifies the owner. A folder from another machine or container may be in use. */
async function isOfTheDead(name: string): Promise<boolean> {
  const owner = parseProcess(name);
  return owner !== undefined && (await livenessOf(owner)) === 'gone';
}
