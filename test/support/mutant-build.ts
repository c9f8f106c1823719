import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';
import { repositoryRoot } from './run-cli.js';
import { createTemporaryFolder } from './temporary-folder.js';

/** One mistake, written into a copy of the sources: text of a file and what stands there instead. */
export interface Mutation {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  /** To be imported. */
  readonly path: string;
  remove(): Promise<void>;
}

/** A module of the tests with all of our own code that it uses, in which the mistakes are made. Packages stay as they are. */
export async function buildMutant(
  entry: string,
  mutations: readonly Mutation[],
  { mayFail = false }: { readonly mayFail?: boolean } = {},
): Promise<Mutant> {
  const folder = await mkdtemp(join(repositoryRoot, 'node_modules', '.tracecraft-mutant-'));
  const path = join(folder, 'mutant.mjs');
  const seen = new Set<Mutation>();
  const build = await rolldown({
    cwd: repositoryRoot,
    input: join(repositoryRoot, entry),
    platform: 'node',
    external: /^[^./]/,
    plugins: [
      {
        name: 'mutate',
        async transform(code, id) {
          const here = mutations.filter((one) => id.endsWith(one.file));
          if (here.length === 0) return undefined;
          const mutated = here.reduce((text, one) => {
            if (text.split(one.from).length !== 2) throw new Error(`not once: ${one.from}`);
            seen.add(one);
            return text.replace(one.from, () => one.to);
          }, code);
          if (!mayFail) await refuseUnknownNames(mutated);
          return mutated;
        },
      },
    ],
  });
  await build.write({ file: path, format: 'esm', codeSplitting: false });
  await build.close();
  if (seen.size !== mutations.length) throw new Error('a mutation was not applied');
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** A mistake that names what is not declared fails when it runs, and would count as found for that. */
async function refuseUnknownNames(code: string): Promise<void> {
  const folder = await createTemporaryFolder();
  const path = join(folder.path, 'mutated.ts');
  await writeFile(path, code);
  const linter = join(repositoryRoot, 'node_modules', '.bin', 'biome');
  const only = '--only=correctness/noUndeclaredVariables';
  const settings = ['--colors=off', '--vcs-enabled=false', only];
  const linting = promisify(execFile)(linter, ['lint', ...settings, path], { cwd: repositoryRoot });
  await linting.finally(() => folder.remove());
}
