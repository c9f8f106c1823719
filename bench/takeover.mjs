// An expired claim: many processes take it over at once, and its holder comes back late. Usage: npm run bench:takeover [-- --full]
import { writeReport } from './machine.mjs';
import { isFull, must, openStand, quantile, round } from './stand.mjs';

const processes = isFull ? 50 : 12;
const rounds = isFull ? 20 : 2;
const ttlS = 1;
const stand = await openStand();

try {
  await stand.init(stand.proxy.endpoint);
  const steps = Array.from({ length: rounds }, (_, n) => `expired-${n}`);
  for (const step of steps) {
    await must(stand.run(['claim', step, '--ttl', `${ttlS}s`], { agent: 'holder' }));
  }
  // The holder is paused: longer than its TTL, and than the whole seconds that some stores tell.
  await new Promise((resolve) => setTimeout(resolve, (ttlS + 3) * 1000));
  const races = [];
  for (const step of steps) {
    const began = performance.now();
    const results = await Promise.all(
      Array.from({ length: processes }, (_, n) => stand.run(['claim', step], { agent: `a-${n}` })),
    );
    const ms = round(performance.now() - began);
    const late = await stand.run(['complete', step], { agent: 'holder' });
    const { stdout } = await stand.run(['step-status', step, '--json']);
    const winner = results.findIndex(({ code }) => code === 0);
    races.push({
      step,
      winners: results.filter(({ code }) => code === 0).length,
      other_failures: results.filter(({ code }) => code !== 0 && code !== 4).length,
      late_exit_code: late.code,
      is_owner: stdout.includes(`"a-${winner}"`),
      is_still_open: !/"completed"/.test(stdout),
      ms,
    });
    console.error(`${step}: ${races.at(-1).winners} winner, the late one's exit code ${late.code}`);
  }
  const table = [
    {
      processes,
      races: races.length,
      one_winner: races.filter(({ winners, is_owner }) => winners === 1 && is_owner).length,
      late_holder_fenced: races.filter((one) => one.late_exit_code !== 0 && one.is_still_open)
        .length,
      other_failures: races.reduce((sum, { other_failures }) => sum + other_failures, 0),
      ms_p50: quantile(
        races.map(({ ms }) => ms),
        0.5,
      ),
    },
  ];
  console.table(table);
  await writeReport('takeover', { full: isFull, ...stand.about(), table, races });
} finally {
  await stand.close();
}
