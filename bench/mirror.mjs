// Bulk: a long transcript that is new to the mirror, and many sessions that grow at once. Usage: npm run bench:mirror [-- --full]
// CPU and memory of the watch are read from /proc, so Linux only; reading stops with the process, so the last 20 ms may lack.
import { appendFile, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { writeReport } from './machine.mjs';
import { finished, isFull, loadLibrary, openStand, round, usageOf } from './stand.mjs';
import { createSessions, ended, rowOf, whenQuiet } from './watching.mjs';

const backfillMb = isFull ? 300 : 40;
const growing = 100;
const growSeconds = isFull ? 60 : 10;
const words =
  'the of and to in is const let return function import export class path file line error test value name review issue commit'.split(
    ' ',
  );

const backfill = await withStand(measureBackfill);
const growth = await withStand(measureGrowth);
console.table([backfill.row]);
console.table([growth.row]);
await writeReport('mirror', {
  full: isFull,
  ...backfill.about,
  table: [backfill.row],
  growing: [growth.row],
  memory: { backfill: backfill.samples, growing: growth.samples },
});

async function withStand(measure) {
  const stand = await openStand();
  try {
    await stand.init(stand.server.endpoint, { global: true });
    return { about: stand.about(), ...(await measure(stand)) };
  } finally {
    await stand.close();
  }
}

async function measureBackfill(stand) {
  const id = '00000000-0000-4000-8000-000000000000';
  const folder = join(stand.home, '.claude', 'projects', '-work');
  await mkdir(folder, { recursive: true });
  const bytes = await writeTranscript(join(folder, `${id}.jsonl`), id);
  const began = performance.now();
  const child = stand.start(['watch', '--once', '--quiet', '--all-projects']);
  const sampler = sample(child.pid);
  const { code, stderr } = await finished(child);
  const ms = performance.now() - began;
  const samples = sampler.end();
  if (code !== 0) throw new Error(stderr);
  const arrived = await partBytes(stand);
  const { cpu_s: cpu, peak_rss_mb: peak } = samples.at(-1);
  const megabytes = bytes / 1e6;
  const row = {
    megabytes: round(megabytes),
    arrived_mb: round(arrived / 1e6),
    seconds: round(ms / 1000, 2),
    cpu_s: round(cpu, 2),
    mb_per_s: round(megabytes / (ms / 1000), 1),
    mb_per_cpu_s: round(megabytes / cpu, 1),
    peak_rss_mb: peak,
  };
  return { row, samples };
}

/** What lies in the bucket for it, by a listing of its own. */
async function partBytes(stand) {
  const { openS3Bucket } = await loadLibrary([
    "export { openS3Bucket } from 'src/bucket/s3/bucket.js';",
  ]);
  const bucket = openS3Bucket(stand.server);
  let bytes = 0;
  for await (const entry of bucket.list(`${stand.project}/sessions/`)) {
    if (entry.kind === 'object' && /\/part-[^/]+$/.test(entry.key)) bytes += entry.size;
  }
  await bucket.close();
  return bytes;
}

async function measureGrowth(stand) {
  const files = await createSessions(stand.home, growing);
  await stand.init(stand.proxy.endpoint, { global: true });
  const child = stand.start(['watch', '--quiet', '--all-projects']);
  const end = finished(child);
  await whenQuiet(stand.proxy);
  const marks = new Set();
  stand.proxy.state.onAnswer = ({ kind, status }, body) => {
    if (kind !== 'PUT' || status !== 200) return;
    for (const [mark] of body.toString('utf8').matchAll(/mark-\d+-\d+-end/g)) marks.add(mark);
  };
  const sampler = sample(child.pid);
  const before = await usageOf(child.pid);
  const began = performance.now();
  let lines = 0;
  for (let n = 0; performance.now() - began < growSeconds * 1000; n += 1) {
    for (const [at, { id, file }] of files.entries()) {
      await appendFile(file, rowOf(id, `mark-${at}-${n}-end ${prose(n + at, 120)}`));
      lines += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  const seconds = (performance.now() - began) / 1000;
  await whenQuiet(stand.proxy, 6_000);
  const after = await usageOf(child.pid);
  const samples = sampler.end();
  await ended(child);
  await end;
  const row = {
    sessions: growing,
    seconds: round(seconds, 1),
    lines,
    arrived: marks.size,
    cpu_percent: round((100 * (after.cpu_s - before.cpu_s)) / seconds, 1),
    peak_rss_mb: after.peak_rss_mb,
  };
  return { row, samples };
}

function sample(pid) {
  const samples = [];
  const began = performance.now();
  const timer = setInterval(async () => {
    const usage = await usageOf(pid);
    if (usage !== undefined && usage.rss_mb > 0) {
      samples.push({ at_ms: round(performance.now() - began), ...usage });
    }
  }, 20);
  return {
    end: () => {
      clearInterval(timer);
      return samples.sort((a, b) => a.cpu_s - b.cpu_s);
    },
  };
}

async function writeTranscript(file, id) {
  const handle = await open(file, 'w');
  let bytes = 0;
  try {
    for (let n = 0; bytes < backfillMb * 1e6; ) {
      const rows = [];
      for (let end = n + 500; n < end; n += 1) rows.push(rowOf(id, prose(n, 60 + (n % 400))));
      const chunk = Buffer.from(rows.join(''));
      bytes += chunk.length;
      await handle.write(chunk);
    }
  } finally {
    await handle.close();
  }
  return bytes;
}

function prose(seed, length) {
  return Array.from(
    { length },
    (_, n) => words[(seed * 7 + n * 13 + ((n * seed) >> 3)) % words.length],
  ).join(' ');
}
