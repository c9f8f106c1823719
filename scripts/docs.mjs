// Writes docs/commands.md and man/tracecraft.1 from the oclif manifest. Usage: npm run docs
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const { readManual, markdownManual, roffManual } = await load([
  'src/cli/manual/commands.ts',
  'src/cli/manual/markdown.ts',
  'src/cli/manual/roff.ts',
]);
const manual = readManual(await readFile(join(root, 'oclif.manifest.json'), 'utf8'));
await write('docs/commands.md', markdownManual(manual));
await write('man/tracecraft.1', roffManual(manual));

/** The renderers are TypeScript, so they are bundled into a temporary file. */
async function load(files) {
  const entry = 'tracecraft:renderers';
  const code = files.map((file) => `export * from ${JSON.stringify(join(root, file))};`).join('\n');
  const build = await rolldown({
    cwd: root,
    input: entry,
    platform: 'node',
    plugins: [
      {
        name: 'renderers',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? code : null),
      },
    ],
  });
  const folder = await mkdtemp(join(tmpdir(), 'tracecraft-docs-'));
  try {
    const file = join(folder, 'renderers.mjs');
    await build.write({ file, format: 'esm' });
    await build.close();
    return await import(pathToFileURL(file).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function write(path, text) {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  process.stdout.write(`${path}\n`);
}
