import { join } from 'node:path';
import type { Io } from '../../io.js';
import { type HealthRecord, readHealth } from './health-record.js';
import { runningWatch } from './lock.js';

/** How the mirror of one destination is doing on this machine, from local files alone. */
export interface WatchView {
  readonly running: boolean;
  /** Of the running watch, or the last one. */
  readonly pid: number;
  /** ISO 8601 UTC: when it began, and when it last recorded its state. */
  readonly since: string;
  readonly at: string | null;
  /** It is not running, but did not report its end. */
  readonly was_killed: boolean;
  readonly covered: HealthRecord['covered'];
  readonly behind_count: number;
  readonly behind_since: string | null;
  readonly behind: HealthRecord['behind'];
  readonly unreadable: HealthRecord['unreadable'];
}

/** `null` if no watch has left a trace. `folder` is where this machine remembers the destination. */
export async function readWatchView(io: Io, folder: string): Promise<WatchView | null> {
  const [holder, record] = await Promise.all([
    runningWatch(watchLockPath(folder)),
    readHealth(io, folder),
  ]);
  const isItsRecord = holder === undefined || holder.pid === record?.pid;
  const known = isItsRecord ? record : undefined;
  const pid = holder?.pid ?? known?.pid;
  const since = holder?.since ?? known?.since;
  if (pid === undefined || since === undefined) return null;
  return {
    running: holder !== undefined,
    pid,
    since,
    at: known?.at ?? null,
    was_killed: holder === undefined && known?.ended === false,
    covered: known?.covered ?? null,
    behind_count: known?.behind_count ?? 0,
    behind_since: known?.behind_since ?? null,
    behind: known?.behind ?? [],
    unreadable: known?.unreadable ?? [],
  };
}

function watchLockPath(folder: string): string {
  return join(folder, 'watch.lock');
}
