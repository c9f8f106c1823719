import { appendFileSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createCliWorld } from '../support/run-cli.js';
import { type Act, actsOf, ProcessScript } from './process-script.js';

/**
 * As test/mirror/said-well.test.ts, with the built command and SIGKILL. `npm test` plays one short script;
 * TRACECRAFT_TRUTH_PROCESSES as many random ones, from TRACECRAFT_TRUTH_SEED on. TRACECRAFT_TRUTH_LOG gets a line for each, and
 * those that are in it already are left out.
 */
const scripts = Number(process.env.TRACECRAFT_TRUTH_PROCESSES ?? 0);
const first = Number(process.env.TRACECRAFT_TRUTH_SEED ?? 1);
const log = process.env.TRACECRAFT_TRUTH_LOG;
const short: readonly Act[] = ['once', 'overwrite', 'kill', 'part cut'];
const minute = 60_000;

it(
  'what watch says before and after a kill is true',
  async () => {
    const { outcome } = await play(1, short);
    expect(outcome).toMatchObject({ kills: 1, said: 3, saidWell: 3 });
  },
  minute,
);

it.skipIf(scripts === 0)(
  `what the commands say is true in ${scripts} scripts`,
  async () => {
    const done = seedsIn(log);
    for (let seed = first; seed < first + scripts; seed += 1) {
      if (done.has(seed)) continue;
      const { outcome, seconds } = await play(seed, actsOf(seed));
      if (log !== undefined)
        appendFileSync(log, `${JSON.stringify({ seed, ...outcome, seconds })}\n`);
    }
  },
  scripts * 5 * minute,
);

async function play(seed: number, script: readonly Act[]) {
  const world = await createCliWorld();
  const beganMs = performance.now();
  try {
    const outcome = await new ProcessScript(world, seed).run(script);
    return { outcome, seconds: Math.round((performance.now() - beganMs) / 100) / 10 };
  } finally {
    await world.remove();
  }
}

function seedsIn(path: string | undefined): ReadonlySet<number> {
  if (path === undefined) return new Set();
  try {
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    return new Set(lines.map((line) => Number(JSON.parse(line).seed)));
  } catch {
    return new Set();
  }
}
