// What one appended line costs a watch, in a folder of few and of many transcripts, and what one new row costs in a session
// of few and of many rows. Usage: npm run bench:append [-- --files 50000 --rows 300000]
// The built CLI on a local bucket; CPU time of its process, less what it uses while nothing happens.
import { appendFile, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuSecondsOf, startWatch } from './child-usage.mjs';
import { hermesDatabase } from './idle-sessions.mjs';
import { writeReport } from './machine.mjs';
import { rowOf } from './watching.mjs';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '50000' },
    appends: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '3' },
    rows: { type: 'string', default: '300000' },
  },
});
const appends = Number(values.appends);
const everyMs = 100;
const settleMs = 10_000;
const newRows = 15;
const rowEveryMs = 4_000;

const table = [];
for (const files of [1, Number(values.files)]) table.push(await measured(files));
const [few, many] = table;
const ratio = Math.round((100 * many.cpu_ms_per_append) / few.cpu_ms_per_append) / 100;
console.table(table);
console.log(`ratio ${ratio}`);
const rows = [];
for (const count of [100, Number(values.rows)]) rows.push(await measuredRows(count));
const rows_ratio = Math.round((100 * rows[1].cpu_ms_per_row) / rows[0].cpu_ms_per_row) / 100;
console.table(rows);
console.log(`ratio ${rows_ratio}`);
await writeReport('append', { ratio, rows_ratio, table, rows });

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

/** Rows that arrive more slowly than the watch looks, so that each is a look of its own. */
async function measuredRows(count) {
  const home = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
  const database = await hermesDatabase(home);
  try {
    const session = '20260102_030405_abcdef';
    const atS = Date.now() / 1000;
    const insert = database.prepare(
      "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, 'user', ?, ?)",
    );
    database.prepare("INSERT INTO sessions VALUES (?, 'cli', ?, NULL, 'x')").run(session, atS);
    database.exec('BEGIN');
    for (let n = 0; n < count; n += 1) insert.run(session, `row ${n}`, atS);
    database.exec('COMMIT');
    const child = await startWatch(home);
    await whenIdle(child.pid);
    const idle = await cpuWhile(child.pid, () => pause(newRows * rowEveryMs));
    const busy = await cpuWhile(child.pid, async () => {
      for (let n = 0; n < newRows; n += 1) {
        insert.run(session, `new ${n}`, atS);
        await pause(rowEveryMs);
      }
    });
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('close', resolve));
    const cost = ((busy - idle) * 1000) / newRows;
    return { rows: count, new_rows: newRows, cpu_ms_per_row: Math.round(cost * 100) / 100 };
  } finally {
    database.close();
    await rm(home, { recursive: true, force: true });
  }
}

/** Once what was there is mirrored: five seconds with hardly any work. */
async function whenIdle(pid) {
  while ((await cpuWhile(pid, () => pause(5_000))) > 0.3) await pause(1_000);
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
