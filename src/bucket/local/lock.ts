import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.js';
import { UnreachableError, UsageError } from '../../errors.js';
import { refuseLink } from '../../links.js';
import { encodeProcess, livenessOf, parseProcess, thisProcess } from '../../process-identity.js';
import { throwIfAborted } from '../aborted.js';
import { codeOf, isAbsence } from '../disk-errors.js';

export interface KeyLocks {
  /** Runs `critical` while no other process, on any machine that shares the folder, runs one for the same key. */
  hold<T>(key: string, critical: () => Promise<T>, signal?: AbortSignal | undefined): Promise<T>;
}

interface LockOptions {
  /** Where locks live. Created if missing. */
  readonly folder: string;
  /** On the same file system; leftovers of dead processes are swept by their owner. */
  readonly temporaries: string;
  readonly clock: Clock;
  /** Milliseconds to wait for another holder. */
  readonly patienceMs?: number;
}

const defaultPatienceMs = 10_000;
const longestPauseMs = 50;

/** Callers of this process queue here, so only one of them waits on the folder. */
const queues = new Map<string, Promise<unknown>>();

/**
 * A lock is a folder with exactly one entry, whose name identifies the holder. It appears together with that entry,
 * by renaming a folder prepared elsewhere: rename(2) replaces a missing or empty folder, never one with contents.
 * Releasing, and breaking a dead holder's lock, removes that one entry by its unique name, so neither can hit a lock
 * that someone else has just taken. That avoids a second lock, which could be orphaned in turn.
 */
export function openLocks(options: LockOptions): KeyLocks {
  return {
    hold: (key, critical, signal) => {
      const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
      const path = join(options.folder, name);
      return inLine(path, async () => {
        const entry = await acquire(path, options, signal);
        try {
          return await critical();
        } finally {
          await remove(entry);
          await remove(path);
        }
      });
    },
  };
}

async function inLine<T>(path: string, turn: () => Promise<T>): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const mine = before.then(turn, turn);
  const finished = mine.catch(() => undefined);
  queues.set(path, finished);
  try {
    return await mine;
  } finally {
    if (queues.get(path) === finished) queues.delete(path);
  }
}

async function acquire(
  path: string,
  options: LockOptions,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { folder, temporaries, clock, patienceMs = defaultPatienceMs } = options;
  const nonce = randomBytes(8).toString('hex');
  const entry = encodeProcess(await thisProcess(), nonce);
  const prepared = join(temporaries, `lock-${nonce}`);
  // Level by level: if the temporary folder vanished with its drive, it must not be recreated.
  await mkdir(prepared, { mode: 0o700 });
  await mkdir(join(prepared, entry), { mode: 0o700 });
  const start = clock.monotonic();
  for (let attempt = 0; ; attempt += 1) {
    if (await take(prepared, path, folder)) return join(path, entry);
    const holder = await livingHolder(path);
    if (holder === undefined) continue;
    const isStopped = signal?.aborted === true;
    if (isStopped || clock.monotonic() - start >= patienceMs) {
      await remove(join(prepared, entry));
      await remove(prepared);
      throwIfAborted(signal);
      throw tooLong(path, holder, patienceMs);
    }
    await clock.sleep(Math.min(longestPauseMs, 2 ** attempt) * (0.5 + Math.random() / 2), signal);
  }
}

async function take(
  prepared: string,
  path: string,
  folder: string,
  isSecondTry = false,
): Promise<boolean> {
  try {
    await rename(prepared, path);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    if (code === 'ENOTDIR') refuseLink(folder, path);
    if (code !== 'ENOENT' || isSecondTry) throw error;
  }
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  return take(prepared, path, folder, true);
}

/** The holder's entry; `undefined` if nobody holds the lock any more. Entries of dead holders are removed. */
async function livingHolder(path: string): Promise<string | undefined> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    if (isAbsence(error)) return [];
    throw error;
  });
  const [first] = entries;
  if (first === undefined) {
    await remove(path);
    return undefined;
  }
  // Anything else in there is not ours and would never go away, so waiting for it would never end.
  if (!first.isDirectory()) throw notOurs(path, first.name);
  const entry = first.name;
  const holder = parseProcess(entry);
  if (holder === undefined || (await livenessOf(holder)) !== 'gone') return entry;
  await remove(join(path, entry));
  await remove(path);
  return undefined;
}

/** An entry that is gone, or new, is not ours to remove. */
async function remove(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    const code = codeOf(error);
    if (!isAbsence(error) && code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  });
}

function notOurs(path: string, entry: string): Error {
  return new UsageError(`not a lock of ours: ${join(path, entry)}`, {
    hint: `Remove ${path}; the target of a link in it stays as it is.`,
  });
}

function tooLong(path: string, entry: string, patienceMs: number): UnreachableError {
  const holder = parseProcess(entry);
  const who = holder === undefined ? 'somebody unknown' : `process ${holder.pid} on ${holder.host}`;
  return new UnreachableError(
    `still locked by ${who} after ${patienceMs / 1000} s: ${join(path, entry)}`,
    {
      hint: 'If that process no longer exists (say, on another machine), remove that lock folder.',
    },
  );
}
