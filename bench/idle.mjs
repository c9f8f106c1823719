// What a watch costs while nothing happens, with many sessions of all ten harnesses on the machine. Usage: npm run bench:idle [-- --sessions 10000 --settle 150 --seconds 120]
// The built CLI on a local bucket.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dateFolders, sessionWriters } from './idle-sessions.mjs';
import { writeReport } from './machine.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '60' },
    settle: { type: 'string', default: '30' },
  },
});
const sessions = Number(values.sessions);
const seconds = Number(values.seconds);
const settleS = Number(values.settle);
const home = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
const env = { PATH: process.env.PATH, HOME: home };

try {
  await writeSessions();
  const first = await runToEnd(['watch', '--once', '--quiet']);
  const { child, readyMs } = await startWatch();
  const growing = new Set(await bucketKeys());
  // The collector tidies up after the start some 20 s later, once; with many sessions the start goes on for two minutes.
  await pause(settleS * 1000);
  const before = await usage(child.pid);
  await pause(seconds * 1000);
  const after = await usage(child.pid);
  const written = (await bucketKeys()).filter((key) => !growing.has(key)).length;
  // It writes to the folders until its end.
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await ended;
  const report = {
    sessions,
    first_run_ms: first,
    ready_ms: readyMs,
    settled_s: settleS,
    idle_cpu_percent: Math.round((1e5 * (after.cpuS - before.cpuS)) / seconds) / 1000,
    rss_mb: Math.round(after.rssBytes / 1e6),
    peak_rss_mb: Math.round(after.peakBytes / 1e6),
    objects_written_while_idle: written,
  };
  console.table(report);
  await writeReport('idle', report);
} finally {
  await rm(home, { recursive: true, force: true });
}

async function writeSessions() {
  const harnesses = await sessionWriters(home);
  for (let n = 0; n < sessions; n += 1) {
    const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    // Most of what lies on a machine is of other days.
    const atMs = Date.now() - (n < 20 ? 0 : 7_200_000 + (n % 6) * 86_400_000);
    await harnesses[n % harnesses.length].write(id, n, atMs);
  }
  for (const { close } of harnesses) close?.();
  await dateFolders(home);
}

async function runToEnd(args) {
  const startMs = performance.now();
  const child = spawn(process.execPath, [join(root, 'bin/run.cjs'), ...args], { env, cwd: home });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`tracecraft ${args.join(' ')} ended with ${code}`);
  return Math.round(performance.now() - startMs);
}

/** Until it says what it mirrors. */
async function startWatch() {
  const startMs = performance.now();
  const child = spawn(process.execPath, [join(root, 'bin/run.cjs'), 'watch'], { env, cwd: home });
  for await (const chunk of child.stdout) if (String(chunk).includes('Mirroring')) break;
  return { child, readyMs: Math.round(performance.now() - startMs) };
}

/** Linux: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function usage(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return {
    cpuS: (Number(fields[11]) + Number(fields[12])) / 100,
    rssBytes: kilobytes('VmRSS') * 1024,
    peakBytes: kilobytes('VmHWM') * 1024,
  };
}

async function bucketKeys() {
  return readdir(join(home, '.tracecraft', 'bucket'), { recursive: true });
}
