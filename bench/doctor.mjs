// What doctor takes with few and with many sessions on the machine, all of them mirrored. Usage: npm run bench:doctor [-- --sessions 100000]
// The built CLI on a local bucket.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeReport } from './machine.mjs';
import { root } from './stand.mjs';
import { rowOf } from './watching.mjs';

const { values } = parseArgs({ options: { sessions: { type: 'string', default: '100000' } } });

const table = [];
for (const sessions of [100, Number(values.sessions)]) table.push(await measured(sessions));
const [few, many] = table;
const ratio = Math.round((100 * many.cpu_s) / few.cpu_s) / 100;
console.table(table);
console.log(`ratio ${ratio}`);
await writeReport('doctor', { ratio, table });

async function measured(sessions) {
  const home = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
  try {
    await furnish(home, sessions);
    await doctor(home);
    const runs = [await doctor(home), await doctor(home), await doctor(home)];
    const best = (name) => Math.min(...runs.map((run) => run[name]));
    return { sessions, wall_s: best('wallS'), cpu_s: best('cpuS') };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** 100 project folders; of a hundred sessions one changed within the week. */
async function furnish(home, sessions) {
  const longAgo = new Date(Date.now() - 30 * 86_400_000);
  const lately = new Date(Date.now() - 86_400_000);
  await run(home, ['init', '--global']);
  for (let n = 0; n < sessions; n += 1) {
    const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    const folder = join(home, '.claude', 'projects', `-work-${n % 100}`);
    if (n < 100) await mkdir(folder, { recursive: true });
    const path = join(folder, `${id}.jsonl`);
    await writeFile(path, rowOf(id, 'begin'));
    const changed = n % 100 === 0 ? lately : longAgo;
    await utimes(path, changed, changed);
  }
  await run(home, ['watch', '--once', '--quiet']);
}

async function doctor(home) {
  const startMs = performance.now();
  const cpuS = await run(home, ['doctor', '--quiet']);
  return { wallS: Math.round(performance.now() - startMs) / 1000, cpuS };
}

/** Its CPU time in seconds. */
async function run(home, args) {
  const env = { PATH: process.env.PATH, HOME: home };
  const timed = ['-c', 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1', 'bash', process.execPath];
  const child = spawn('bash', [...timed, join(root, 'bin/run.cjs'), ...args], { env, cwd: home });
  let text = '';
  child.stderr.on('data', (chunk) => {
    text += chunk;
  });
  await new Promise((resolve) => child.once('close', resolve));
  const [user = 0, system = 0] = text.trim().split(/\s+/).map(Number);
  return Math.round((user + system) * 1000) / 1000;
}
