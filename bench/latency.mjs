// From a line in a transcript to its part in the bucket, at default settings: one line every 100 ms, in turn over 50 sessions.
// Usage: npm run bench:latency [-- --full]
import { appendFile } from 'node:fs/promises';
import { writeReport } from './machine.mjs';
import { finished, isFull, openStand, quantile, round } from './stand.mjs';
import { createSessions, ended, rowOf, whenQuiet } from './watching.mjs';

const sessions = 50;
const everyMs = 100;
const seconds = isFull ? 300 : 20;
const stand = await openStand();

try {
  await stand.init(stand.proxy.endpoint, { global: true });
  const files = await createSessions(stand.home, sessions);
  const child = stand.start(['watch', '--quiet', '--all-projects']);
  const end = finished(child);
  await whenQuiet(stand.proxy);
  const written = new Map();
  const latencies = [];
  stand.proxy.state.onAnswer = ({ kind, to, status }, body) => {
    if (kind !== 'PUT' || status !== 200) return;
    for (const [mark] of body.toString('utf8').matchAll(/mark-\d+-end/g)) {
      const at = written.get(mark);
      if (at === undefined) continue;
      written.delete(mark);
      latencies.push(round(to - at, 1));
    }
  };
  stand.proxy.reset();
  const count = (seconds * 1000) / everyMs;
  const began = performance.now();
  for (let n = 0; n < count; n += 1) {
    const wait = began + n * everyMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const { id, file } = files[n % sessions];
    await appendFile(file, rowOf(id, `mark-${n}-end`));
    written.set(`mark-${n}-end`, performance.now());
  }
  await whenQuiet(stand.proxy, 6_000);
  await ended(child);
  const { stderr } = await end;
  if (written.size > 0) console.error(`${written.size} lines did not arrive\n${stderr}`);
  const table = [
    {
      sessions,
      lines: count,
      arrived: latencies.length,
      p50_ms: quantile(latencies, 0.5),
      p90_ms: quantile(latencies, 0.9),
      p99_ms: quantile(latencies, 0.99),
      max_ms: Math.max(...latencies),
      puts: stand.proxy.counts().PUT,
    },
  ];
  console.table(table);
  await writeReport('latency', {
    full: isFull,
    ...stand.about(),
    every_ms: everyMs,
    table,
    latencies,
  });
} finally {
  await stand.close();
}
