// What a watch at default settings asks of the store while one session is written to. Usage: npm run bench:requests [-- --full | --minutes 5]
// In real time, nothing is simulated: one hour with --full, one minute without; the bound is the same one, per minute.
import { appendFile } from 'node:fs/promises';
import { writeReport } from './machine.mjs';
import { finished, isFull, openStand } from './stand.mjs';
import { createSessions, ended, rowOf, whenQuiet } from './watching.mjs';

const at = process.argv.indexOf('--minutes');
const minutes = at === -1 ? (isFull ? 60 : 1) : Number(process.argv[at + 1]);
const everyMs = 1_000;
const stand = await openStand();

try {
  await stand.init(stand.proxy.endpoint, { global: true });
  const [session] = await createSessions(stand.home, 1);
  const child = stand.start(['watch', '--quiet', '--all-projects']);
  const end = finished(child);
  await whenQuiet(stand.proxy);
  stand.proxy.reset();
  const until = performance.now() + minutes * 60_000;
  let lines = 0;
  while (performance.now() < until) {
    await appendFile(session.file, rowOf(session.id, `line ${lines}`));
    lines += 1;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  const seen = [...stand.proxy.state.seen];
  const counts = stand.proxy.counts();
  await ended(child);
  await end;
  const flushes = seen.filter(({ kind, key }) => kind === 'PUT' && /\/part-/.test(key)).length;
  const bound = flushes + 2 * minutes + 5;
  const requests = seen.length;
  const table = [
    { minutes, lines, flushes, requests, bound, LIST: counts.LIST ?? 0, other: requests - flushes },
  ];
  console.table(table);
  const log = seen.map(({ kind, key, from, status }) => ({
    kind,
    key: key.replace(stand.project, 'PROJECT'),
    at_ms: Math.round(from),
    status,
  }));
  await writeReport('requests', { full: isFull, ...stand.about(), table, counts, log });
} finally {
  await stand.close();
}
