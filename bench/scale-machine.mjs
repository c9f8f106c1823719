// The curves of one machine: sessions on it, files in a folder, lines in a session. A local bucket.
import { appendFile, mkdir, mkdtemp, open, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cpuSecondsOf, startWatch } from './child-usage.mjs';
import { idOf, indexOf, metaOf, rowOf } from './made-sessions.mjs';
import { inParallel, isFull, round, usageOf } from './stand.mjs';
import { bestOf, commandsIn } from './timed-command.mjs';

const day = 86_400_000;
const rounds = isFull ? 3 : 2;
const appendEveryMs = 50;
/** As often as a watch looks at every source, so that each window has one such look in it. */
const windowMs = 10_000;
const settleMs = 5_000;

/** One in a hundred changed within the week; the others were mirrored long ago. */
export async function sessionsOnMachine(sessions, library) {
  return inHome(async ({ home, bucket, run, timed }) => {
    const isOld = (n) => n % 100 !== 0;
    const atMsOf = (n) => Date.now() - (isOld(n) ? 30 * day + n * 60_000 : day);
    const folderOf = (n) => join(home, '.claude', 'projects', `-work-${n % 100}`);
    for (let n = 0; n < Math.min(sessions, 100); n += 1) {
      await mkdir(folderOf(n), { recursive: true });
    }
    await inParallel(sessions, 16, async (n) => {
      const path = join(folderOf(n), `${idOf(n)}.jsonl`);
      await writeFile(path, rowOf(idOf(n), 0, atMsOf(n)));
      await utimes(path, new Date(atMsOf(n)), new Date(atMsOf(n)));
    });
    await run('watch', '--once', '--quiet', '--all-projects');
    const old = Array.from({ length: sessions }, (_, n) => n).filter(isOld);
    await writeMirrored(
      bucket,
      old.map((n) => [idOf(n), atMsOf(n)]),
      library,
    );
    const rows = [];
    for (const args of [['session', 'list'], ['status'], ['doctor', '--quiet']]) {
      await run(...args);
      const best = await bestOf(rounds, () => timed(...args));
      rows.push({ curve: 'sessions', what: withoutFlags(args), size: sessions, ...used(best) });
    }
    rows.push({
      curve: 'sessions',
      what: 'watch, ready',
      size: sessions,
      ...(await untilReady(home)),
    });
    return rows;
  });
}

async function writeMirrored(
  bucket,
  sessions,
  { bucketLayout, partName, encodeLines, indexedFields },
) {
  const layout = bucketLayout('p');
  const name = partName(0, 0, 0);
  const metas = [];
  await inParallel(sessions.length, 16, async (n) => {
    const [id, atMs] = sessions[n];
    const row = rowOf(id, 0, atMs);
    const parts = [{ name, range: [0, 1] }];
    const meta = metaOf(id, { parts, bytes: row.length, atMs });
    metas.push(meta);
    const folder = join(bucket, layout.session('claude-code', id));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), row);
    await writeFile(join(folder, 'meta.json'), `${JSON.stringify(meta, null, 2)}\n`);
  });
  for (const [key, bytes] of indexOf(metas, { layout, encodeLines, indexedFields })) {
    await mkdir(dirname(join(bucket, key)), { recursive: true });
    await writeFile(join(bucket, key), bytes);
  }
}

async function untilReady(home) {
  let best;
  for (let n = 0; n < rounds; n += 1) {
    const began = performance.now();
    const child = await startWatch(home);
    const wall_s = round((performance.now() - began) / 1000, 3);
    const { cpu_s, peak_rss_mb } = await usageOf(child.pid);
    await stopped(child);
    if (best === undefined || cpu_s < best.cpu_s) best = { wall_s, cpu_s, peak_rss_mb };
  }
  return best;
}

/** What an append costs a watch beside so many files that nobody touches. */
export async function filesInFolder(files) {
  return inHome(async ({ home }) => {
    const folder = join(home, '.claude', 'projects', '-work');
    await mkdir(folder, { recursive: true });
    const longAgo = new Date(Date.now() - 30 * day);
    const pathOf = (n) => join(folder, `${idOf(n)}.jsonl`);
    await inParallel(files, 16, async (n) => {
      await writeFile(pathOf(n), rowOf(idOf(n), 0, Date.now()));
      if (n > 0) await utimes(pathOf(n), longAgo, longAgo);
    });
    const cost = await costOfAppends(home, pathOf(0));
    return [{ curve: 'files', what: 'watch, one append', size: files, ...cost }];
  });
}

/** The end of a long session, and what an append to it costs a watch. */
export async function linesInSession(lines) {
  return inHome(async ({ home, run, timed }) => {
    const folder = join(home, '.claude', 'projects', '-work');
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${idOf(0)}.jsonl`);
    await writeLines(path, lines);
    await run('watch', '--once', '--quiet', '--all-projects');
    const args = ['session', 'show', idOf(0), '--tail', '3'];
    await run(...args);
    const show = await bestOf(rounds, () => timed(...args));
    const cost = await costOfAppends(home, path);
    return [
      { curve: 'lines', what: 'session show --tail 3', size: lines, ...used(show) },
      { curve: 'lines', what: 'watch, one append', size: lines, ...cost },
    ];
  });
}

async function writeLines(path, lines) {
  const handle = await open(path, 'w');
  try {
    for (let n = 0; n < lines; ) {
      const rows = [];
      for (const end = Math.min(lines, n + 5_000); n < end; n += 1) {
        rows.push(rowOf(idOf(0), n, Date.now() - (lines - n)));
      }
      await handle.write(rows.join(''));
    }
  } finally {
    await handle.close();
  }
}

/** CPU time of a watch while one file grows, less what it uses while nothing happens. */
async function costOfAppends(home, path) {
  const child = await startWatch(home);
  await pause(settleMs);
  const costs = [];
  const appends = windowMs / appendEveryMs;
  for (let at = 0; at < (isFull ? 3 : 1); at += 1) {
    const idle = await cpuWhile(child.pid, () => pause(windowMs));
    const busy = await cpuWhile(child.pid, async () => {
      const began = performance.now();
      for (let n = 0; n < appends; n += 1) {
        await appendFile(path, rowOf(idOf(0), n + 1, Date.now()));
        await pause(Math.max(0, began + (n + 1) * appendEveryMs - performance.now()));
      }
    });
    costs.push(((busy - idle) * 1000) / appends);
  }
  const { rss_mb } = await usageOf(child.pid);
  await stopped(child);
  return { cpu_ms: round(Math.min(...costs), 2), peak_rss_mb: rss_mb };
}

async function cpuWhile(pid, work) {
  const before = await cpuSecondsOf(pid);
  await work();
  return (await cpuSecondsOf(pid)) - before;
}

async function stopped(child) {
  const end = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGINT');
  await end;
}

async function inHome(act) {
  const home = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
  try {
    const commands = commandsIn(home);
    const bucket = join(home, 'bucket');
    const where = ['--global', '--backend', 'local', '--bucket', bucket];
    await commands.run('init', ...where, '--project', 'p', '--agent', 'bench');
    return await act({ home, bucket, ...commands });
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

function withoutFlags(args) {
  return args.filter((one) => one !== '--quiet').join(' ');
}

function used({ wall_s, cpu_s, peak_rss_mb }) {
  return { wall_s, cpu_s, peak_rss_mb };
}
