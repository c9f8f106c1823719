import { randomInt } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultFlushTiming } from '../../../src/mirror/watch/flush-schedule.js';
import { everything } from '../../../src/mirror/watch/selection.js';
import { systemEvents } from '../../../src/mirror/watch/system-events.js';
import { bucketLayout } from '../../../src/protocol/keys.js';
import { foldLines, HermesStore } from '../../support/hermes-home.js';
import { MirrorRig, type Run } from '../../support/mirror-rig.js';

let rig: MirrorRig;
let store: HermesStore;
const id = '20261122_091640_ab12cd';
const timing = { ...defaultFlushTiming, settleMs: 0, firstIntervalMs: 0, longestIntervalMs: 0 };

beforeEach(async () => {
  rig = await MirrorRig.create();
  await mkdir(join(rig.tree.home, '.hermes'));
  store = new HermesStore(join(rig.tree.home, '.hermes', 'state.db'));
  store.session(id, { cwd: '/home/u/proj', title: 'One', ended_at: 5 });
  store.say(id, 'user', 'key AKIAQYLPMN5HFIQR7XYA here').say(id, 'assistant', 'fine');
});

afterEach(async () => {
  store.close();
  await rig.remove();
});

async function once(options = {}): Promise<Run> {
  const run = rig.once(options);
  expect((await run.ended).behind).toEqual([]);
  expect(run.troubles).toEqual([]);
  return run;
}

async function shippedLines(): Promise<Buffer[]> {
  const bodies: Buffer[] = [];
  for (const key of (await rig.keys()).filter((name) => name.includes('part-')).sort()) {
    bodies.push((await rig.bucket.get(key))?.body ?? Buffer.alloc(0));
  }
  const text = Buffer.concat(bodies).toString('utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => Buffer.from(line));
}

async function meta(): Promise<Record<string, unknown>> {
  const stored = await rig.bucket.get(bucketLayout('project').meta('hermes', id));
  return JSON.parse(stored?.body.toString('utf8') ?? 'null');
}

async function expectLevel(lines: number): Promise<void> {
  const verdicts = [...(await rig.verdicts()).values()];
  expect(verdicts.map(({ state, problem }) => problem ?? state)).toEqual(verdicts.map(() => 'ok'));
  const shipped = await shippedLines();
  expect(shipped.length).toBe(lines);
  const redacted = (row: object): unknown =>
    JSON.parse(JSON.stringify(row).replaceAll(/AKIA\w+/g, '[REDACTED:aws-access-key]'));
  const kinds = (row: object): unknown =>
    JSON.parse(JSON.stringify(row).replaceAll(/\[REDACTED:[^\]]+\]/g, '[REDACTED:aws-access-key]'));
  expect(foldLines(shipped).map(kinds)).toEqual(store.rows(id).map(redacted));
}

it('uploads every state of a row once, with or without local state', async () => {
  await once();
  await expectLevel(3);
  await once();
  await once({ isThorough: true });
  await expectLevel(3);
  store.run('UPDATE messages SET active = 0').say(id, 'user', 'more');
  await rm(rig.stateFolder, { recursive: true, force: true });
  await once();
  await expectLevel(6);
  await rm(rig.stateFolder, { recursive: true, force: true });
  await once();
  await expectLevel(6);
});

it("keeps the session's facts if local state is lost", async () => {
  await once();
  expect(await meta()).toMatchObject({
    title: 'One',
    cwd: '/home/u/proj',
    ended_at: '1970-01-01T00:00:05.000Z',
  });
  await rm(rig.stateFolder, { recursive: true, force: true });
  store.say(id, 'user', 'more');
  await once();
  expect(await meta()).toMatchObject({ title: 'One', cwd: '/home/u/proj', total_lines: 4 });
  store.update(id, { ended_at: null, title: 'Two' });
  await once();
  expect(await meta()).toMatchObject({ title: 'Two', ended_at: null, total_lines: 5 });
});

it('selects a session by the folder where it was started', async () => {
  const elsewhere = await once({ selection: { ...everything, cwd: '/elsewhere' } });
  expect(elsewhere.shipped.lines).toBe(0);
  const here = await once({ selection: { ...everything, cwd: '/home/u' } });
  expect(here.shipped.lines).toBe(3);
});

it('notices a change by file events, long before the next sweep', async () => {
  const run = rig.watch({ timing, events: systemEvents(), sweepMs: 600_000 });
  await run.started;
  await rig.untilShipped(run, 3);
  // Until chokidar listens, which it does not tell, the next message is heard of instead.
  let said = 0;
  for (; run.shipped.lines === 3 && said < 100; said += 1) {
    store.say(id, 'user', 'more');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(run.shipped.lines).toBeGreaterThan(3);
  await rig.untilShipped(run, 3 + said);
  await run.end();
  await expectLevel((await shippedLines()).length);
});

it('agrees with another watcher, whoever fills a slot', async () => {
  const [left, right] = [
    rig.watch({ timing, sweepMs: 40 }),
    rig.watch({ timing, sweepMs: 40, stateFolder: join(rig.stateFolder, 'b') }),
  ];
  for (let round = 0; round < 25; round += 1) {
    const row = randomInt(1, 8);
    store.say(id, 'user', `line ${round}`);
    if (round % 3 === 0) store.run(`UPDATE messages SET active = 1 - active WHERE id = ${row}`);
    if (round % 5 === 0) store.run(`DELETE FROM messages WHERE id = ${row}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await rig.untilLevel(10_000);
  await Promise.all([left.end(), right.end()]);
  const shipped = await shippedLines();
  await expectLevel(shipped.length);
  expect([...left.generations, ...right.generations]).toEqual([]);
});
