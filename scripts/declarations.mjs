import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Writes the SDK's declarations as one file for `import` and the same for `require`, and the ES module that
 * re-exports the CommonJS one: with one copy of each class, `instanceof` holds however it was loaded.
 */
export async function writeSdk(root, folder) {
  const text = await declarations(root);
  await writeFile(join(folder, 'sdk.d.cts'), text);
  await writeFile(join(folder, 'sdk.d.mts'), text);
  const names = [...text.matchAll(/^export declare (?:class|function) (\w+)/gm)].map(
    ([, name]) => name,
  );
  const module = [
    "import sdk from './sdk.cjs';",
    `export const { ${names.sort().join(', ')} } = sdk;`,
    '',
  ];
  await writeFile(join(folder, 'sdk.mjs'), module.join('\n'));
}

async function declarations(root) {
  const folder = await mkdtemp(join(tmpdir(), 'tracecraft-declarations-'));
  try {
    await compile(root, folder);
    const texts = await Promise.all(
      (await parts(root)).map((part) => readFile(join(folder, 'src', `${part}.d.ts`), 'utf8')),
    );
    const text = texts
      .join('')
      .replace(/^import type \{[^}]*\} from '\.\/(?:[a-z]+-)?types\.js';\n/gm, '');
    if (/\bimport\b.*\bfrom\b|\bimport\(/.test(text))
      throw new Error('the declarations of the SDK would not stand on their own');
    return text;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The SDK's public types. They import nothing but each other. */
async function parts(root) {
  const names = await readdir(join(root, 'src', 'sdk'));
  const types = names.filter((name) => name.endsWith('-types.ts')).sort();
  return ['errors', ...types.map((name) => `sdk/${name.slice(0, -3)}`), 'sdk/types', 'sdk/open'];
}

async function compile(root, folder) {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  const compiler = join(dirname(manifest), 'bin', 'tsc');
  const project = join(root, 'src', 'sdk', 'tsconfig.json');
  await promisify(execFile)(process.execPath, [compiler, '-p', project, '--outDir', folder]);
}
