import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sessionUuid } from '../../support/claude-tree.js';
import { MirrorRig } from '../../support/mirror-rig.js';
import {
  assistantEvent,
  type Event,
  headerEvent,
  lineOf,
  userEvent,
} from '../../support/openclaw-database.js';
import { type AgentFolder, OpenClawState } from '../../support/openclaw-state.js';

let rig: MirrorRig;
let state: OpenClawState;
let agent: AgentFolder;
let id: string;

beforeEach(async () => {
  rig = await MirrorRig.create();
  state = OpenClawState.in(rig.tree.home);
  agent = state.agent();
  id = sessionUuid();
});

afterEach(async () => {
  await state.remove();
  await rig.remove();
});

const time = '2026-11-22T06-17-42.689Z';

/** Everything in the bucket of a session, as text: the parts of every stream and generation, in the order of their keys. */
async function shipped(sessionId = id): Promise<string> {
  const parts: string[] = [];
  for (const key of await rig.keys()) {
    if (!key.includes(sessionId) || !/part-[^/]*\.jsonl$/.test(key)) continue;
    parts.push((await rig.bucket.get(key))?.body.toString() ?? '');
  }
  return parts.join('');
}

function linesOf(...events: readonly Event[]): string {
  return events.map(lineOf).join('');
}

async function mirrorOnce(): Promise<readonly string[]> {
  const run = rig.once();
  const ending = await run.ended;
  expect(run.troubles).toEqual([]);
  expect(ending.behind).toEqual([]);
  return run.generations;
}

async function expectLevel(): Promise<void> {
  const states = [...(await rig.verdicts())].map(([name, { state: one }]) => `${name} ${one}`);
  expect(states.filter((one) => !one.endsWith(' ok'))).toEqual([]);
}

describe.each(['kept', 'lost'] as const)('with local state %s between runs', (memory) => {
  async function forget(): Promise<void> {
    if (memory === 'lost') await rm(rig.stateFolder, { recursive: true, force: true });
  }

  it('a session continues from its file into the database, without a duplicate line', async () => {
    const events = [headerEvent(id), userEvent('1'), assistantEvent('2')];
    const file = await agent.transcript(id).append(...events.slice(0, 2));
    await mirrorOnce();
    await forget();
    await file.append(...events.slice(2));
    const database = await agent.database();
    await database.importFile(file.path);
    const later = [userEvent('3'), assistantEvent('4')];
    database.append(id, ...later);
    expect(await mirrorOnce()).toEqual([]);
    expect(await shipped()).toBe(linesOf(...events, ...later));
    await expectLevel();
  });

  it('a run in the middle of the upgrade changes nothing', async () => {
    const events = [headerEvent(id), userEvent('1'), assistantEvent('2')];
    const file = await agent.transcript(id).append(...events);
    await mirrorOnce();
    await forget();
    const database = await agent.database();
    await database.importRows(file.path);
    await mirrorOnce();
    await forget();
    await database.importFile(file.path);
    database.append(id, userEvent('3'));
    expect(await mirrorOnce()).toEqual([]);
    expect((await shipped()).split('\n').length - 1).toBe(4);
    expect((await rig.keys()).filter((key) => key.includes('copies/'))).toEqual([]);
    await expectLevel();
  });

  it('a compaction starts a new generation, and uploaded lines stay', async () => {
    const database = await agent.database();
    const events = [headerEvent(id), userEvent('dropped'), userEvent('kept')];
    database.append(id, ...events);
    await mirrorOnce();
    await forget();
    const kept = [events[0], events[2], userEvent('new')].filter((one) => one !== undefined);
    database.rewrite(id, ...kept);
    expect(await mirrorOnce()).toEqual(['replaced']);
    expect(await shipped()).toBe(linesOf(...events) + linesOf(...kept));
    await expectLevel();
  });

  it('a rotated generation with the same events sends nothing', async () => {
    const database = await agent.database();
    const events = [headerEvent(id), userEvent('1')];
    database.append(id, ...events);
    await mirrorOnce();
    await forget();
    database.rewrite(id, ...events, userEvent('2'));
    expect(await mirrorOnce()).toEqual([]);
    expect((await shipped()).split('\n').length - 1).toBe(3);
    await expectLevel();
  });

  it('a session continues in the file that its deletion leaves', async () => {
    const database = await agent.database();
    const events = [headerEvent(id), userEvent('1'), userEvent('2')];
    database.append(id, ...events.slice(0, 2));
    await mirrorOnce();
    await forget();
    database.append(id, ...events.slice(2));
    const name = database.delete(id);
    await database.publish(name);
    expect(await mirrorOnce()).toEqual([]);
    expect(await shipped()).toBe(linesOf(...events));
    await expectLevel();
  });

  it('a session continues under the name that a reset gave its file', async () => {
    const file = await agent.transcript(id).append(headerEvent(id), userEvent('1'));
    await mirrorOnce();
    await forget();
    await file.append(userEvent('2'));
    await file.setAside('reset', time);
    expect(await mirrorOnce()).toEqual([]);
    expect((await shipped()).split('\n').length - 1).toBe(3);
    await expectLevel();
  });
});

describe('while it watches', () => {
  it('an upgrade, a compaction and a deletion of one session lose and duplicate nothing', async () => {
    const [other] = [sessionUuid()];
    const run = rig.watch({ sweepMs: 50 });
    await run.started;
    const events = [headerEvent(id), userEvent('1'), assistantEvent('2')];
    const file = await agent.transcript(id).append(...events);
    await rig.untilShipped(run, 3);
    const database = await agent.database();
    await database.importRows(file.path);
    database.append(other, headerEvent(other));
    await rig.untilShipped(run, 4);
    await database.importFile(file.path);
    const later = [userEvent('3'), assistantEvent('4')];
    database.append(id, ...later);
    await rig.untilShipped(run, 6);
    expect(run.generations).toEqual([]);
    const name = database.delete(id);
    database.append(other, userEvent('x'));
    await rig.untilShipped(run, 7);
    await database.publish(name);
    database.append(other, userEvent('y'));
    await rig.untilShipped(run, 8);
    const ending = await run.end();
    expect(ending.behind).toEqual([]);
    expect(run.troubles).toEqual([]);
    expect(run.generations).toEqual([]);
    expect(await shipped()).toBe(linesOf(...events, ...later));
    await expectLevel();
  });

  it('never uploads the database itself, and redacts its contents', async () => {
    const database = await agent.database();
    const secret = [
      'sk',
      'ant',
      'api03',
      'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0U1v2W3x4Y5z6',
    ].join('-');
    database.run('INSERT INTO auth_profile_store VALUES (?, ?)', 'anthropic', `stored ${secret}`);
    database.append(id, headerEvent(id), userEvent(`my key is ${secret}`));
    database.appendPacked(id, userEvent(`again ${secret} ${'x'.repeat(4_000)}`));
    await mirrorOnce();
    const keys = await rig.keys();
    for (const key of keys) {
      const body = (await rig.bucket.get(key))?.body ?? Buffer.alloc(0);
      expect(body.includes(secret), key).toBe(false);
      expect(body.includes('SQLite format 3'), key).toBe(false);
    }
    expect((await shipped()).split('[REDACTED:').length - 1).toBe(2);
    expect(keys.some((key) => key.includes('.sqlite'))).toBe(false);
    await expectLevel();
  });
});
