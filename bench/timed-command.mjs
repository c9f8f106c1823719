import { spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bin, finished, must, round } from './stand.mjs';

/**
 * What a process used, told by itself as it ends: sampling from outside misses the end of a short command. The kernel's
 * `maxRSS` is no use, since a process inherits that of whoever started it.
 */
const teller = `process.on('exit', () => {
  const { readFileSync, writeFileSync } = require('node:fs');
  const [, peak] = /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  const used = { cpu_s: (userCPUTime + systemCPUTime) / 1e6, peak_rss_mb: peak / 1024 };
  writeFileSync(process.env.BENCH_USED, JSON.stringify(used));
});`;

/** Runs the built CLI in a home folder; `timed` also tells CPU seconds, wall seconds and peak memory. */
export function commandsIn(home) {
  const env = { PATH: process.env.PATH, HOME: home, TZ: 'UTC', NO_COLOR: '1' };
  const start = (args, more = {}) =>
    spawn(process.execPath, [bin, ...args], { cwd: home, env: { ...env, ...more } });
  const run = (...args) => expected(args, finished(start(args)));
  let count = 0;
  const timed = async (...args) => {
    count += 1;
    const [preload, used] = [join(home, '.teller.cjs'), join(home, `.used-${count}.json`)];
    await writeFile(preload, teller);
    const began = performance.now();
    const more = { NODE_OPTIONS: `--require ${preload}`, BENCH_USED: used };
    const { stdout } = await expected(args, finished(start(args, more)));
    const wall_s = round((performance.now() - began) / 1000, 3);
    const { cpu_s, peak_rss_mb } = JSON.parse(await readFile(used, 'utf8'));
    await rm(used);
    return { stdout, wall_s, cpu_s: round(cpu_s, 3), peak_rss_mb: round(peak_rss_mb, 1) };
  };
  return { start, run, timed };
}

/** What else than 0 says that all was done: nothing was found, or something was that is to be told. */
const fine = { search: [3], doctor: [10] };

async function expected(args, running) {
  const result = await running;
  return fine[args[0]]?.includes(result.code) ? result : must(result);
}

/** The run with the least CPU time: what else runs on a machine only ever adds. */
export async function bestOf(rounds, run) {
  let best;
  for (let n = 0; n < rounds; n += 1) {
    const one = await run(n);
    if (best === undefined || one.cpu_s < best.cpu_s) best = one;
  }
  return best;
}
