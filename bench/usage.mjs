// What usage of a year of three machines takes from a store 30 ms away, and an export of transcripts to a folder. Usage: npm run bench:usage [-- --full]
// The built CLI; the sessions of the first are in the derived index alone, as they are for a reader.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCorpus } from './corpus.mjs';
import { writeReport } from './machine.mjs';
import { startStore } from './simulated-store.mjs';
import { bin, finished, isFull, loadLibrary, must, round, usageOf } from './stand.mjs';

const latencyMs = 30;
const hosts = ['laptop', 'tower', 'ci'];
const perHost = 10_000;
const slotsOfSession = 4;
const corpusBytes = (isFull ? 1_000 : 64) * 1_000_000;
const dayMs = 86_400_000;
const quarterMs = 900_000;
const folder = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
const home = join(folder, 'home');
const library = await loadLibrary([
  "export { partName } from 'src/protocol/parts.js';",
  "export { createRedactor } from 'src/redact/redactor.js';",
  "export { encodeLines, indexedFields } from 'src/mirror/index/lines.js';",
  "export { encodePage } from 'src/mirror/index/usage-page.js';",
  "export { usedRow } from 'src/mirror/index/used-rows.js';",
]);
const table = [];
try {
  await mkdir(home);
  await measureUsage();
  await measureExport();
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.table(table);
await writeReport('usage', { full: isFull, latency_ms: latencyMs, table });

async function measureUsage() {
  const { objects, calls } = yearOfSessions();
  const store = await startStore(objects, { latencyMs });
  const where = ['--backend', 's3', '--bucket', 'bench', '--endpoint', store.endpoint];
  const keys = ['--region', 'us-east-1', '--access-key', 'bench', '--secret-key', 'bench'];
  try {
    await must(run(['init', '--global', ...where, ...keys, '--project', 'year', '--agent', 'a']));
    for (const args of [[], ['--by', 'model'], ['--since', '30d']]) {
      const runs = [];
      for (let n = 0; n < 3; n += 1) {
        const before = store.state.requests;
        const one = await must(run(['usage', '--json', ...args]));
        runs.push({ ...one, requests: store.state.requests - before });
      }
      const best = (name) => Math.min(...runs.map((one) => one[name]));
      const { total } = JSON.parse(runs[0].stdout).data;
      if (args[0] !== '--since' && total.calls !== calls) throw new Error(`${total.calls} calls`);
      table.push({
        what: ['usage', ...args].join(' '),
        sessions: hosts.length * perHost,
        wall_s: round(best('wall_s'), 2),
        cpu_s: round(best('cpu_s'), 2),
        requests: best('requests'),
      });
    }
  } finally {
    await store.stop();
  }
}

async function measureExport() {
  const root = join(folder, 'bucket');
  const made = await writeCorpus(join(root, 'run'), {
    bytes: corpusBytes,
    part: 4_000_000,
    ...library,
  });
  await must(
    run([
      'init',
      '--global',
      '--force',
      '--backend',
      'local',
      '--bucket',
      root,
      '--project',
      'run',
      '--agent',
      'a',
    ]),
  );
  await redact(join(root, 'run'));
  const to = join(folder, 'tables');
  for (const what of ['export', 'export again']) {
    const { cpu_s, wall_s, peak_rss_mb, stdout } = await must(
      run(['export', '--to', to, '--json']),
    );
    const { written, rows } = JSON.parse(stdout).data;
    table.push({
      what,
      mb: round(made.bytes / 1e6),
      sessions: made.sessions,
      rows: rows.entries,
      files_written: written.length,
      wall_s: round(wall_s, 2),
      cpu_s: round(cpu_s, 2),
      mb_per_cpu_s: what === 'export' ? round(made.bytes / 1e6 / cpu_s, 1) : '',
      peak_rss_mb,
    });
  }
}

/** As the mirror would have: pieces of this repository's sources look like secrets here and there. */
async function redact(below) {
  const redactor = library.createRedactor();
  for (const name of await readdir(below, { recursive: true })) {
    if (!name.endsWith('.jsonl')) continue;
    const path = join(below, name);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const redacted = lines.map((line) => redactor.redact(Buffer.from(`${line}\n`)).bytes);
    await writeFile(path, Buffer.concat(redacted));
  }
}

/** As three machines would have written it: a session every 53 minutes each, and what their index says of it. */
function yearOfSessions() {
  const objects = new Map();
  const months = new Map();
  const endMs = Date.UTC(2026, 10, 29);
  for (const [host, name] of hosts.entries()) {
    const harness = host === 2 ? 'codex' : 'claude-code';
    for (let n = 0; n < perHost; n += 1) {
      const ms = endMs - Math.floor((n * 365 * dayMs) / perHost) - host;
      const at = new Date(ms).toISOString();
      const [low, high] = [(n * 2_654_435_761) >>> 0, ((n + 7) * (host + 1) * 40_503) >>> 0];
      const id = `${hex(low, 8)}-${hex(host, 4)}-4000-8000-${hex(high, 12)}`;
      const meta = {
        harness,
        session_id: id,
        agent_id: `agent${host}`,
        host: name,
        cwd: `/home/me/shop${n % 50}`,
        title: `Fix number ${n} of the checkout and write a test for it`,
        started_at: at,
        last_row_at: at,
        last_uploaded_at: at,
        turns: 12,
        total_lines: 360,
        total_uploaded_bytes: 900_000,
        usage: { v: 1, slots: slotsOf(ms, n, host), through: { '': 360 } },
      };
      objects.set(`year/sessions/${harness}/${id}/meta.json`, Buffer.alloc(0));
      const month = `year/_index/${hex(host, 16)}/${at.slice(0, 7)}`;
      months.set(month, [...(months.get(month) ?? []), meta]);
    }
  }
  for (const [month, metas] of months) {
    objects.set(`${month}.jsonl`, library.encodeLines(metas.map(library.indexedFields)));
    objects.set(`${month}.usage.json`, library.encodePage(metas.map(library.usedRow)));
  }
  return { objects, calls: hosts.length * perHost * slotsOfSession * 12 };
}

function slotsOf(ms, n, host) {
  const models = ['claude-opus-5-5', 'claude-sonnet-4-5', 'gpt-5.6'];
  const entries = Array.from({ length: slotsOfSession }, (_, at) => {
    const time = new Date(Math.floor(ms / quarterMs + at) * quarterMs).toISOString().slice(0, 16);
    const print = digest((n * 4 + at) * 3 + host).toString(36);
    const counts = `12 340 ${120_000 + n} 3000 0 ${4_000 + at} 10 0 ${print}`;
    return [`${time}Z ${models[(n + at) % 3]}`, counts];
  });
  return Object.fromEntries(entries);
}

/** 32 bits, as the digests of calls' ids have. */
function digest(number) {
  return Math.imul(number + 1, 2_654_435_761) >>> 0;
}

function hex(number, digits) {
  return number.toString(16).padStart(digits, '0').slice(-digits);
}

/** With its CPU time and the most memory it held, as last seen before it ended. */
async function run(args) {
  const env = { PATH: process.env.PATH, HOME: home, TZ: 'UTC', NO_COLOR: '1' };
  const startMs = performance.now();
  const child = spawn(process.execPath, [bin, ...args], { cwd: home, env });
  let seen;
  const timer = setInterval(async () => {
    const now = await usageOf(child.pid);
    // A process that has just ended still has times, but no memory.
    if (now !== undefined && !Number.isNaN(now.peak_rss_mb)) seen = now;
  }, 20);
  const result = await finished(child);
  clearInterval(timer);
  const { cpu_s = 0, peak_rss_mb = 0 } = seen ?? {};
  return { ...result, wall_s: (performance.now() - startMs) / 1_000, cpu_s, peak_rss_mb };
}
