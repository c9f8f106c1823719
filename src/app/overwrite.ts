import { lstat, open, readdir } from 'node:fs/promises';
import { UsageError } from '../errors.js';

/** Enough to contain any mark. */
const headBytes = 1024;

/**
 * Whether a file at `path` begins with our mark. A link is never ours: only its target might be.
 */
export async function isFileOfOurs(path: string, mark: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() === true && (await headOf(path)).includes(mark);
}

/**
 * Refuses to replace somebody else's file at `path`. Anything that is not a file is not replaced
 * even with force.
 */
export async function assertReplaceable(path: string, force: boolean): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isFile() && !found.isSymbolicLink()) {
    throw new UsageError(`cannot write ${path}: what is there is not a file`);
  }
  if (force) return;
  throw new UsageError(`${path} is there already, and tracecraft did not write it`, {
    hint: 'It was left as it is. Name another file, or replace it with --force.',
  });
}

/** Refuses to write into a folder that somebody else uses. */
export async function assertEmptyFolder(path: string, force: boolean): Promise<void> {
  const names = await readdir(path).catch(() => []);
  if (names.length === 0 || force) return;
  throw new UsageError(`the folder ${path} is there already, and is not empty`, {
    hint: 'It was left as it is. Name another file, or write into it with --force.',
  });
}

async function headOf(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return '';
  try {
    const head = Buffer.alloc(headBytes);
    const { bytesRead } = await file.read(head, 0, headBytes, 0);
    return head.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}
