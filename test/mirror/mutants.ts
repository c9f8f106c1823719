import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { repositoryRoot } from '../support/run-cli.js';

/** One mistake, written into a copy of the writer: text of a source file and what stands there instead. */
export interface Mutation {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The player of scripts (mirror-script.ts) over a writer that makes the mistake. */
export async function mutated(
  mutations: readonly Mutation[],
): Promise<{ readonly module: typeof import('./mirror-script.js'); remove(): Promise<void> }> {
  const folder = await mkdtemp(join(repositoryRoot, 'node_modules', '.tracecraft-mutant-'));
  const file = join(folder, 'mutant.mjs');
  const seen = new Set<Mutation>();
  const build = await rolldown({
    cwd: repositoryRoot,
    input: join(repositoryRoot, 'test/mirror/mirror-script.ts'),
    platform: 'node',
    external: ['@photostructure/sqlite'],
    plugins: [
      {
        name: 'mutate',
        transform(code, id) {
          const here = mutations.filter((one) => id.endsWith(one.file));
          if (here.length === 0) return undefined;
          return here.reduce((text, one) => {
            if (text.split(one.from).length !== 2) throw new Error(`not once: ${one.from}`);
            seen.add(one);
            return text.replace(one.from, () => one.to);
          }, code);
        },
      },
    ],
  });
  await build.write({ file, format: 'esm', codeSplitting: false });
  await build.close();
  if (seen.size !== mutations.length) throw new Error('a mutation was not applied');
  return { module: await import(file), remove: () => rm(folder, { recursive: true, force: true }) };
}
