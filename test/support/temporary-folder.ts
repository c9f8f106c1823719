import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh folder (its real path) for one test, and the way to remove it. */
export async function createTemporaryFolder(): Promise<{
  readonly path: string;
  remove(): Promise<void>;
}> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'tracecraft-test-')));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
