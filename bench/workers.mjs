import { spawn } from 'node:child_process';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished, must, quantile, round } from './stand.mjs';

const append =
  "require('node:fs').appendFileSync(process.argv[1], process.env.TRACECRAFT_STEP + '\\n')";

/** Workers take what is ready, each step needing up to two of the ten before it. One race per step. */
export async function racesForNext(stand, [workers, count], ownerOf) {
  const steps = Array.from({ length: count }, (_, n) => ({
    id: `next-${n}`,
    needs: [n - 3, n - 7].filter((one) => one >= 0 && n % 3 !== 0).map((one) => `next-${one}`),
  }));
  const file = join(stand.work, 'plan.json');
  await writeFile(file, JSON.stringify(steps));
  await must(stand.run(['step', 'add', '--from', file], { agent: 'lead' }));
  const taken = new Map(steps.map(({ id }) => [id, []]));
  let failures = 0;
  const work = async (agent) => {
    for (;;) {
      const began = performance.now();
      const won = await stand.run(['claim', '--next', '--wait', '-q'], { agent });
      if (won.code === 3) return;
      if (won.code !== 0) {
        failures += 1;
        continue;
      }
      const step = won.stdout.trim();
      taken.get(step)?.push({ agent, ms: performance.now() - began });
      await must(stand.run(['complete', step], { agent }));
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, n) => work(`worker-${n}`)));
  console.error(`claim --next, ${workers} workers: ${count} steps`);
  const races = [];
  for (const [step, wins] of taken) {
    races.push({
      way: 'claim --next',
      mode: 'with needs',
      processes: workers,
      winners: wins.length,
      failures: races.length === 0 ? failures : 0,
      is_owner: (await ownerOf(step)) === wins[0]?.agent,
      ms: round(wins[0]?.ms ?? 0, 1),
      winner_ms: round(wins[0]?.ms ?? 0, 1),
    });
  }
  return races;
}

/** Processes of `run` for one step: one of them may run its command. */
export async function racesOfRuns(stand, [processes, count], ownerOf) {
  const races = [];
  for (let n = 0; n < count; n += 1) {
    const step = `run-${n}`;
    const log = join(stand.work, step);
    await appendFile(log, '');
    const command = ['run', step, '--', process.execPath, '-e', append, log];
    const began = performance.now();
    const results = await Promise.all(
      Array.from({ length: processes }, async (_, index) => {
        const agent = `runner-${index}`;
        const { code } = await stand.run(command, { agent });
        return { code, agent, ms: performance.now() - began };
      }),
    );
    const winners = results.filter(({ code }) => code === 0);
    const ran = (await readFile(log, 'utf8')).split('\n').length - 1;
    races.push({
      way: 'run',
      mode: 'simultaneous',
      processes,
      winners: Math.max(winners.length, ran),
      failures: results.filter(({ code }) => code !== 0 && code !== 4).length,
      is_owner: (await ownerOf(step)) === winners[0]?.agent,
      ms: round(performance.now() - began, 1),
      winner_ms: round(winners[0]?.ms ?? 0, 1),
    });
  }
  console.error(`run, ${processes} processes: ${count} races`);
  return races;
}

/** One command alone, between `claim` and `complete`, and in `run`. */
export async function costOfRun(stand, rounds) {
  const words = [process.execPath, '-e', ''];
  const alone = () =>
    must(finished(spawn(words[0], words.slice(1), { env: stand.env, cwd: stand.work })));
  const cases = {
    alone,
    apart: async (n) => {
      await must(stand.run(['claim', `apart-${n}`]));
      await alone();
      await must(stand.run(['complete', `apart-${n}`]));
    },
    run: (n) => must(stand.run(['run', `together-${n}`, '--', ...words])),
  };
  const rows = [];
  for (const [name, act] of Object.entries(cases)) {
    await act('first');
    const ms = [];
    stand.proxy.reset();
    for (let n = 0; n < rounds; n += 1) {
      const began = performance.now();
      await act(n);
      ms.push(performance.now() - began);
    }
    const all = Object.values(stand.proxy.counts()).reduce((sum, count) => sum + count, 0);
    rows.push({
      case: name,
      rounds,
      requests: round(all / rounds, 1),
      ms_p50: round(quantile(ms, 0.5)),
    });
  }
  return rows;
}
