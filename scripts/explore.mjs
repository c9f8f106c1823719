import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

// The explorer of test/coordination/explorer without a test runner, for long runs: see `--help`.
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = await mkdtemp(join(root, 'node_modules', '.tracecraft-explore-'));
const file = join(folder, 'explore.mjs');
const build = await rolldown({
  cwd: root,
  input: join(root, 'test', 'coordination', 'explorer', 'main.ts'),
  platform: 'node',
  external: /^[^./]/,
});
await build.write({ file, format: 'esm', codeSplitting: false });
await build.close();
try {
  const { main } = await import(pathToFileURL(file).href);
  process.exitCode = await main(process.argv.slice(2));
} finally {
  await rm(folder, { recursive: true, force: true });
}
