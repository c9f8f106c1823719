import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import { refuseLink } from '../../links.js';
import { livenessOf, type ProcessIdentity, thisProcess } from '../../process-identity.js';

/**
 * Records who watches a destination on this machine, so that a second `watch` can report it and step back. Only a
 * convenience: two simultaneous watchers meet at the slots and do no harm.
 */
export interface LockHolder extends ProcessIdentity {
  readonly since: string;
}

export type LockOutcome =
  /**
   * `trouble`: the lock could not be written, e.g. on a full disk; it is only a convenience, so that is no reason to
   * stop.
   */
  | { readonly held: true; readonly release: () => Promise<void>; readonly trouble?: Error }
  | { readonly held: false; readonly holder: LockHolder };

const attempts = 100;
const retryMs = 20;
/** Between creating a lock and writing to it. */
const writingMs = 1_000;

const holderSchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  since: v.string(),
  host: v.string(),
  started: v.string(),
  boot: v.string(),
  pidNamespace: v.string(),
  machine: v.string(),
});

export async function takeWatchLock(path: string, now: Date): Promise<LockOutcome> {
  try {
    return await compete(path, now);
  } catch (error) {
    const trouble = error instanceof Error ? error : new Error(String(error));
    return { held: true, release: async () => undefined, trouble };
  }
}

async function compete(path: string, now: Date): Promise<LockOutcome> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Links are not read or written through; the lock's other files are created, never opened.
  refuseLink(folder, path);
  const mine: LockHolder = { ...(await thisProcess()), since: now.toISOString() };
  const release = (): Promise<void> => rm(path, { force: true });
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (await create(path, mine)) return { held: true, release };
    const found = await inspect(path);
    if (found.state === 'running') return { held: false, holder: found.holder };
    if (found.state === 'dead' && (await takeOver(path, mine))) return { held: true, release };
    await pause(retryMs);
  }
  const holder = await readHolder(path);
  return { held: false, holder: holder ?? mine };
}

type LockFile =
  | { readonly state: 'running'; readonly holder: LockHolder }
  /** Its holder ended without removing it, or its content is unreadable. */
  | { readonly state: 'dead' }
  /** Someone has just created it and is about to write to it, or has just removed it. */
  | { readonly state: 'changing' };

async function inspect(path: string): Promise<LockFile> {
  const holder = await readHolder(path);
  if (holder !== undefined) {
    return (await isRunning(holder)) ? { state: 'running', holder } : { state: 'dead' };
  }
  const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: Date.now() }));
  const isBeingWritten = size === 0 && Math.abs(Date.now() - mtimeMs) < writingMs;
  return { state: isBeingWritten ? 'changing' : 'dead' };
}

/**
 * A dead holder's lock is replaced in one step, by one process at a time, so nobody finds it missing meanwhile. What a
 * process leaves if it dies during that takeover is removed without such care.
 */
async function takeOver(path: string, mine: LockHolder): Promise<boolean> {
  const turn = `${path}.turn`;
  if (!(await create(turn, mine))) {
    if ((await inspect(turn)).state === 'dead') await rm(turn, { force: true });
    return false;
  }
  try {
    if ((await inspect(path)).state !== 'dead') return false;
    const fresh = `${path}.${process.pid}-${randomBytes(6).toString('hex')}`;
    await writeFile(fresh, JSON.stringify(mine), { flag: 'wx', mode: 0o600 });
    await rename(fresh, path);
    return true;
  } finally {
    await rm(turn, { force: true });
  }
}

/** Who watches for a destination now, if anyone on this machine does. */
export async function runningWatch(path: string): Promise<LockHolder | undefined> {
  const holder = await readHolder(path);
  return holder !== undefined && (await isRunning(holder)) ? holder : undefined;
}

export async function readHolder(path: string): Promise<LockHolder | undefined> {
  try {
    refuseLink(dirname(path), path);
    const result = v.safeParse(holderSchema, JSON.parse(await readFile(path, 'utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

async function create(path: string, holder: LockHolder): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(holder), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    await rm(path, { force: true });
    throw error;
  }
}

/**
 * A holder that is not visible from here does not hold the lock: two watchers do no harm, and a copied folder must not
 * block one.
 */
async function isRunning(holder: LockHolder): Promise<boolean> {
  return (await livenessOf(holder)) === 'alive';
}
