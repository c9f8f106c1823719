import { buildMutant, type Mutation } from '../support/mutant-build.js';

export type { Mutation } from '../support/mutant-build.js';

/** The player of scripts (mirror-script.ts) over a writer that makes the mistake. */
export async function mutated(
  mutations: readonly Mutation[],
): Promise<{ readonly module: typeof import('./mirror-script.js'); remove(): Promise<void> }> {
  const { path, remove } = await buildMutant('test/mirror/mirror-script.ts', mutations);
  return { module: await import(path), remove };
}
