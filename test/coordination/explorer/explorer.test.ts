import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstProblem } from './first-problem.js';
import { mutants, mutated } from './mutants.js';
import * as original from './scenarios.js';

/** A few of each kind; `npm run explore` has no such limits. */
const schedules = 30;
const mostStates = 120;

const names = Object.keys(original.scenarios);

beforeAll(async () => {
  original.makeRandomRepeatable();
  await original.warmUp();
});
afterAll(() => original.restoreRandom());

describe('schedules of the real code on a simulated store', () => {
  it.each(names)('%s: no random one violates anything', async (name) => {
    for (let seed = 1; seed <= schedules; seed += 1) {
      expect(await original.play(name, seed), `seed ${seed}`).toBeUndefined();
    }
  });

  it.each(names)('%s: none with at most one fault does, as far as this goes', async (name) => {
    const { problem, states } = await original.explore(name, 1, mostStates);
    expect(problem).toBeUndefined();
    expect(states).toBeGreaterThanOrEqual(name === 'besteffort' ? 50 : mostStates);
  });

  it('a reader between a fold and its status is not told that the step is in progress', async () => {
    expect(await original.play('interop', 5_499)).toBeUndefined();
  });

  it('the same seed plays the same schedule', async () => {
    const traces = [await original.traceOf('next', 7), await original.traceOf('next', 7)];
    expect(traces[0]?.length).toBeGreaterThan(20);
    expect(traces[1]).toEqual(traces[0]);
  });
});

describe('a mistake in the real code', () => {
  it.each(mutants)(
    '$name is found',
    async ({ mutations, ...search }) => {
      const { module, remove } = await mutated(mutations);
      try {
        expect(await firstProblem(module, search)).toBeDefined();
      } finally {
        await remove();
      }
    },
    120_000,
  );
});
