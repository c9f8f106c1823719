import { messageOf, SourceError, TracecraftError } from '../../src/errors.js';
import { unreadable } from '../unreadable.js';

/**
 * Another process holds a lock, is just changing its journal, or changed a database read as immutable
 * (https://www.sqlite.org/rescode.html): BUSY, LOCKED, READONLY (its writer must roll back a journal), IOERR, CORRUPT,
 * CANTOPEN, PROTOCOL, SCHEMA.
 */
const transient: ReadonlySet<number> = new Set([5, 6, 8, 10, 11, 14, 15, 17]);

export function isTransient(error: unknown): boolean {
  const code = resultCode(error);
  return code !== undefined && transient.has(code & 0xff);
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode : undefined;
}

export function troubleWith(path: string, error: unknown): TracecraftError {
  const code = resultCode(error);
  if (error instanceof TracecraftError || code === undefined) return unreadable(path, error);
  if (code === 26) return noDatabase(path, error);
  const words = messageOf(error);
  const isDamaged = (code & 0xff) === 11;
  return new SourceError('unreachable', `cannot read the database ${path}: ${words}`, {
    hint: isDamaged
      ? 'Let its program repair it; its sessions are mirrored again as soon as it can be read.'
      : 'It is retried in the next sweep; nothing is lost.',
    cause: error,
  });
}

export function noDatabase(path: string, cause?: unknown): SourceError {
  return new SourceError('unreachable', `${path} is not an SQLite database`, {
    hint: 'Its sessions are mirrored again as soon as it is one.',
    cause,
  });
}

export function busy(path: string): SourceError {
  return new SourceError('unreachable', `the database ${path} changes faster than it can be read`, {
    hint: 'It is retried in the next sweep; nothing is lost.',
  });
}
