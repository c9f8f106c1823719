import { lstat, readlink, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { NotFoundError } from '../../errors.js';
import { isAbsence } from '../disk-errors.js';

/**
 * Why nothing can be at `path`, if it is or would be below a link whose target is missing, as that of a drive that is not
 * mounted; `action` says what was tried.
 */
export async function danglingLinkError(
  path: string,
  action: string,
): Promise<NotFoundError | undefined> {
  const link = await nearest(path);
  if (link === undefined || !(await isMissing(() => stat(link)))) return undefined;
  const target = resolve(dirname(link), await readlink(link));
  return new NotFoundError(`cannot ${action}: ${link} is a link to ${target}, which is not there`, {
    hint: 'Mount the drive it is on, or make that folder, then try again.',
  });
}

/** The path, or the nearest folder above it, that there is; `undefined` if that is no link. */
async function nearest(path: string): Promise<string | undefined> {
  for (let at = path; ; at = dirname(at)) {
    const found = await lstat(at).catch(() => undefined);
    if (found !== undefined) return found.isSymbolicLink() ? at : undefined;
    if (at === dirname(at)) return undefined;
  }
}

async function isMissing(look: () => Promise<unknown>): Promise<boolean> {
  try {
    await look();
    return false;
  } catch (error) {
    return isAbsence(error);
  }
}
