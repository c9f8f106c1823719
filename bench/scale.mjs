// What grows with what is there: sessions, files, lines, agents, mail and objects, each at several sizes.
// Usage: npm run bench:scale [-- --full | --only sessions,mail | --most 1000]
// The built CLI. CPU time and memory are its own; wall time at the small size is that of a machine on which scenes run side by
// side. A run with --most writes no log; one with --only leaves the other curves there as they were. Linux only.
import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { curvesOf } from './curves.mjs';
import { writeReport } from './machine.mjs';
import { filesInFolder, linesInSession, sessionsOnMachine } from './scale-machine.mjs';
import { agentsInBucket, mailInBox, objectsInBucket } from './scale-store.mjs';
import { isFull, loadLibrary, root, round } from './stand.mjs';

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    most: { type: 'string' },
  },
});
const scenes = {
  sessions: { measure: sessionsOnMachine, small: [100, 1_000, 10_000], full: [100_000] },
  files: { measure: filesInFolder, small: [1, 1_000, 10_000], full: [50_000] },
  lines: {
    measure: linesInSession,
    small: [1_000, 10_000, 100_000],
    full: [1_000_000, 10_000_000],
  },
  agents: { measure: agentsInBucket, small: [2, 20, 200], full: [] },
  mail: { measure: mailInBox, small: [100, 1_000, 10_000], full: [100_000] },
  objects: { measure: objectsInBucket, small: [1_000, 10_000, 100_000], full: [1_000_000] },
};
const wanted = values.only?.split(',') ?? Object.keys(scenes);
for (const name of wanted) if (scenes[name] === undefined) throw new Error(`no curve ${name}`);
const most = Number(values.most ?? Number.POSITIVE_INFINITY);

const library = await loadLibrary([
  "export { openS3Bucket } from 'src/bucket/s3/bucket.js';",
  "export { systemClock } from 'src/clock.js';",
  "export { nodeIo } from 'src/io.js';",
  "export { beat } from 'src/coordination/agents/agents.js';",
  "export { acquire } from 'src/coordination/claims/claims.js';",
  "export { openHolderFiles } from 'src/coordination/claims/holder-files.js';",
  "export { sendMail } from 'src/coordination/mail/mailbox.js';",
  "export { bucketLayout } from 'src/protocol/keys.js';",
  "export { encodeDocument } from 'src/protocol/documents.js';",
  "export { partName } from 'src/protocol/parts.js';",
  "export { encodeLines, indexedFields } from 'src/mirror/index/lines.js';",
]);
const table = [];
const began = performance.now();

await inTurn('sessions');
// These wait for most of their time, so at the small size all of their watches run at once, beside the commands.
const waiting = ['files', 'lines'];
if (isFull) for (const name of waiting) await inTurn(name);
const atOnce = isFull
  ? []
  : waiting.flatMap((name) => sizesOf(name).map((size) => one(name, size)));
await Promise.all([
  ...atOnce,
  inTurn('agents')
    .then(() => inTurn('mail'))
    .then(() => inTurn('objects')),
]);

console.table(table);
console.table(curvesOf(table));
if (values.most === undefined) await writeLog();

/** Curves that were not wanted stay as they were measured before. */
async function writeLog() {
  const before = await readFile(join(root, 'bench', 'results', 'scale.json'), 'utf8').then(
    JSON.parse,
    () => ({ table: [], measured: [] }),
  );
  const load_average = loadavg()
    .map((load) => round(load, 2))
    .join(', ');
  const took_s = round((performance.now() - began) / 1000);
  const at = new Date().toISOString();
  const names = Object.keys(scenes);
  const inOrder = (a, b) => names.indexOf(a.curve) - names.indexOf(b.curve);
  const isOther = ({ curve }) => !wanted.includes(curve);
  const rows = [...before.table.filter(isOther), ...table];
  const all = rows.sort((a, b) => inOrder(a, b) || a.size - b.size);
  const now = wanted.map((curve) => ({
    curve,
    at,
    full: isFull,
    load_average,
    run_took_s: took_s,
  }));
  const measured = [...before.measured.filter(isOther), ...now].sort(inOrder);
  await writeReport('scale', { table: all, curves: curvesOf(all), measured });
}

async function inTurn(name) {
  for (const size of sizesOf(name)) await one(name, size);
}

async function one(name, size) {
  const rows = await scenes[name].measure(size, library);
  table.push(...rows);
  // An interrupted run has said what it measured.
  for (const row of rows) console.error(JSON.stringify(row));
  console.error(`${size} ${name}: done after ${round((performance.now() - began) / 1000)} s`);
}

function sizesOf(name) {
  if (!wanted.includes(name)) return [];
  const { small, full } = scenes[name];
  return [...small, ...(isFull ? full : [])].filter((size) => size <= most);
}
