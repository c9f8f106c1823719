import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { aiTitleRow, lineOf, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { readDocumented } from '../support/documented-reader.js';
import { HermesStore } from '../support/hermes-home.js';
import { headerEvent, userEvent } from '../support/openclaw-database.js';
import { OpenClawState } from '../support/openclaw-state.js';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';

const secret = 'ghp_b7Rq2Vx9Lk4Tn6Wm1Zc8Hd3Jf5Gs0PaYu2Eo';
const hermesIds = Array.from({ length: 12 }, (_, n) => `20260311_0730${10 + n}_c0ffee`);
const damaged = hermesIds[7] ?? '';
const wholeId = '20260214_181500_0ddba1';
const boot = 'boot-2026-03-09_06-12-33-017-9c1d5e77';
const [kept, copied, titled] = [sessionUuid(), sessionUuid(), sessionUuid()];
const threaded = sessionUuid();
const checkpoints = [sessionUuid(), sessionUuid()];

let world: CliWorld;
let bucket: Bucket;
let mirrored: CliResult;
let databaseCopies: readonly string[] = [];

beforeAll(async () => {
  world = await createCliWorld();
  const atHome = { cwd: world.home };
  await layHermes();
  await layOpenClaw();
  await layClaude();
  mirrored = await world.run(['watch', '--once', '--all'], atHome);
  bucket = await openLocalBucket({ root: join(world.stateFolder, 'bucket') });
});

afterAll(async () => {
  await bucket.close();
  await world.remove();
});

/** One page of messages is junk; one session is a whole file only; a sync tool was here. */
async function layHermes(): Promise<void> {
  const folder = join(world.home, '.hermes');
  const state = OpenClawState.in(world.home, '.hermes').agent();
  const sessions = join('..', '..', 'sessions');
  const whole = {
    session_id: wholeId,
    model: 'm',
    messages: [{ role: 'user', content: 'sow rye' }],
  };
  await state.file([sessions, `session_${wholeId}.json`], JSON.stringify(whole));
  await state.file([sessions, `${wholeId} (2).jsonl`], '{"role":"user","content":"mow rye"}\n');
  const store = new HermesStore(join(folder, 'state.db'), 'DELETE');
  for (const id of hermesIds) {
    store.session(id, { title: `Field ${id}` });
    store.say(id, 'user', `plough ${id} ${'.'.repeat(3_000)}`);
  }
  store.close();
  await spoilPageOf(join(folder, 'state.db'), `plough ${damaged}`);
  const name = "state (Mia's conflicted copy 2026-03-12).db";
  databaseCopies = [await state.file(['..', '..', name], 'rows')];
}

async function layOpenClaw(): Promise<void> {
  const agent = OpenClawState.in(world.home).agent();
  for (const [n, checkpoint] of checkpoints.entries()) {
    const row = lineOf(userEvent(`prune ${n}`));
    await agent.file(['sessions', `${kept}.checkpoint.${checkpoint}.jsonl`], row);
  }
  await agent.transcript(copied).append(headerEvent(copied), userEvent('dig here'));
  const other = agent.transcript(`${copied} (Mia's conflicted copy 2026-03-12)`);
  await other.append(headerEvent(copied), userEvent('dig there'));
  await agent.transcript(boot).append(headerEvent(sessionUuid()), userEvent('light the stove'));
  await agent.transcript(threaded, 'om_7%20b').append(headerEvent(boot), userEvent('in a thread'));
  databaseCopies = [
    ...databaseCopies,
    await agent.file(['agent', 'openclaw-agent.sync-conflict-20260312-080910-QWERTY7.sqlite'], 'x'),
  ];
}

async function layClaude(): Promise<void> {
  const path = join(world.home, '.claude', 'projects', '-farm', `${titled}.jsonl`);
  const row = userRow('hello', { sessionId: titled, cwd: world.project });
  const title = aiTitleRow(`Rotate ${secret} in the shed`, titled);
  await new Transcript(path).append(row, title);
}

/** Overwrites the page on which this text begins, so that nothing of it is a page any more. */
async function spoilPageOf(path: string, text: string): Promise<void> {
  const bytes = await readFile(path);
  const pageSize = bytes.readUInt16BE(16);
  const page = Math.floor(bytes.indexOf(text) / pageSize);
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(pageSize, 0xa5), 0, pageSize, page * pageSize);
  await file.close();
}

async function stored(harness: string, id: string, stream = ''): Promise<string> {
  const layout = bucketLayout('default');
  return (await readDocumented(bucket, layout.stream(harness, id, stream))).toString();
}

function namings(word: string): number {
  return mirrored.stderr.split('\n').filter((line) => line.includes(word)).length;
}

describe('Hermes', () => {
  it('has every session mirrored but the one on a damaged page, which is named', async () => {
    expect(mirrored.code).toBe(10);
    for (const id of hermesIds.filter((one) => one !== damaged)) {
      expect(await stored('hermes', id), id).toContain(`plough ${id}`);
    }
    expect(await stored('hermes', damaged)).not.toContain('plough');
    expect(namings(damaged)).toBeGreaterThan(0);
    for (const id of hermesIds.filter((one) => one !== damaged)) expect(namings(id)).toBe(0);
  });

  it('has a session mirrored that is one document beside a database without it', async () => {
    expect(await stored('hermes', wholeId)).toContain('sow rye');
  });

  it('has what a sync tool set beside a file mirrored', async () => {
    expect(await stored('hermes', `${wholeId} (2)`)).toContain('mow rye');
  });
});

describe('OpenClaw', () => {
  it('has a session mirrored of which only checkpoints are left', async () => {
    const both = (await stored('openclaw', kept)) + (await stored('openclaw', kept, 'copies/1'));
    expect(both).toContain('prune 0');
    expect(both).toContain('prune 1');
  });

  it('has a conflict copy mirrored as another source of its session', async () => {
    const sources = [
      await stored('openclaw', copied),
      await stored('openclaw', copied, 'copies/1'),
    ];
    expect(sources.filter((text) => text.includes('dig here'))).toHaveLength(1);
    expect(sources.filter((text) => text.includes('dig there'))).toHaveLength(1);
  });

  it('has sessions mirrored whose headers name others, each once', async () => {
    expect(await stored('openclaw', boot)).toContain('light the stove');
    expect(await stored('openclaw', threaded)).toContain('in a thread');
    expect(await stored('openclaw', boot)).not.toContain('in a thread');
  });
});

it('conflict copies of databases are named once, with what to do', () => {
  for (const path of databaseCopies) {
    expect(namings(`left out: ${path}: a conflict copy`), mirrored.stderr).toBe(1);
  }
  expect(mirrored.stderr).toContain('Save what only it contains, then remove it');
});

it('a secret in a title is neither in the bucket nor in a listing', async () => {
  const listed = await world.run(['session', 'list', '--json'], { cwd: world.home });
  expect(listed.stdout).toContain('in the shed');
  const layout = bucketLayout('default');
  const meta = await bucket.get(layout.meta('claude-code', titled));
  expect(meta?.body.toString()).toContain('in the shed');
  const lines = await stored('claude-code', titled);
  for (const text of [listed.stdout, String(meta?.body), lines]) {
    expect(text).not.toContain(secret.slice(4));
  }
});

it('verify names in one line what this config leaves alone, and judges the rest', async () => {
  const [here, elsewhere] = [join(world.root, 'orchard'), join(world.root, 'meadow')];
  const projects = join(world.home, '.claude', 'projects');
  for (const [cwd, count] of [
    [here, 1],
    [elsewhere, 2],
  ] as const) {
    for (let n = 0; n < count; n += 1) {
      const id = sessionUuid();
      const path = join(projects, cwd.replaceAll('/', '-'), `${id}.jsonl`);
      await new Transcript(path).append(userRow('graft', { sessionId: id, cwd }));
    }
  }
  const claude = OpenClawState.in(world.root, 'orchard').agent();
  await claude.file(['..', '..', '.keep']);
  await world.run(['init', '--agent', 'mia', '--quiet'], { cwd: here });
  const sent = await world.run(['watch', '--once', '--all'], { cwd: here });
  // The damaged session may have been started here: nobody can tell, and the others are mirrored.
  expect(sent.code, sent.stderr).toBe(10);
  const verified = await world.run(['session', 'verify', '--harness', 'claude-code'], {
    cwd: here,
  });
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  expect(verified.stderr + verified.stdout).toContain(
    '3 sessions of other folders are left alone: --all-projects',
  );
  expect(verified.stdout).toContain('1 stream agrees: 1 line');
});
