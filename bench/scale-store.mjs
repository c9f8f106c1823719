// The curves of one bucket: agents in it, mail in a mailbox, objects in all. A simulated S3 store in this process.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { idOf, indexOf, metaOf, rowOf } from './made-sessions.mjs';
import { startStore } from './simulated-store.mjs';
import { inParallel, isFull } from './stand.mjs';
import { bestOf, commandsIn } from './timed-command.mjs';

const rounds = isFull ? 3 : 2;
const minute = 60_000;
/** Every search of more objects than this would read for minutes. */
const mostSearched = isFull ? 100_000 : 10_000;
const partsEach = 9;
const linesEach = 20;
const newMail = 10;

/** Each agent holds a step and has two messages; twenty more are for all. */
export function agentsInBucket(agents, library) {
  return inStore(new Map(), async (scene) => {
    const { store, home } = scene;
    const bucket = library.openS3Bucket({ ...account, endpoint: store.endpoint });
    const contextOf = (n) => ({
      bucket,
      layout: library.bucketLayout('p'),
      agent: nameOf(n),
      host: 'bench',
      clock: library.systemClock,
    });
    await inParallel(agents, 8, async (n) => {
      const context = contextOf(n);
      await library.beat(context, { sessionId: null, status: 'active', step: `step-${n}` });
      const identity = { agent: context.agent, place: 'bench' };
      const held = library.openHolderFiles(library.nodeIo, join(home, 'held'), identity);
      const request = { step: `step-${n}`, ttlMs: null, reopen: false };
      await library.acquire(context, held, { ...request, alongside: async () => undefined });
      for (let i = 1; i <= 2; i += 1) {
        await library.sendMail(context, { to: nameOf((n + i) % agents), message: `message ${i}` });
      }
    });
    for (let n = 0; n < 20; n += 1) {
      await library.sendMail(contextOf(n % agents), { to: null, message: `to all ${n}` });
    }
    await bucket.close();
    return measured(scene, { curve: 'agents', size: agents }, [['status'], ['inbox']]);
  });
}

/** All of it was read but the last ten. */
export function mailInBox(messages, library) {
  const layout = library.bucketLayout('p');
  const objects = new Map();
  const write = (n, atMs) => {
    const stamp = { timeNs: BigInt(atMs) * 1_000_000n, agent: 'other', id: hex(n) };
    const mail = { id: stamp.id, from: 'other', to: 'bench', message: `message number ${n}` };
    const document = { ...mail, sent_at: new Date(atMs).toISOString() };
    return [layout.message('bench', stamp), library.encodeDocument(document)];
  };
  const nowMs = Date.now();
  for (let n = 0; n < messages - newMail; n += 1) {
    const [key, bytes] = write(n, nowMs - (messages - n + 60) * minute);
    objects.set(key, bytes);
  }
  return inStore(objects, async (scene) => {
    const { store, run } = scene;
    await run('inbox', '--new', '--limit', String(messages));
    const cursor = objects.get(layout.cursor('bench'));
    for (let n = messages - newMail; n < messages; n += 1) store.put(...write(n, nowMs));
    const again = () => store.put(layout.cursor('bench'), cursor);
    const check = (stdout) => {
      const shown = new Set(stdout.match(/message number \d+/g)).size;
      if (shown !== newMail) throw new Error(`${shown} of ${newMail} new messages`);
    };
    return measured(scene, { curve: 'mail', size: messages, again, check }, [['inbox', '--new']]);
  });
}

/** Sessions of ten objects each, one an hour, and their index. */
export function objectsInBucket(count, library) {
  const layout = library.bucketLayout('p');
  const objects = new Map();
  const names = Array.from({ length: partsEach }, (_, seq) => ({
    name: library.partName(seq, 0, seq * linesEach),
    range: [seq * linesEach, (seq + 1) * linesEach],
  }));
  const nowMs = Date.now();
  const rows = (seq) =>
    Array.from({ length: linesEach }, (_, n) => rowOf(idOf(0), seq * linesEach + n, nowMs)).join(
      '',
    );
  const parts = names.map((_, seq) => Buffer.from(rows(seq)));
  const metas = [];
  for (let n = 0; n < count / (partsEach + 1); n += 1) {
    const atMs = nowMs - 10 * minute - n * 60 * minute;
    const meta = metaOf(idOf(n), { parts: names, bytes: parts[0].length, atMs });
    metas.push(meta);
    const folder = layout.session('claude-code', idOf(n));
    for (const [seq, { name }] of names.entries()) objects.set(`${folder}${name}`, parts[seq]);
    objects.set(layout.meta('claude-code', idOf(n)), library.encodeDocument(meta));
  }
  const { encodeLines, indexedFields } = library;
  for (const [key, bytes] of indexOf(metas, { layout, encodeLines, indexedFields })) {
    objects.set(key, bytes);
  }
  return inStore(objects, async (scene) => {
    const about = { curve: 'objects', size: count };
    const lately = ['search', 'qqzebra', '--since', '2d'];
    const table = await measured(scene, about, [['session', 'list'], ['status'], lately]);
    // The first reads every part, and keeps what it needs to skip them the next time.
    const everything = count <= mostSearched ? [['search', 'qqzebra']] : [];
    for (const args of everything) {
      const first = await measured(scene, { ...about, rounds: 1, isFirst: true }, [args]);
      table.push({ ...first[0], what: 'search, the first' });
      const next = await measured(scene, about, [args]);
      table.push({ ...next[0], what: 'search, the next' });
    }
    return table;
  });
}

const account = { bucket: 'bench', region: 'us-east-1', accessKey: 'bench', secretKey: 'bench' };

async function inStore(objects, act) {
  const home = await mkdtemp(join(tmpdir(), 'tracecraft-bench-'));
  const store = await startStore(objects);
  try {
    const commands = commandsIn(home);
    const where = ['--backend', 's3', '--bucket', 'bench', '--endpoint', store.endpoint];
    const keys = ['--region', 'us-east-1', '--access-key', 'bench', '--secret-key', 'bench'];
    await commands.run('init', '--global', ...where, ...keys, '--project', 'p', '--agent', 'bench');
    return await act({ home, store, ...commands });
  } finally {
    await store.stop();
    await rm(home, { recursive: true, force: true });
  }
}

/** `again`: what puts the bucket back before each run. */
async function measured(scene, about, commands) {
  const { curve, size, again = () => undefined, check = () => undefined, isFirst } = about;
  const { store, run, timed } = scene;
  const rows = [];
  for (const args of commands) {
    if (!isFirst) {
      again();
      await run(...args);
    }
    const best = await bestOf(about.rounds ?? rounds, async () => {
      again();
      const before = store.state.requests;
      const { stdout, ...one } = await timed(...args);
      check(stdout);
      return { ...one, requests: store.state.requests - before };
    });
    rows.push({ curve, what: args.join(' ').replace(' qqzebra', ''), size, ...best });
  }
  return rows;
}

function nameOf(n) {
  return n === 0 ? 'bench' : `agent-${n}`;
}

function hex(n) {
  return n.toString(16).padStart(8, '0');
}
