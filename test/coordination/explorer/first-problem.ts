/** The scenarios, over the real code or over code that makes a mistake. */
export type Scenarios = typeof import('./scenarios.js');

export interface Found {
  readonly scenario: string;
  /** `undefined`: all schedules were played. */
  readonly seed: number | undefined;
  /** Schedules until then, that one included. */
  readonly schedules: number;
  readonly problem: string;
}

export interface Search {
  readonly scenarios: readonly string[];
  readonly seed?: number;
  readonly isRare?: boolean;
}

const mostSchedules = 3_000;
const mostStates = 2_000;

/**
 * The first schedule that violates something. Code that merely fails has not violated anything: a mistake must
 * be found by what it does.
 */
export async function firstProblem(module: Scenarios, search: Search): Promise<Found | undefined> {
  module.makeRandomRepeatable();
  await module.warmUp();
  try {
    return await (search.isRare === true ? inAll(module, search) : inRandom(module, search));
  } finally {
    module.restoreRandom();
  }
}

async function inRandom(
  { play }: Scenarios,
  { scenarios, seed: first = 1 }: Search,
): Promise<Found | undefined> {
  let schedules = 0;
  for (let seed = first; seed < first + mostSchedules; seed += 1) {
    for (const scenario of scenarios) {
      schedules += 1;
      const problem = await play(scenario, seed);
      if (problem === undefined || isFailure(problem)) continue;
      return { scenario, seed, schedules, problem };
    }
  }
  return undefined;
}

async function inAll({ explore }: Scenarios, { scenarios }: Search): Promise<Found | undefined> {
  for (const scenario of scenarios) {
    const { problem, schedules } = await explore(scenario, 0, mostStates);
    if (problem === undefined || isFailure(problem)) continue;
    return { scenario, seed: undefined, schedules, problem };
  }
  return undefined;
}

function isFailure(problem: string): boolean {
  return /^\S+ failed: |^no end\n/.test(problem);
}
