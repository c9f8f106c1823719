import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const entry = 'src/redact/literal-table.ts';

/** Substitutes the value of the literal table for the code that computes it from every rule. */
export function withLiteralTable(root) {
  return {
    name: 'with-literal-table',
    load: {
      filter: { id: /src[\\/]redact[\\/]literal-table\.ts$/ },
      handler: async () =>
        `export const literalTable = ${JSON.stringify(await literalTable(root))};`,
    },
  };
}

async function literalTable(root) {
  const folder = await mkdtemp(join(tmpdir(), 'tracecraft-build-'));
  try {
    const file = join(folder, 'literal-table.mjs');
    const build = await rolldown({ cwd: root, input: entry, platform: 'node' });
    await build.write({ file, format: 'esm', codeSplitting: false });
    await build.close();
    const module = await import(pathToFileURL(file).href);
    return module.literalTable;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
