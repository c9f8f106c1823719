import { copyFile, stat, truncate } from 'node:fs/promises';
import type { Clock } from '../clock.js';

const logBoundBytes = 10 * 1024 * 1024;
const lookEveryMs = 60_000;

/**
 * Bounds a log that someone else opened for this process: past the limit it is copied to `<path>.1` and emptied.
 * launchd opens logs for appending, so writing resumes at the top. Lines written between copy and truncation are
 * lost, which is acceptable for a log. Resolves when `signal` aborts.
 */
export async function keepLogBound(
  path: string,
  clock: Clock,
  signal: AbortSignal,
  bytes = logBoundBytes,
): Promise<void> {
  while (!signal.aborted) {
    await emptyIfLarge(path, bytes).catch(() => undefined);
    await clock.sleep(lookEveryMs, signal);
  }
}

async function emptyIfLarge(path: string, bytes: number): Promise<void> {
  const { size } = await stat(path);
  if (size <= bytes) return;
  await copyFile(path, `${path}.1`);
  await truncate(path);
}
