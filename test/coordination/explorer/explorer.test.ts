import { describe, expect, it } from 'vitest';
import { play, scenarios } from './scenarios.js';

/** Random schedules of each scenario; all of them with TRACECRAFT_SCHEDULES. */
const schedules = Number(process.env.TRACECRAFT_SCHEDULES ?? 150);
const firstSeed = Number(process.env.TRACECRAFT_SEED ?? 1);

describe('random schedules of the real code on a simulated store', () => {
  it.each(Object.keys(scenarios))(
    '%s: nothing is violated',
    async (name) => {
      for (let seed = firstSeed; seed < firstSeed + schedules; seed += 1) {
        expect(await play(name, seed), `seed ${seed}`).toBeUndefined();
      }
    },
    7_200_000,
  );
});
