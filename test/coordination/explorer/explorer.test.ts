import { describe, expect, it } from 'vitest';
import { mutants, mutated } from './mutants.js';
import { play, scenarios } from './scenarios.js';

/** Random schedules of each scenario; all of them with TRACECRAFT_SCHEDULES. */
const schedules = Number(process.env.TRACECRAFT_SCHEDULES ?? 60);
const beginning = Number(process.env.TRACECRAFT_SEED ?? 1);

describe('random schedules of the real code on a simulated store', () => {
  it.each(Object.keys(scenarios))(
    '%s: violates nothing',
    async (name) => {
      for (let seed = beginning; seed < beginning + schedules; seed += 1) {
        expect(await play(name, seed), `seed ${seed}`).toBeUndefined();
      }
    },
    7_200_000,
  );
});

describe('a mistake in the real code', () => {
  it.each(mutants)(
    '$name is found',
    async ({ mutations, scenarios: names, seed = 1 }) => {
      const { module, remove } = await mutated(mutations);
      try {
        expect(await firstProblem(module.play, names, seed)).toBeDefined();
      } finally {
        await remove();
      }
    },
    120_000,
  );
});

const mostSchedules = 3_000;

async function firstProblem(
  run: typeof play,
  names: readonly string[],
  firstSeed: number,
): Promise<string | undefined> {
  for (let seed = firstSeed; seed < firstSeed + mostSchedules; seed += 1) {
    for (const name of names) {
      const problem = await run(name, seed).catch((error: unknown) => String(error));
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}
