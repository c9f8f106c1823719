import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceError, TracecraftError } from '../errors.js';

/** A folder for files that are on their way into the bucket; mode 700, gone afterwards. */
export interface Scratch {
  readonly path: string;
  remove(): Promise<void>;
}

/** Below `folder`. What processes left there that were killed is removed first. */
export async function openScratch(folder: string): Promise<Scratch> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) {
      if (isLeftOver(name)) await rm(join(folder, name), { recursive: true, force: true });
    }
    const path = await mkdtemp(join(folder, `${process.pid}-`));
    return { path, remove: () => rm(path, { recursive: true, force: true }) };
  } catch (error) {
    throw diskTrouble(folder, error);
  }
}

/** The disk's own failure, with the place that it concerns. */
export function diskTrouble(path: string, error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const isSystems = 'syscall' in error && !(error instanceof TracecraftError);
  if (!isSystems) return error;
  return new SourceError('unreachable', `cannot use ${path}: ${error.message}`, {
    cause: error,
    hint: 'There must be room for two copies of the transcript; the state folder can be moved with TRACECRAFT_HOME.',
  });
}

function isLeftOver(name: string): boolean {
  const pid = Number(/^(\d{1,10})-/.exec(name)?.[1]);
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
