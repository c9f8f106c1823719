import { parseArgs } from 'node:util';
import { firstProblem } from './first-problem.js';
import { mutants, mutated } from './mutants.js';
import { explore, makeRandomRepeatable, play, scenarios, warmUp } from './scenarios.js';

const usage = `node scripts/explore.mjs [SCENARIO…] [--schedules N] [--seed N] [--faults N] [--states N]

--schedules N  random schedules of each scenario, from --seed on (default 1)
--mutants      which mistake in the code is found by which schedule, the named ones or all
--faults N     every schedule with at most N faults (default 0), up to --states N states
`;

/** Long runs of the explorer; prints a line per scenario, and returns the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      schedules: { type: 'string' },
      seed: { type: 'string', default: '1' },
      faults: { type: 'string', default: '0' },
      states: { type: 'string', default: '1000000' },
      mutants: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  if (values.mutants === true) return findMutants(positionals);
  makeRandomRepeatable();
  await warmUp();
  let isWrong = false;
  for (const name of positionals.length > 0 ? positionals : Object.keys(scenarios)) {
    const before = process.cpuUsage();
    const { line, problem } =
      values.schedules === undefined
        ? await all(name, Number(values.faults), Number(values.states))
        : await some(name, Number(values.seed), Number(values.schedules));
    const { user, system } = process.cpuUsage(before);
    const seconds = ((user + system) / 1e6).toFixed(1);
    process.stdout.write(`${name.padEnd(11)} ${line}, ${seconds} CPU s\n`);
    if (problem !== undefined) process.stdout.write(`${problem}\n`);
    isWrong ||= problem !== undefined;
  }
  return isWrong ? 1 : 0;
}

/** How long each mistake stays undiscovered. */
async function findMutants(names: readonly string[]): Promise<number> {
  let missed = 0;
  for (const { name, mutations, ...search } of mutants) {
    if (names.length > 0 && !names.includes(name)) continue;
    const { module, remove } = await mutated(mutations);
    const found = await firstProblem(module, search).finally(remove);
    if (found === undefined) missed += 1;
    const problem = found?.problem.split('\n', 1)[0] ?? 'NOT FOUND';
    const where = `${found?.scenario ?? search.scenarios.join()} seed ${found?.seed ?? '-'}`;
    process.stdout.write(
      `${name.padEnd(21)} ${where}, ${found?.schedules} schedules: ${problem}\n`,
    );
  }
  return missed === 0 ? 0 : 1;
}

interface Outcome {
  readonly line: string;
  readonly problem: string | undefined;
}

async function all(name: string, faults: number, most: number): Promise<Outcome> {
  const { states, schedules, isCut, problem } = await explore(name, faults, most);
  const bound = `at most ${faults} faults: ${states} states, ${schedules} schedules`;
  const how =
    problem !== undefined ? 'VIOLATION' : isCut ? 'cut, no violation' : 'whole, no violation';
  return { line: `${bound}, ${how}`, problem };
}

async function some(name: string, first: number, count: number): Promise<Outcome> {
  for (let seed = first; seed < first + count; seed += 1) {
    const problem = await play(name, seed);
    if (problem !== undefined) return { line: `seed ${seed}: VIOLATION`, problem };
  }
  return { line: `seeds ${first} to ${first + count - 1}: no violation`, problem: undefined };
}
