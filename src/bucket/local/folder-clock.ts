import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../../clock.js';

/** Kernels date files by a clock that moves in ticks, so a file may seem older than its creation. */
const tickMs = 20;

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
  let aheadMs: number | undefined;
  return {
    now: () => clock.now() + (aheadMs ?? 0),
    get isKnown() {
      return aheadMs !== undefined;
    },
    create: async (path) => {
      const beforeMs = clock.now();
      const file = await open(path, 'wx', 0o600);
      const { mtimeMs } = await file.stat().catch(async (error: unknown) => {
        await file.close();
        throw error;
      });
      const afterMs = clock.now();
      const agrees = mtimeMs >= beforeMs - tickMs && mtimeMs <= afterMs;
      aheadMs = agrees ? 0 : Math.round(mtimeMs - afterMs);
      return file;
    },
  };
}
