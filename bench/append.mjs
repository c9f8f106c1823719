// What one appended line costs a watch, in a folder of few and of many transcripts. Usage: npm run bench:append [-- --files 50000]
// The built CLI on a local bucket; CPU time of its process, less what it uses while nothing happens.
import { appendFile, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuSecondsOf, startWatch } from './child-usage.mjs';
import { writeReport } from './machine.mjs';
import { rowOf } from './watching.mjs';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '50000' },
    appends: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '3' },
  },
});
const appends = Number(values.appends);
const everyMs = 100;
const settleMs = 10_000;

const table = [];
for (const files of [1, Number(values.files)]) table.push(await measured(files));
const [few, many] = table;
const ratio = Math.round((100 * many.cpu_ms_per_append) / few.cpu_ms_per_append) / 100;
console.table(table);
console.log(`ratio ${ratio}`);
await writeReport('append', { ratio, table });

async function measured(files) {
  const home = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
  try {
    const file = await furnish(home, files);
    const child = await startWatch(home);
    await pause(settleMs);
    const costs = [];
    for (let round = 0; round < Number(values.rounds); round += 1) {
      const idle = await cpuWhile(child.pid, () => pause(appends * everyMs));
      const busy = await cpuWhile(child.pid, async () => {
        for (let n = 0; n < appends; n += 1) {
          await appendFile(file, rowOf(idOf(0), `row ${round} ${n}`));
          await pause(everyMs);
        }
      });
      costs.push(((busy - idle) * 1000) / appends);
    }
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('close', resolve));
    const best = Math.min(...costs);
    return { files, appends, cpu_ms_per_append: Math.round(best * 100) / 100 };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** All but the first did not change for a month, as on most machines. */
async function furnish(home, files) {
  const folder = join(home, '.claude', 'projects', '-work');
  await mkdir(folder, { recursive: true });
  const longAgo = new Date(Date.now() - 30 * 86_400_000);
  for (let n = 0; n < files; n += 1) {
    const path = join(folder, `${idOf(n)}.jsonl`);
    await writeFile(path, rowOf(idOf(n), 'begin'));
    if (n > 0) await utimes(path, longAgo, longAgo);
  }
  return join(folder, `${idOf(0)}.jsonl`);
}

function idOf(n) {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

async function cpuWhile(pid, work) {
  const before = await cpuSecondsOf(pid);
  await work();
  return (await cpuSecondsOf(pid)) - before;
}
