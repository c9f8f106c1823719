// What publishing packs for search costs a watch: latency, CPU, memory and requests of one that publishes and one that does not, in turn, while 50 sessions get rows of sources, or of words that never come again, until at least one pack is full; then with a store that takes 10 s to answer for a pack. In real time.
// Usage: npm run bench:publishing [-- --minutes 30 [--off]], which is a watch that publishes, or does not, of calm sessions, for so long
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { writeReport } from './machine.mjs';
import { finished, openStand, quantile, root, round, usageOf } from './stand.mjs';
import { createSessions, ended, rowOf, whenQuiet } from './watching.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    off: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const sessions = 50;
const seconds = 25;
const slowMs = 10_000;
const sources = await readSources();
const busy = { everyMs: 100, seconds, text: excerpt };
const cases = [
  { name: 'sources', ...busy },
  { name: 'ever new words', ...busy, text: newWords },
  { name: 'sources, slow packs', ...busy, isSlow: true },
];
const calm = {
  name: 'calm sessions',
  everyMs: 300,
  seconds: 60 * minutes,
  text: () => excerpt(1_000),
};

const table = [];
let about;
for (let n = 0; n < (minutes > 0 ? 1 : Number(values.rounds)); n += 1) {
  for (const one of minutes > 0 ? [calm] : cases.filter(({ name }) => name.includes(values.only))) {
    const which = one.isSlow ? [true] : [true, false];
    for (const isPublishing of minutes > 0 ? [!values.off] : which) {
      table.push(await measured({ ...one, isPublishing }));
      console.error(table.at(-1));
    }
  }
}
console.table(table);
await writeReport(minutes > 0 ? 'publishing-calm' : 'publishing', { ...about, table });

async function measured({ name, everyMs, seconds: length, text, isPublishing, isSlow = false }) {
  const stand = await openStand();
  try {
    await stand.init(stand.proxy.endpoint, { global: true });
    await setPublishing(stand.home, isPublishing);
    const files = await createSessions(stand.home, sessions);
    const child = stand.start(['watch', '--quiet', '--all-projects', '--all']);
    const end = finished(child);
    stand.proxy.reset();
    await whenQuiet(stand.proxy);
    stand.proxy.reset();
    if (isSlow) stand.proxy.state.hold = holdPacks;
    const watch = observed(child.pid, stand.proxy);
    await appendInTurn(files, { everyMs, seconds: length, text }, watch.written);
    // A pack is made within seconds of its last part.
    await pause(minutes > 0 ? 60_000 : 8_000);
    const found = await watch.stop();
    about = stand.about();
    await ended(child);
    const { stderr } = await end;
    if (watch.written.size > 0) console.error(`${watch.written.size} did not arrive\n${stderr}`);
    return { case: name, publishing: isPublishing, seconds: length, ...found };
  } finally {
    await stand.close();
  }
}

/** What goes by, and what the process takes, until it is stopped. */
function observed(pid, proxy) {
  const written = new Map();
  const latencies = [];
  const sizes = [];
  proxy.state.onAnswer = ({ kind, to, status }, body) => {
    if (kind !== 'PUT' || status !== 200) return;
    for (const [mark] of body.toString('latin1').matchAll(/mark-\d+-end/g)) {
      if (!written.has(mark)) continue;
      latencies.push(round(to - written.get(mark), 1));
      written.delete(mark);
    }
  };
  const before = usageOf(pid);
  const timer = setInterval(async () => sizes.push((await usageOf(pid))?.rss_mb ?? 0), 50);
  const stop = async () => {
    clearInterval(timer);
    const [first, last] = [await before, await usageOf(pid)];
    const { seen } = proxy.state;
    const packs = seen.filter(({ kind, key }) => kind === 'PUT' && key.endsWith('.pack'));
    const isForParts = ({ kind, key }) => kind === 'PUT' && /\/part-/.test(key);
    const isList = ({ kind }) => kind === 'LIST';
    const isForSearch = ({ kind, key }) => key.includes('/search/') || kind === 'LIST';
    return {
      lines: latencies.length,
      p50_ms: quantile(latencies, 0.5),
      p90_ms: quantile(latencies, 0.9),
      p99_ms: quantile(latencies, 0.99),
      max_ms: Math.max(...latencies),
      cpu_s: round(last.cpu_s - first.cpu_s, 2),
      rss_before_mb: first.rss_mb,
      rss_most_mb: Math.max(...sizes),
      rss_after_mb: last.rss_mb,
      requests: seen.length,
      part_puts: seen.filter(isForParts).length,
      packs: packs.length,
      search_requests: tally(seen.filter(isForSearch), ({ kind }) => kind),
      lists: tally(seen.filter(isList), ({ prefix }) => placeOf(prefix)),
    };
  };
  return { written, stop };
}

function tally(requests, nameOf) {
  const counts = {};
  for (const one of requests) counts[nameOf(one)] = (counts[nameOf(one)] ?? 0) + 1;
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

/** What is listed, without the project and without ids. */
function placeOf(prefix) {
  const [, ...path] = prefix.split('/');
  return path.map((name) => (/[0-9a-f]{8}/.test(name) ? '*' : name)).join('/');
}

async function holdPacks({ kind, key }) {
  if (kind === 'PUT' && key.endsWith('.pack')) await pause(slowMs);
}

async function appendInTurn(files, { everyMs, seconds: length, text }, written) {
  const count = (length * 1_000) / everyMs;
  const began = performance.now();
  for (let n = 0; n < count; n += 1) {
    const { id, file } = files[n % files.length];
    const row = rowOf(id, `mark-${n}-end ${text()}`);
    const wait = began + n * everyMs - performance.now();
    if (wait > 0) await pause(wait);
    await appendFile(file, row);
    written.set(`mark-${n}-end`, performance.now());
  }
}

async function setPublishing(home, isPublishing) {
  const file = join(home, '.tracecraft', 'config.json');
  const config = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...config, search: { publish: isPublishing } }), {
    mode: 0o600,
  });
}

async function readSources() {
  const folder = join(root, 'src');
  const names = (await readdir(folder, { recursive: true })).filter((one) => one.endsWith('.ts'));
  const texts = await Promise.all(names.sort().map((name) => readFile(join(folder, name), 'utf8')));
  return texts.join('\n');
}

function excerpt(length = 18_500) {
  const at = Math.floor(Math.random() * (sources.length - length));
  return sources.slice(at, at + length);
}

function newWords() {
  let text = '';
  while (text.length < 19_500)
    text += `${Math.random()
      .toString(36)
      .slice(2, 4 + Math.random() * 8)} `;
  return text;
}
