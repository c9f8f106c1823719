import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import * as v from 'valibot';

/**
 * Says who watches for a destination on this machine, so that a second `watch` can say so and step back. For comfort only:
 * two watchers that do run at once meet at the slots and harm nothing.
 */
export interface Holder {
  readonly pid: number;
  readonly since: string;
  readonly host: string;
  /** When that process started, as the system tells; guards against a reused pid. */
  readonly started: string | null;
}

export type LockOutcome =
  /** `trouble`: the lock could not be written, e.g. on a full disk; it is a comfort, so that is no reason to stop. */
  | { readonly held: true; readonly release: () => Promise<void>; readonly trouble?: Error }
  | { readonly held: false; readonly holder: Holder };

const holderSchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  since: v.string(),
  host: v.string(),
  started: v.nullable(v.string()),
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
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const mine: Holder = {
    pid: process.pid,
    since: now.toISOString(),
    host: hostname(),
    started: await processStart(process.pid),
  };
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (await create(path, mine)) return { held: true, release: () => rm(path, { force: true }) };
    const holder = await readHolder(path);
    if (holder !== undefined && (await isRunning(holder))) return { held: false, holder };
    await discard(path, holder);
  }
  const holder = await readHolder(path);
  return { held: false, holder: holder ?? mine };
}

/** Who watches for a destination now, if anybody on this machine does. */
export async function runningWatch(path: string): Promise<Holder | undefined> {
  const holder = await readHolder(path);
  return holder !== undefined && (await isRunning(holder)) ? holder : undefined;
}

export async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const result = v.safeParse(holderSchema, JSON.parse(await readFile(path, 'utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

async function create(path: string, holder: Holder): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(holder), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    await rm(path, { force: true });
    throw error;
  }
}

/** Moves the dead holder's file aside; puts it back if it turns out to be somebody's fresh one. */
async function discard(path: string, dead: Holder | undefined): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const moved = await readHolder(aside);
  const isFresh = moved !== undefined && moved.since !== dead?.since && (await isRunning(moved));
  if (isFresh) await rename(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function isRunning(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const started = await processStart(holder.pid);
  return started === null || holder.started === null || started === holder.started;
}

/** Boot id and start time in clock ticks (proc(5), field 22); `null` where there is no /proc. */
async function processStart(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot.trim()}:${fields[19] ?? ''}`;
  } catch {
    return null;
  }
}
