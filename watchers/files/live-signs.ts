import { join } from 'node:path';
import { fields, word } from '../../src/conversation/fields.js';
import type { TracecraftError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import { isRunningHere } from '../../src/process-identity.js';
import { unreadable } from '../unreadable.js';
import type { DirectoryListings } from './directory-listings.js';
import { isUuid } from './path-rules.js';

/** How signs are read. */
export interface SignReading {
  readonly io: Io;
  readonly listings: DirectoryListings;
  readonly onUnreadable: (error: TracecraftError) => void;
  /** Whether a process with this id runs on this machine. */
  readonly isAlive?: (pid: number) => boolean | Promise<boolean>;
}

/** A sign is a few hundred bytes; anything larger is something else. */
const largestSign = 64 * 1024;

/**
 * The sessions that running processes claim to be in, by files `<pid>.json` with a `sessionId`. They may hold tokens:
 * they are read, and never shipped.
 */
export async function signedSessions(folder: string, reading: SignReading): Promise<string[]> {
  const sessions: string[] = [];
  for (const { name, kind } of (await reading.listings.list(folder)) ?? []) {
    const pid = Number(/^(\d{1,10})\.json$/.exec(name)?.[1]);
    if (kind !== 'file' || !(await isAlive(pid, reading))) continue;
    const id = await signOf(join(folder, name), reading);
    if (id !== undefined) sessions.push(id);
  }
  return sessions;
}

/** Sessions in whose folder a lock names a running process; a killed one leaves its lock behind. */
export async function sessionsWithLock(
  root: string,
  lock: RegExp,
  { listings, ...reading }: Pick<SignReading, 'listings' | 'isAlive'>,
): Promise<ReadonlySet<string>> {
  const locked = new Set<string>();
  for (const { name, kind } of (await listings.list(root)) ?? []) {
    if (kind !== 'directory' || !isUuid(name)) continue;
    const folder = join(root, name);
    const files = listings.asListed(folder) ?? (await listings.list(folder, 'recent')) ?? [];
    for (const { name: file } of files) {
      const pid = lock.exec(file)?.[1];
      if (pid !== undefined && (await isAlive(Number(pid), reading))) locked.add(name);
    }
  }
  return locked;
}

export async function isAlive(
  pid: number,
  reading: Pick<SignReading, 'isAlive'>,
): Promise<boolean> {
  return pid > 0 && (reading.isAlive ?? isRunningHere)(pid);
}

async function signOf(
  path: string,
  { io, onUnreadable }: Pick<SignReading, 'io' | 'onUnreadable'>,
): Promise<string | undefined> {
  try {
    const stat = await io.stat(path);
    if (stat === undefined || stat.size > largestSign) return undefined;
    const sign: unknown = JSON.parse((await io.readFile(path))?.toString('utf8') ?? 'null');
    return word(fields(sign).sessionId);
  } catch (error) {
    if (!(error instanceof SyntaxError)) onUnreadable(unreadable(path, error));
    return undefined;
  }
}
