// What it takes to find words in transcripts, by reading and with packs: in a local bucket of large and of small parts, and in a store that is 30 ms away. Usage: npm run bench:search [-- --full] [-- --only local|remote]
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { writeCorpus } from './corpus.mjs';
import { writeReport } from './machine.mjs';
import {
  finished,
  inParallel,
  isFull,
  loadLibrary,
  must,
  openStand,
  quantile,
  round,
} from './stand.mjs';

const megabyte = 1_000_000;
const latencyMs = 30;
/** At full size each takes long enough to be measured once. */
const rounds = isFull ? 1 : 3;
/** As many sessions with hits as the command shows unless told otherwise. */
const shownSessions = 20;
/** Figures of one part are printed, and replace none in the results. */
const only = process.argv[process.argv.indexOf('--only') + 1];
const began = performance.now();
const corpora = [
  { name: 'local, 8 MB parts', bytes: (isFull ? 1_000 : 20) * megabyte, part: 8 * megabyte },
  { name: 'local, 10 KB parts', bytes: (isFull ? 100 : 3) * megabyte, part: 10_000 },
];
const remote = { bytes: (isFull ? 100 : 1) * megabyte, part: 10_000, sessions: 60 };
/** That publish packs, each of its own sessions. */
const machines = 3;
const library = await loadLibrary([
  "export { openLocalBucket } from 'src/bucket/local/bucket.js';",
  "export { openS3Bucket } from 'src/bucket/s3/bucket.js';",
  "export { bucketLayout } from 'src/protocol/keys.js';",
  "export { partName } from 'src/protocol/parts.js';",
  "export { createMatcher } from 'src/search/matcher.js';",
  "export { scanSessions } from 'src/search/scan.js';",
  "export { listIndexed } from 'src/sessions/indexed.js';",
  "export { shortIds } from 'src/sessions/reference.js';",
  "export { nodeIo } from 'src/io.js';",
  "export { SearchPacks } from 'src/search/cache/search-packs.js';",
  "export { indexSessions } from 'src/search/cache/index-sessions.js';",
  "export { harnessesIn } from 'src/search/scan.js';",
  "export { Coverage } from 'src/search/cache/coverage.js';",
  "export { PackKeeper } from 'src/search/cache/pack-keeper.js';",
  "export { readPurgeMark } from 'src/search/published/purge-mark.js';",
  "export { SharedPacks } from 'src/search/published/shared-packs.js';",
  "export { encodeLines, indexedFields } from 'src/mirror/index/lines.js';",
]);
const encodeIndex = (metas) =>
  library.encodeLines(metas.map((meta) => library.indexedFields({ ...meta, usage: null })));
const stand = await openStand({ latencyMs });
const layout = library.bucketLayout(stand.project);
const folder = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
const table = [];
const remoteTable = [];
const packing = [];
let about;
try {
  if (only !== 'remote') for (const corpus of corpora) await measureLocal(corpus);
  if (only !== 'local') await measureRemote();
  about = stand.about();
} finally {
  await stand.close();
  await rm(folder, { recursive: true, force: true });
}
console.table(packing);
console.table(table);
console.table(remoteTable);
if (table.length > 0 && remoteTable.length > 0)
  await writeReport('search', {
    full: isFull,
    ...about,
    proxy_latency_ms: latencyMs,
    table,
    remote: remoteTable,
    packing,
  });

async function measureLocal({ name, bytes, part }) {
  const root = join(folder, name.replaceAll(/\W/g, ''));
  const home = join(root, stand.project);
  const { words, ...made } = await writeCorpus(home, { bytes, part, encodeIndex, ...library });
  tell(`${name}: ${round(made.bytes / megabyte)} MB made`);
  const bucket = await library.openLocalBucket({ root });
  const cache = `${root}.packs`;
  packing.push({ corpus: name, ...(await packedOften(bucket, cache, made.bytes)) });
  tell(`${name}: packed`);
  await useInCommands(root);
  for (const [query, asked] of queriesOf(words)) {
    const scan = await searched(bucket, asked);
    const packs = await searched(bucket, asked, { cache });
    const cli = await firstHits(asked);
    table.push({
      corpus: name,
      query,
      mb: round(made.bytes / megabyte),
      hits: scan.hits,
      mb_per_cpu_s: round(made.bytes / megabyte / scan.cpu_s),
      scan_ms: round(scan.ms),
      packs_ms: round(packs.ms),
      packs_cpu_ms: round(1_000 * packs.cpu_s),
      first_hit_ms: cli === undefined ? '' : round(cli),
      rg_ms: round(ripgrep(asked, home)) || '',
    });
    tell(`${name}, ${query}: searched`);
  }
  await bucket.close();
}

async function measureRemote() {
  const root = join(folder, 'remote');
  const { words, ...made } = await writeCorpus(join(root, stand.project), {
    ...remote,
    perSession: remote.bytes / remote.sessions,
    encodeIndex,
    ...library,
  });
  tell(`remote: ${round(made.bytes / megabyte)} MB made`);
  await upload(root);
  tell('remote: uploaded');
  const bucket = library.openS3Bucket({ ...stand.server, endpoint: stand.proxy.endpoint });
  const cache = join(folder, 'packs');
  // The first search keeps what it reads.
  await once(bucket, ['qqzebraquux'], { cache, keep: 'much' });
  const queries = queriesOf(words);
  const scans = [];
  for (const [query, asked] of queries) {
    scans.push(await remotely(bucket, asked));
    tell(`remote, ${query}: read`);
  }
  await publish();
  tell('remote: packs published');
  for (const [n, [query, asked]] of queries.entries()) {
    const [scan, kept] = [scans[n], await remotely(bucket, asked, { cache })];
    const published = await remotely(bucket, asked, { isShared: true, limit: shownSessions });
    tell(`remote, ${query}: searched in packs`);
    remoteTable.push({
      corpus: `S3, ${latencyMs} ms, 10 KB parts`,
      query,
      mb: round(made.bytes / megabyte),
      hits: scan.hits,
      mb_per_cpu_s: round(made.bytes / megabyte / scan.cpu_s),
      scan_ms: round(scan.ms),
      requests: scan.requests,
      kb: scan.kb,
      packs_ms: round(kept.ms),
      packs_cpu_ms: round(1_000 * kept.cpu_s),
      packs_requests: kept.requests,
      packs_kb: kept.kb,
      published_ms: round(published.ms),
      published_requests: published.requests,
      published_kb: published.kb,
    });
  }
  await bucket.close();
}

async function remotely(bucket, words, options) {
  stand.proxy.reset();
  return { ...(await searched(bucket, words, options)), ...traffic() };
}

/** Packs in the bucket, of several machines that each saw some of the sessions. */
async function publish() {
  const bucket = library.openS3Bucket(stand.server);
  const packs = new library.SharedPacks(bucket, layout);
  const mark = await library.readPurgeMark({ bucket, layout });
  const { sessions } = await allSessions(bucket);
  const { root } = layout;
  for (let machine = 0; machine < machines; machine += 1) {
    const indexer = String(machine).padStart(16, '0');
    const shelf = { write: (bytes) => packs.write(indexer, bytes, mark) };
    const nowMs = Date.now() + 60_000;
    const keeper = new library.PackKeeper({ shelf, root, nowMs, isThorough: true });
    const coverage = new library.Coverage(root, []);
    const mine = sessions.filter((_, n) => n % machines === machine);
    await indexAll({ bucket, layout, coverage, keeper }, mine);
    await keeper.close();
    if (keeper.failure !== undefined) throw keeper.failure;
  }
  await bucket.close();
}

async function allSessions(bucket) {
  return library.listIndexed(bucket, layout, await library.harnessesIn(bucket, layout));
}

async function indexAll(indexing, sessions) {
  for await (const { unread } of library.indexSessions(indexing, sessions)) {
    if (unread !== undefined) throw new Error(unread);
  }
}

/** Of one search. */
function traffic() {
  const counts = Object.values(stand.proxy.counts()).reduce((sum, one) => sum + one, 0);
  return {
    requests: round(counts / rounds),
    kb: round(stand.proxy.state.bytes / 1_000 / rounds),
  };
}

/** One that is nowhere, one that is rare, one that is in many lines, two together, and one of a script without spaces. */
function queriesOf(words) {
  return [
    ['absent', ['qqzebraquux']],
    ['rare', [words.at(-1)]],
    ['common', [words[0]]],
    ['two words', [words[0], words[Math.floor(words.length / 20)]]],
    ['CJK', ['全文検索']],
  ];
}

/** The quickest of a few: what else runs on a machine only ever adds. */
async function searched(bucket, words, options = {}) {
  const runs = [];
  for (let n = 0; n < rounds; n += 1) runs.push(await once(bucket, words, options));
  return {
    hits: runs[0].hits,
    ms: Math.min(...runs.map(({ ms }) => ms)),
    cpu_s: Math.min(...runs.map(({ cpu_s }) => cpu_s)),
  };
}

/** Through the packs in `cache` or in the bucket, which are opened anew, or without. */
async function once(bucket, words, options) {
  const { cache, keep = 'nothing', isShared = false, limit = Number.POSITIVE_INFINITY } = options;
  const query = { words, isAny: false, isWhole: false, isSubstring: false, isRegex: false };
  const matcher = library.createMatcher(query);
  const measured = meter();
  const packs = cache === undefined ? undefined : await openPacks(cache, keep);
  let hits = 0;
  const { listIndexed: listed, shortIds } = library;
  const { keeper } = packs ?? {};
  // As in the command, packs of the bucket are opened while the sessions are listed.
  const coverage = isShared ? publishedPacks(bucket) : packs?.coverage;
  const scope = { hasSubagents: true };
  const input = { bucket, layout, matcher, scope, perSession: 3, limit, listed, shortIds };
  let wanted = limit;
  for await (const { count, isSpread } of library.scanSessions({ ...input, coverage, keeper })) {
    hits += count;
    if (count > 0 || isSpread) wanted -= 1;
    if (wanted === 0) break;
  }
  const took = measured();
  await packs?.settle?.({ isWhole: true });
  return { hits, ...took };
}

async function publishedPacks(bucket) {
  const packs = await new library.SharedPacks(bucket, layout).open();
  return new library.Coverage(
    layout.root,
    packs.map(({ pack }) => pack),
  );
}

function openPacks(folder, keep) {
  // The corpus was written just now, and is kept nevertheless.
  const nowMs = Date.now() + 60_000;
  return library.SearchPacks.open({ io: library.nodeIo, folder, root: layout.root, nowMs, keep });
}

/** A watch packs for days: the first time, much of it is the compiler's. The packs of the last time stay. */
async function packedOften(bucket, folder, bytes) {
  const runs = [];
  for (let n = 0; n < rounds; n += 1) {
    await rm(folder, { recursive: true, force: true });
    runs.push(await packed(bucket, folder, bytes));
  }
  const speeds = runs.map((run) => run.mb_per_cpu_s);
  const [first, best] = [speeds[0], Math.max(...speeds)];
  return { ...runs.at(-1), mb_per_cpu_s: best, first_mb_per_cpu_s: first };
}

/** Packs everything. */
async function packed(bucket, folder, bytes) {
  const measured = meter();
  const packs = await openPacks(folder, 'everything');
  const { coverage, keeper } = packs;
  const { sessions } = await allSessions(bucket);
  await indexAll({ bucket, layout, coverage, keeper }, sessions);
  await packs.settle({ isWhole: true });
  const { cpu_s } = measured();
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const size = sizes.reduce((sum, one) => sum + one, 0);
  return {
    mb: round(bytes / megabyte),
    packs: names.length,
    mb_per_cpu_s: round(bytes / megabyte / cpu_s, 1),
    percent_of_size: round((100 * size) / bytes, 1),
    rss_mb: round(process.memoryUsage().rss / megabyte),
  };
}

function tell(what) {
  console.error(`${Math.round((performance.now() - began) / 1_000)} s: ${what}`);
}

function meter() {
  const began = performance.now();
  const cpu = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { ms: performance.now() - began, cpu_s: (user + system) / megabyte };
  };
}

function useInCommands(root) {
  const where = ['--backend', 'local', '--bucket', root, '--project', stand.project];
  return must(stand.run(['init', ...where, '--agent', 'bench', '--global', '--force']));
}

/** From starting the command to the first line of its answer; `undefined` where there is none. */
async function firstHits(words) {
  const runs = [];
  for (let n = 0; n < 3; n += 1) {
    const began = performance.now();
    let first;
    const child = stand.start(['search', ...words, '--kind', 'session']);
    child.stdout.once('data', () => {
      first = performance.now() - began;
    });
    await finished(child);
    if (first !== undefined) runs.push(first);
  }
  return runs.length === 0 ? undefined : quantile(runs, 0.5);
}

function ripgrep(words, home) {
  const began = performance.now();
  const { error } = spawnSync('rg', ['-i', '-c', words[0], home], { stdio: 'ignore' });
  return error === undefined ? performance.now() - began : Number.NaN;
}

async function upload(root) {
  const bucket = library.openS3Bucket(stand.server);
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const files = names.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  await inParallel(files.length, 16, async (n) => {
    await bucket.put(relative(root, files[n]), await readFile(files[n]));
  });
  await bucket.close();
}
