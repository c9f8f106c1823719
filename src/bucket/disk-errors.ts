import {
  NotAllowedError,
  NotFoundError,
  TracecraftError,
  UnreachableError,
  UsageError,
} from '../errors.js';

const forbidden: Readonly<Record<string, string>> = {
  EACCES: 'its permissions do not allow that',
  EPERM: 'its permissions do not allow that',
  EROFS: 'that file system is read-only',
};

const misplaced: Readonly<Record<string, string>> = {
  EEXIST: 'something else is already there',
  EISDIR: 'a folder is where a file should be',
  ELOOP: 'a symbolic link is in the way, and links are not followed',
  ENAMETOOLONG: 'a name in it is too long for that file system',
  ENOTDIR: 'a file is where a folder should be',
  ENOTEMPTY: 'a folder is where a file should be',
  EXDEV: 'another file system is mounted below that folder',
};

const failing: Readonly<Record<string, string>> = {
  EDQUOT: 'the disk quota is exhausted',
  EIO: 'the disk failed',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ENOSPC: 'the disk is full',
};

const hints: Readonly<Record<string, string>> = {
  EDQUOT: 'Free some space there, then try again.',
  ENOSPC: 'Free some space there, then try again.',
  EMFILE: 'Raise the limit on open files (ulimit -n).',
};

/** The system's error code, for callers that branch on it. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** True for "no such file", including a file where a folder would have to be. */
export function isAbsence(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/**
 * Translates a failed disk operation; `action` says what was tried, with the path or key. Our own errors and
 * programming mistakes pass through.
 */
export function diskError(error: unknown, action: string): unknown {
  const code = codeOf(error);
  if (error instanceof TracecraftError || code === undefined) return error;
  const reason = forbidden[code] ?? misplaced[code] ?? failing[code];
  const message = `cannot ${action}: ${reason ?? 'the file system refused'} (${code})`;
  const hint = hints[code];
  const options = { cause: error, ...(hint === undefined ? {} : { hint }) };
  if (code in forbidden) return new NotAllowedError(message, options);
  if (code in misplaced) return new UsageError(message, options);
  if (code === 'ENOENT') {
    return new NotFoundError(`cannot ${action}: there is no such file or folder`, options);
  }
  return new UnreachableError(message, options);
}

/** Runs one disk operation; a failure becomes a `TracecraftError` that says what was tried. */
export async function onDisk<T>(action: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw diskError(error, action);
  }
}
