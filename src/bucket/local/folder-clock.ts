import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../../clock.js';

/** Kernels date files by a clock that moves in ticks, so a file may seem older than its creation. */
const tickMs = 20;
/** A file system that keeps no times dates every file to 1970. */
const earliestMs = Date.parse('2000-01-01T00:00:00Z');

/**
 * The clock that dates the files of a folder. Machines that share the folder have it in common,
 * whatever their own clocks show: it is told by the dates of the files that are created there.
 */
export interface FolderClock {
  /** Milliseconds since the epoch; this process's own time until the first file was created. */
  now(): number;
  readonly isKnown: boolean;
  /** Creates a file, and learns the time from it. */
  create(path: string): Promise<FileHandle>;
}

export function createFolderClock(clock: Clock): FolderClock {
  let known: number | undefined;
  return {
    now: () => clock.now() + (known ?? 0),
    get isKnown() {
      return known !== undefined;
    },
    create: async (path) => {
      const beforeMs = clock.now();
      const file = await open(path, 'wx', 0o600);
      const { mtimeMs } = await file.stat().catch(async (error: unknown) => {
        await file.close();
        throw error;
      });
      known = aheadMs(mtimeMs, beforeMs, clock.now()) ?? known;
      return file;
    },
  };
}

/**
 * How far the clock that dated a file is ahead of the one that was read before and after; 0 if they
 * agree, `undefined` if the date says nothing.
 */
export function aheadMs(mtimeMs: number, beforeMs: number, afterMs: number): number | undefined {
  if (!(mtimeMs >= earliestMs && Number.isFinite(mtimeMs))) return undefined;
  // Our own clock is read in whole milliseconds.
  if (mtimeMs >= beforeMs - tickMs && mtimeMs < afterMs + 1) return 0;
  return Math.round(mtimeMs - afterMs);
}
