import { describe, expect, it } from 'vitest';
import { diskError } from '../../src/bucket/disk-errors.js';
import {
  NotAllowedError,
  NotFoundError,
  TracecraftError,
  UnreachableError,
  UsageError,
} from '../../src/errors.js';

const failed = (code: string): Error => Object.assign(new Error(`${code}: system`), { code });

describe('a failed step on disk', () => {
  it.each([
    ['EACCES', NotAllowedError],
    ['EPERM', NotAllowedError],
    ['EROFS', NotAllowedError],
    ['ENOTDIR', UsageError],
    ['EISDIR', UsageError],
    ['ENOTEMPTY', UsageError],
    ['ENAMETOOLONG', UsageError],
    ['EXDEV', UsageError],
    ['ELOOP', UsageError],
    ['ENOENT', NotFoundError],
    ['ENOSPC', UnreachableError],
    ['EDQUOT', UnreachableError],
    ['EIO', UnreachableError],
    ['EMFILE', UnreachableError],
    ['ESTALE', UnreachableError],
  ])('%s says what it was, where, and whether to try again', (code, kind) => {
    const cause = failed(code);
    const error = diskError(cause, 'write /bucket/a');
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^cannot write \/bucket\/a: ./),
      retryable: kind === UnreachableError,
      cause,
    });
  });

  it('says what helps if the disk is full', () => {
    expect(diskError(failed('ENOSPC'), 'x')).toMatchObject({
      hint: expect.stringContaining('Free'),
    });
    expect(diskError(failed('EMFILE'), 'x')).toMatchObject({
      hint: expect.stringContaining('ulimit'),
    });
  });

  it('leaves errors of our own, and programming errors, as they are', () => {
    const ours = new TracecraftError('damaged', 'ours');
    expect(diskError(ours, 'x')).toBe(ours);
    const mistake = new TypeError('undefined is not a function');
    expect(diskError(mistake, 'x')).toBe(mistake);
  });
});
