// From a line in a transcript to its part in the bucket, at default settings: one line every 100 ms in turn over 50 sessions; one
// line every 3 s in each of a few calm sessions, in S3 and in a folder; what calm sessions cost. In real time.
// Usage: npm run bench:latency [-- --full]
import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeReport } from './machine.mjs';
import { finished, isFull, must, openStand, quantile, round } from './stand.mjs';
import { createSessions, ended, rowOf, whenQuiet } from './watching.mjs';

/** Of many sessions, each is as calm as one that gets a line every 5 s. */
const many = { sessions: 50, everyMs: 100, seconds: isFull ? 300 : 10 };
/** One after the other, so that each session gets a line every 3 s. */
const calm = { sessions: 3, everyMs: 1_000, seconds: isFull ? 600 : 15 };

const stand = await openStand();
try {
  await stand.init(stand.proxy.endpoint, { global: true });
  const files = await createSessions(stand.home, many.sessions);
  const table = [
    rowFor('many sessions, S3', many, await throughProxy(files, many)),
    rowFor('calm sessions, S3', calm, await throughProxy(files.slice(0, calm.sessions), calm)),
    rowFor('calm sessions, a folder', calm, await intoFolder(calm)),
  ];
  console.table(table);
  await writeReport('latency', { full: isFull, ...stand.about(), table });
} finally {
  await stand.close();
}

async function throughProxy(files, { everyMs, seconds }) {
  const child = stand.start(['watch', '--quiet', '--all-projects', '--all']);
  const end = finished(child);
  stand.proxy.reset();
  await whenQuiet(stand.proxy);
  const written = new Map();
  const latencies = [];
  stand.proxy.state.onAnswer = ({ kind, to, status }, body) => {
    if (kind === 'PUT' && status === 200)
      arrived(body.toString('utf8'), to, { written, latencies });
  };
  stand.proxy.reset();
  await appendInTurn(files, { everyMs, seconds }, written);
  const requests = stand.proxy.state.seen.length;
  const parts = stand.proxy.state.seen.filter(
    ({ kind, key }) => kind === 'PUT' && /\/part-/.test(key),
  );
  await whenQuiet(stand.proxy, 6_000);
  stand.proxy.state.onAnswer = undefined;
  await ended(child);
  complain(written, await end);
  return { latencies, requests, puts: parts.length };
}

/** What is there is looked for every 5 ms, which is in the figures. */
async function intoFolder({ sessions, everyMs, seconds }) {
  const home = join(stand.home, 'local');
  const bucket = join(stand.home, 'bucket');
  await mkdir(home);
  const options = { cwd: home, more: { HOME: home } };
  await must(
    stand.run(
      [
        'init',
        '--backend',
        'local',
        '--bucket',
        bucket,
        '--project',
        'p',
        '--agent',
        'bench',
        '--global',
        '--force',
      ],
      options,
    ),
  );
  const files = await createSessions(home, sessions);
  const child = stand.start(['watch', '--quiet', '--all-projects', '--all'], options);
  const end = finished(child);
  const known = new Set();
  const written = new Map();
  const latencies = [];
  const look = async () => {
    const names = await readdir(bucket, { recursive: true }).catch(() => []);
    for (const name of names.filter((one) => /part-[^/]*\.jsonl$/.test(one) && !known.has(one))) {
      const now = performance.now();
      known.add(name);
      arrived(await readFile(join(bucket, name), 'utf8'), now, { written, latencies });
    }
  };
  while (known.size < sessions) {
    await look();
    await pause(100);
  }
  await pause(3_000);
  let isOver = false;
  const looking = (async () => {
    while (!isOver) {
      await look();
      await pause(5);
    }
  })();
  await appendInTurn(files, { everyMs, seconds }, written);
  await pause(6_000);
  isOver = true;
  await looking;
  await ended(child);
  complain(written, await end);
  return { latencies, puts: known.size - sessions };
}

function arrived(text, at, { written, latencies }) {
  for (const [mark] of text.matchAll(/mark-\d+-end/g)) {
    const from = written.get(mark);
    if (from === undefined) continue;
    written.delete(mark);
    latencies.push(round(at - from, 1));
  }
}

async function appendInTurn(files, { everyMs, seconds }, written) {
  const count = (seconds * 1000) / everyMs;
  const began = performance.now();
  for (let n = 0; n < count; n += 1) {
    const wait = began + n * everyMs - performance.now();
    if (wait > 0) await pause(wait);
    const { id, file } = files[n % files.length];
    await appendFile(file, rowOf(id, `mark-${n}-end`));
    written.set(`mark-${n}-end`, performance.now());
  }
}

function rowFor(name, { sessions, everyMs, seconds }, { latencies, requests, puts }) {
  return {
    case: name,
    sessions,
    line_per_session_every_s: (everyMs * sessions) / 1000,
    lines: (seconds * 1000) / everyMs,
    arrived: latencies.length,
    p50_ms: quantile(latencies, 0.5),
    p90_ms: quantile(latencies, 0.9),
    p99_ms: quantile(latencies, 0.99),
    max_ms: Math.max(...latencies),
    part_puts: puts,
    requests,
  };
}

function complain(written, { stderr }) {
  if (written.size > 0) console.error(`${written.size} lines did not arrive\n${stderr}`);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
