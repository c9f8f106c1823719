// What reading costs from a store that is 30 ms away: round trips that one has to wait for, at two sizes. Usage: npm run bench:read [-- --full]
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeReport } from './machine.mjs';
import { inParallel, isFull, loadLibrary, must, openStand, quantile, round } from './stand.mjs';

const sizes = isFull ? [100, 1_000] : [20, 200];
const parts = isFull ? [200, 2_000] : [60, 400];
const latencyMs = 30;
const rounds = 3;
const library = await loadLibrary([
  "export { openS3Bucket } from 'src/bucket/s3/bucket.js';",
  "export { sendMail } from 'src/coordination/mail/mailbox.js';",
  "export { bucketLayout } from 'src/protocol/keys.js';",
  "export { partName } from 'src/protocol/parts.js';",
  "export { systemClock } from 'src/clock.js';",
  "export { mostStarts } from 'src/conversation/tally.js';",
]);
const table = [];
const samples = [];
let about;

for (const [at, size] of sizes.entries()) {
  const stand = await openStand({ latencyMs });
  try {
    await stand.init(stand.server.endpoint, { global: true });
    await writeMail(stand, size);
    await writeSessions(stand, size);
    await must(stand.run(['watch', '--once', '--quiet', '--all', '--all-projects']));
    const session = await addParts(stand, parts[at]);
    await stand.init(stand.proxy.endpoint, { global: true });
    const commands = [
      ['inbox', size, ['inbox']],
      ['session list', size, ['session', 'list']],
      ['session show --tail 50', parts[at], ['session', 'show', session, '--tail', '50']],
      ['status', size, ['status']],
    ];
    for (const [name, items, args] of commands) await measure(stand, name, items, args);
    about = stand.about();
  } finally {
    await stand.close();
  }
}
console.table(table);
await writeReport('read', {
  full: isFull,
  ...about,
  proxy_latency_ms: latencyMs,
  table: table.sort((a, b) =>
    a.command < b.command ? -1 : a.command > b.command ? 1 : a.items - b.items,
  ),
  samples,
});

async function measure(stand, command, items, args) {
  await must(stand.run(args));
  const runs = [];
  for (let n = 0; n < rounds; n += 1) {
    stand.proxy.reset();
    const began = performance.now();
    const { stdout } = await must(stand.run(args));
    runs.push({
      command,
      items,
      ms: round(performance.now() - began),
      requests: stand.proxy.counts(),
      depth: stand.proxy.depth(),
      lines: stdout.split('\n').length,
    });
  }
  samples.push(...runs);
  const total = Math.max(
    ...runs.map(({ requests }) => Object.values(requests).reduce((a, b) => a + b, 0)),
  );
  table.push({
    command,
    items,
    // Beyond the 48 requests that are under way at once it counts waves of them as well.
    depth: Math.max(...runs.map(({ depth }) => depth)),
    requests: total,
    ms_p50: quantile(
      runs.map(({ ms }) => ms),
      0.5,
    ),
    lines_shown: runs[0].lines,
  });
  console.error(`${command} of ${items}: done`);
}

async function writeMail(stand, count) {
  const bucket = library.openS3Bucket(stand.server);
  const context = {
    bucket,
    layout: library.bucketLayout(stand.project),
    agent: 'other',
    host: 'bench',
    clock: library.systemClock,
  };
  await inParallel(count, 16, (n) =>
    library.sendMail(context, { to: 'bench', message: `message number ${n}` }),
  );
  await bucket.close();
}

async function writeSessions(stand, count) {
  const folder = join(stand.home, '.claude', 'projects', '-work');
  await mkdir(folder, { recursive: true });
  for (let n = 0; n < count; n += 1) {
    const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    await writeFile(join(folder, `${id}.jsonl`), line(id, `question ${n}`));
  }
}

/** Puts what a long session would have become behind the one part that a first mirror has made of it. */
async function addParts(stand, count) {
  const bucket = library.openS3Bucket(stand.server);
  const id = '00000000-0000-4000-8000-000000000000';
  let first;
  for await (const entry of bucket.list(`${stand.project}/`)) {
    if (entry.kind === 'object' && entry.key.includes(id) && /part-\d+-/.test(entry.key))
      first = entry.key;
  }
  const folder = first.slice(0, first.lastIndexOf('/') + 1);
  const key = `${folder}meta.json`;
  const meta = JSON.parse((await bucket.get(key)).body);
  const [before] = meta.parts;
  const added = Array.from({ length: count - 1 }, (_, n) => {
    const [seq, at] = [before.seq + n + 1, before.cursor_range[1] + n];
    return {
      ...before,
      seq,
      name: library.partName(seq, 0, at),
      lines: 1,
      cursor_range: [at, at + 1],
    };
  });
  await inParallel(added.length, 16, async (n) => {
    await bucket.put(`${folder}${added[n].name}`, Buffer.from(line(id, `answer ${n}`)));
  });
  // As the mirror writes it: the newest hundred parts by name, and where the last turns begin. Each line opens one.
  const parts = [...meta.parts, ...added].slice(-100);
  const lines = meta.total_lines + count - 1;
  const starts = Array.from({ length: lines }, (_, at) => at).slice(-library.mostStarts);
  const document = {
    ...meta,
    parts,
    part_count: count,
    total_lines: lines,
    turns: lines,
    prompts: lines,
    turn_starts: starts,
  };
  await bucket.put(key, Buffer.from(JSON.stringify(document)));
  await bucket.close();
  return id;
}

function line(sessionId, content) {
  const timestamp = '2026-01-02T03:04:05.678Z';
  const message = { role: 'user', content };
  return `${JSON.stringify({ type: 'user', sessionId, cwd: '/work', timestamp, message })}\n`;
}
