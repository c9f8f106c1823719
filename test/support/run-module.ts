import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';
import { repositoryRoot } from './run-cli.js';

/** A TypeScript module of the tests as a program of its own, for what only a real second process shows. */
export async function bundleModule(
  entry: string,
): Promise<{ start(args?: readonly string[]): ChildProcess; remove(): Promise<void> }> {
  // Where its addons are found, too.
  const folder = await mkdtemp(join(repositoryRoot, 'node_modules', '.tracecraft-module-'));
  const file = join(folder, `${basename(entry, '.ts')}.mjs`);
  const build = await rolldown({
    cwd: repositoryRoot,
    input: entry,
    platform: 'node',
    external: ['@photostructure/sqlite'],
  });
  await build.write({ file, format: 'esm', codeSplitting: false });
  await build.close();
  return {
    start: (args = []) => spawn(process.execPath, [file, ...args], { stdio: 'pipe' }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
