import { everywhere, randomly } from '../../support/schedule/drivers.js';
import type { Choose } from '../../support/schedule/scheduled-store.js';
import { claimScenarios } from './claim-scenarios.js';
import { handoffScenarios } from './handoff-scenarios.js';
import { teamScenarios } from './team-scenarios.js';
import { type Scenario, World } from './world.js';

export { makeRandomRepeatable, restoreRandom } from '../../support/schedule/repeatable-random.js';
export { warmUp } from './world.js';

export const scenarios: Readonly<Record<string, Scenario>> = {
  ...claimScenarios,
  ...handoffScenarios,
  ...teamScenarios,
};

/** One random schedule; what was violated, with how it came to that. */
export function play(name: string, seed: number): Promise<string | undefined> {
  return playWith(name, randomly(seed), Number.POSITIVE_INFINITY);
}

/** Every schedule with at most so many faults. */
export function explore(name: string, mostFaults: number, mostStates: number) {
  return everywhere((choose) => playWith(name, choose, mostFaults), { states: mostStates });
}

/** What happens in a random schedule. */
export async function traceOf(name: string, seed: number): Promise<readonly string[]> {
  const world = worldOf(name, randomly(seed), Number.POSITIVE_INFINITY);
  await world.play();
  return world.scheduled.trace;
}

function playWith(name: string, choose: Choose, mostFaults: number): Promise<string | undefined> {
  return worldOf(name, choose, mostFaults).play();
}

function worldOf(name: string, choose: Choose, mostFaults: number): World {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return new World(scenario, choose, mostFaults);
}
