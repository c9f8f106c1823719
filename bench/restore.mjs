// What it takes to restore a long session of Claude Code, from a folder and from a store that is 30 ms away, whether it was
// mirrored in one go or while it went on. Usage: npm run bench:restore [-- --megabytes 100 --rounds 3]
// The built CLI, into an empty folder.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeReport } from './machine.mjs';
import { finished, loadLibrary, must, openStand, round, usageOf } from './stand.mjs';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    full: { type: 'boolean' },
  },
});
const bytes = Number(values.megabytes) * 1e6;
const [large, small] = [8e6, 50e3];
const sessions = {
  [large]: '5e55e55e-2222-4222-8222-c0dec0dec0de',
  [small]: '6e55e55e-3333-4333-8333-c0dec0dec0de',
};
const latencyMs = 30;
const table = [];
const library = await loadLibrary([
  "export { openLocalBucket } from 'src/bucket/local/bucket.js';",
  "export { openS3Bucket } from 'src/bucket/s3/bucket.js';",
  "export { bucketLayout } from 'src/protocol/keys.js';",
  "export { partName } from 'src/protocol/parts.js';",
]);

const stand = await openStand({ latencyMs });
try {
  const root = join(stand.work, '.bucket');
  const names = ['--project', stand.project, '--agent', 'bench'];
  await must(stand.run(['init', '--global', '--backend', 'local', '--bucket', root, ...names]));
  await writeSessions(await library.openLocalBucket({ root }));
  for (const way of ['--as-new', '--verbatim']) await measure('a folder', large, way);
  await writeSessions(library.openS3Bucket(stand.server));
  await stand.init(stand.proxy.endpoint, { global: true });
  const away = `S3, ${latencyMs} ms away`;
  for (const way of ['--as-new', '--verbatim']) await measure(away, large, way);
  await measure(away, small, '--as-new');
  console.table(table);
  await writeReport('restore', { session_mb: bytes / 1e6, ...stand.about(), table });
} finally {
  await stand.close();
}

async function measure(bucket, partBytes, way) {
  const runs = [];
  for (let n = 0; n < Number(values.rounds); n += 1) {
    stand.proxy.reset();
    const run = await restored(sessions[partBytes], way);
    const requests = Object.values(stand.proxy.counts()).reduce((sum, count) => sum + count, 0);
    runs.push({ ...run, requests });
  }
  const column = (name) => runs.map((run) => run[name]);
  table.push({
    bucket,
    part_kb: partBytes / 1e3,
    mode: way.slice(2),
    wall_s: Math.min(...column('wall_s')),
    cpu_s: Math.min(...column('cpu_s')),
    peak_rss_mb: Math.max(...column('peak_rss_mb')),
    requests: Math.max(...column('requests')),
  });
  console.error(`${bucket}, parts of ${partBytes / 1e3} KB, ${way}: done`);
}

async function restored(session, way) {
  const into = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
  const began = performance.now();
  // It was written just now, so it might still be running.
  const args = ['session', 'restore', session, '--into', into, way, '--force', '--quiet'];
  const child = stand.start(args);
  let usage = { cpu_s: 0, peak_rss_mb: 0 };
  const timer = setInterval(async () => {
    const now = await usageOf(child.pid);
    // A process that has ended has no memory any more.
    if (now !== undefined && now.peak_rss_mb > 0) usage = now;
  }, 20);
  try {
    await must(finished(child));
    const { cpu_s, peak_rss_mb } = usage;
    return { wall_s: round((performance.now() - began) / 1000, 2), cpu_s, peak_rss_mb };
  } finally {
    clearInterval(timer);
    await rm(into, { recursive: true, force: true });
  }
}

/** The same transcript in large and in small parts, as the mirror names them. */
async function writeSessions(bucket) {
  const layout = library.bucketLayout(stand.project);
  for (const partBytes of [large, small]) {
    const session = sessions[partBytes];
    const prefix = layout.session('claude-code', session);
    let [sequence, line, waiting] = [0, 0, []];
    for (const rows of partsOf(session, partBytes)) {
      const name = library.partName(sequence, 0, line);
      waiting.push(bucket.put(prefix + name, Buffer.from(rows.join(''))));
      [sequence, line] = [sequence + 1, line + rows.length];
      if (waiting.length < 16) continue;
      await Promise.all(waiting);
      waiting = [];
    }
    await Promise.all(waiting);
  }
  await bucket.close();
}

function* partsOf(session, partBytes) {
  let [part, size, written] = [[], 0, 0];
  for (const row of rowsOf(session)) {
    part.push(row);
    size += row.length;
    if (size < partBytes) continue;
    yield part;
    written += size;
    if (written >= bytes) return;
    [part, size] = [[], 0];
  }
}

/** Turns of ten calls without an end, linked as Claude Code links its rows. */
function* rowsOf(sessionId) {
  const output = 'the agent reads a file and writes another one '.repeat(24);
  let parentUuid = null;
  for (let turn = 0; ; turn += 1) {
    const timestamp = new Date(Date.UTC(2026, 0, 1) + turn * 1_000).toISOString();
    const row = (uuid, type, content) => {
      const model = type === 'user' ? {} : { id: `m-${uuid}`, model: 'm' };
      const message = { role: type, content, ...model };
      const about = { isSidechain: false, sessionId, cwd: '/work', timestamp };
      const line = { parentUuid, uuid, type, ...about, message };
      parentUuid = uuid;
      return `${JSON.stringify(line)}\n`;
    };
    yield row(`p-${turn}`, 'user', `question ${turn}`);
    for (let n = 0; n < 10; n += 1) {
      const id = `t-${turn}-${n}`;
      const call = { type: 'tool_use', id, name: 'Bash', input: { command: `cat ${n}` } };
      yield row(`c-${turn}-${n}`, 'assistant', [call]);
      const result = { type: 'tool_result', tool_use_id: id, content: `${n} ${output}` };
      yield row(`r-${turn}-${n}`, 'user', [result]);
    }
    yield row(`a-${turn}`, 'assistant', [{ type: 'text', text: `answer ${turn}` }]);
  }
}
