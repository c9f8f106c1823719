import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TracecraftError } from '../../../src/errors.js';
import { nodeIo } from '../../../src/io.js';
import { type SessionFacts, type Stream, startPosition } from '../../../src/mirror/stream.js';
import { HermesWatcher } from '../../../watchers/hermes/watcher.js';
import { HermesHome, type HermesStore, literal } from '../../support/hermes-home.js';
import { ManualClock } from '../../support/manual-clock.js';
import { allStreams } from '../contract.js';
import { chunkOf, plainLines } from '../reading.js';

let home: HermesHome;
let clock: ManualClock;

beforeEach(async () => {
  home = await HermesHome.create();
  clock = new ManualClock();
});

afterEach(() => home.remove());

const id = '20261122_091640_ab12cd';

function watcherOf(env: Record<string, string> = {}, onUnreadable?: (e: TracecraftError) => void) {
  const told = onUnreadable === undefined ? {} : { onUnreadable };
  return new HermesWatcher({ io: nodeIo, clock, env, home: home.home, platform: 'linux', ...told });
}

async function streamOf(session = id, watcher = watcherOf()): Promise<Stream> {
  const found = (await allStreams(watcher)).find((stream) => stream.session.id === session);
  if (found === undefined) throw new Error('no such stream');
  return found;
}

async function rowsFrom(stream: Stream, from = startPosition) {
  const chunk = await chunkOf(stream, from);
  const rows = plainLines(chunk).map((line): Record<string, unknown> => JSON.parse(String(line)));
  return { rows, next: chunk.next };
}

const brief = (rows: readonly Record<string, unknown>[]) =>
  rows.map(({ op, table, id: row }) => `${op} ${table === undefined ? row : table}`);

async function factsOf(stream: Stream, from = startPosition, before: SessionFacts = {}) {
  const chunk = await chunkOf(stream, from);
  const facts = plainLines(chunk).reduce((known, line) => stream.facts(line, known), before);
  return { facts, next: chunk.next };
}

async function storeWith(...contents: readonly string[]): Promise<HermesStore> {
  const store = (await home.store()).session(id);
  for (const content of contents) store.say(id, 'user', content);
  return store;
}

describe('the place it reads', () => {
  it('is .hermes in the home folder, HERMES_HOME, or LOCALAPPDATA on Windows', async () => {
    expect(await watcherOf().roots()).toEqual([]);
    await storeWith();
    expect(await watcherOf().roots()).toEqual([home.root]);
    expect(await watcherOf({ HERMES_HOME: '~/.hermes' }).roots()).toEqual([home.root]);
    expect(await watcherOf({ HERMES_HOME: join(home.home, 'none') }).roots()).toEqual([]);
    const settings = { io: nodeIo, clock, home: home.home };
    await home.file(join(home.home, 'local', 'hermes', 'config.yaml'));
    const env = { LOCALAPPDATA: join(home.home, 'local') };
    const windows = new HermesWatcher({ ...settings, env, platform: 'win32' });
    expect(await windows.roots()).toEqual([join(home.home, 'local', 'hermes')]);
  });

  it('is also every profile; a session copied into one is a separate stream', async () => {
    await storeWith('Hello');
    (await home.store('coder')).session('other').session(id);
    const streams = await allStreams(watcherOf());
    expect(streams.map(({ session, name }) => `${session.id} ${name}`)).toEqual([
      `${id} `,
      'other ',
      `${id} profiles/coder`,
    ]);
  });

  it('is sessions/<id>.jsonl while the database is broken', async () => {
    await home.file(join(home.root, 'sessions', `${id}.jsonl`), '{"role":"user"}\nhalf');
    const stream = await streamOf();
    expect([stream.kind, stream.name]).toEqual(['lines', 'diversion']);
    const chunk = await chunkOf(stream);
    expect(plainLines(chunk).join('')).toBe('{"role":"user"}\n');
    expect(await watcherOf().streamOf(stream.source)).toMatchObject({ name: 'diversion' });
  });

  it('forgets removed sessions and finds new ones', async () => {
    const store = await storeWith('Hello');
    const watcher = watcherOf();
    const stream = await streamOf(id, watcher);
    store.session('new').run(`DELETE FROM messages; DELETE FROM sessions WHERE id = '${id}'`);
    expect((await allStreams(watcher)).map(({ session }) => session.id)).toEqual(['new']);
    expect(await stream.changed(undefined)).toBeUndefined();
    expect(await stream.read(startPosition, { bytes: 1 })).toBe('gone');
  });

  it('is nothing else in the home', async () => {
    const watcher = watcherOf();
    const ignored = (path: string): boolean => watcher.ignores(join(home.root, path));
    const wanted = ['state.db', 'state.db-wal', 'sessions', 'sessions/x.jsonl'];
    for (const path of ['profiles', 'profiles/coder', ...wanted]) {
      expect(ignored(path), path).toBe(false);
    }
    for (const path of wanted) expect(ignored(`profiles/coder/${path}`), path).toBe(false);
    const others = ['logs', 'logs/x.log', 'state.db-shm', 'state.db-journal', 'hermes-agent/venv'];
    for (const path of [...others, 'sessions/sessions.json', 'sessions/a/b.jsonl']) {
      expect(ignored(path), path).toBe(true);
    }
    expect(ignored('')).toBe(false);
    expect(watcher.ignores('/elsewhere/logs')).toBe(false);
  });

  it('stays as it was, without new files', async () => {
    const store = await storeWith('Hello');
    const stream = await streamOf();
    const before = await readdir(home.root);
    await chunkOf(stream);
    expect(await readdir(home.root)).toEqual(before);
    store.close();
    expect(await readdir(home.root)).toEqual(['state.db']);
    await chunkOf(stream);
    expect(await readdir(home.root)).toEqual(['state.db']);
  });

  it('named once if a session is a whole file and no database says whether it has it', async () => {
    const path = join(home.root, 'sessions', 'session_20260102_030405_0a1b2c.json');
    await home.file(path, '{"messages":[{"role":"user","content":"stoke the kiln"}]}');
    const told: string[] = [];
    const watcher = watcherOf({}, ({ message }) => told.push(message));
    expect(await allStreams(watcher)).toEqual([]);
    await allStreams(watcher);
    expect(told).toEqual([expect.stringContaining(`left out: ${path}`)]);
    await home.store();
    expect((await allStreams(watcher)).map(({ source }) => source)).toEqual([path]);
  });

  it('may contain an unreadable database, which is reported once; the others are read', async () => {
    await home.file(join(home.root, 'state.db'), 'not a database'.repeat(100));
    (await home.store('coder')).session('other');
    const told: string[] = [];
    const watcher = watcherOf({}, ({ message }) => told.push(message));
    expect((await allStreams(watcher)).map(({ session }) => session.id)).toEqual(['other']);
    await allStreams(watcher);
    expect(told).toEqual([`${join(home.root, 'state.db')} is not an SQLite database`]);
  });
});

describe('what it reads', () => {
  it('is the session first, then each message as it is, without null fields', async () => {
    const store = await home.store();
    store.session(id, { title: 'A title', cwd: '/p', ended_at: 5.5 });
    store.run(`UPDATE sessions SET origin_json = '{"secret":1}', system_prompt = 'long'`);
    store.say(id, 'user', 'Hi').say(id, 'assistant', null);
    const { rows } = await rowsFrom(await streamOf());
    expect(rows).toEqual([
      {
        op: 'insert',
        table: 'sessions',
        id,
        source: 'cli',
        started_at: 1_795_300_000.25,
        ended_at: 5.5,
        cwd: '/p',
        title: 'A title',
        rewind_count: 0,
        archived: 0,
      },
      messageRow(1, { role: 'user', content: 'Hi' }),
      messageRow(2, { role: 'assistant' }),
    ]);
  });

  it.each([
    ['\0json:[{"type": "text",\n "text": "a\\nb"}]', [{ type: 'text', text: 'a\nb' }]],
    ['\0json:{"a":1e400}', { a: Infinity }],
    ['\0json:"text"', '\0json:"text"'],
    ['\0json:{broken', '\0json:{broken'],
    ['a\0b\u2028\n\r"\\', 'a\0b\u2028\n\r"\\'],
    ['', ''],
  ])('is content as what it is: %j', async (content, expected) => {
    await storeWith(content);
    const { lines } = await chunkOf(await streamOf());
    expect(lines.map((line) => String(line).split('\n').length)).toEqual([2, 2]);
    expect((await rowsFrom(await streamOf())).rows[1]?.content).toEqual(expected);
  });

  it("includes bytes, and numbers beyond JSON's range", async () => {
    const store = await storeWith('x');
    store.run(`UPDATE messages SET token_count = 9223372036854775807, display_order = -9e999,
      display_metadata = x'00ff'`);
    const { lines } = await chunkOf(await streamOf());
    expect(String(lines[1])).toContain('"token_count":9223372036854775807,');
    expect(String(lines[1])).toContain(
      '"display_metadata":{"base64":"AP8="},"display_order":-1e999}',
    );
  });

  it('includes every later state of a row, in order of ids, and the session last', async () => {
    const store = await storeWith('one', 'two', 'three');
    const stream = await streamOf();
    let { rows, next } = await rowsFrom(stream);
    expect(brief(rows)).toEqual(['insert sessions', 'insert 1', 'insert 2', 'insert 3']);
    store.run('UPDATE messages SET active = 0, compacted = 1 WHERE id = 1');
    store.run('DELETE FROM messages WHERE id = 2').update(id, { title: 'New' });
    store.say(id, 'user', 'four');
    ({ rows, next } = await rowsFrom(stream, next));
    expect(brief(rows)).toEqual(['update 1', 'delete 2', 'insert 4', 'update sessions']);
    expect(rows[0]).toMatchObject({ active: 0, compacted: 1, content: 'one' });
    expect(rows[1]).toEqual({ op: 'delete', id: 2 });
    ({ rows } = await rowsFrom(stream, next));
    expect(rows).toEqual([]);
  });

  it('does not change if an empty column is added', async () => {
    const store = await storeWith('one');
    const stream = await streamOf();
    const { next } = await rowsFrom(stream);
    store.run('ALTER TABLE messages ADD COLUMN later TEXT; ALTER TABLE sessions ADD COLUMN x TEXT');
    expect((await rowsFrom(stream, next)).rows).toEqual([]);
    store.run(`UPDATE messages SET later = 'now'`);
    expect((await rowsFrom(stream, next)).rows).toMatchObject([{ op: 'update', later: 'now' }]);
  });

  it('is never a state between two states, even if several reads were needed', async () => {
    const store = await storeWith('one', 'two', 'three');
    const stream = await streamOf();
    const limit = { bytes: Number.POSITIVE_INFINITY, lines: 3 };
    const first = await chunkOf(stream, startPosition, limit);
    store.run(
      `UPDATE messages SET content = 'ONE' WHERE id = 1; DELETE FROM messages WHERE id = 2`,
    );
    const { rows, next } = await rowsFrom(stream, first.next);
    expect(brief(rows)).toEqual(['insert 3', 'update 1', 'delete 2']);
    expect((await rowsFrom(stream, next)).rows).toEqual([]);
  });
});

describe('a snapshot', () => {
  it('changes with any change in an active session', async () => {
    const store = await home.store();
    store.session(id, { last_activity_at: clock.now() / 1000 }).say(id, 'user', 'one');
    const stream = await streamOf();
    const before = await stream.changed(undefined);
    expect(await stream.changed(before)).toBeUndefined();
    store.run(`UPDATE messages SET content = 'ONE'`);
    expect(await stream.changed(before)).toBeDefined();
  });

  it('changes with other sessions if messages come, go or become inactive, otherwise within 10 minutes', async () => {
    const store = await storeWith('one', 'two');
    store.session('busy', { last_activity_at: clock.now() / 1000 });
    const stream = await streamOf();
    const before = await stream.changed(undefined);
    store.say('busy', 'user', 'not here');
    expect(await stream.changed(before)).toBeUndefined();
    store.run(`UPDATE messages SET content = 'ONE' WHERE id = 1`);
    expect(await stream.changed(before)).toBeUndefined();
    clock.advance(600_000);
    const later = await stream.changed(before);
    expect(later).toBeDefined();
    store.run('UPDATE messages SET active = 0 WHERE id = 2');
    const rewound = await stream.changed(later);
    expect(rewound).toBeDefined();
    store.run(`UPDATE messages SET content = 'TWO' WHERE id = 2`);
    expect(await stream.changed(rewound)).toBeDefined();
  });

  it('finds the session that changed when the database changed', async () => {
    const store = await storeWith('one');
    store.session('second').session('third', { started_at: 1 });
    const watcher = watcherOf();
    await allStreams(watcher);
    store.say('third', 'user', 'Hi');
    const found = await watcher.streamOf(join(home.root, 'state.db-wal'));
    expect(found?.session.id).toBe('third');
    store.say('second', 'user', 'Hi');
    clock.advance(250);
    const next = await watcher.streamOf(join(home.root, 'state.db'));
    expect(next?.session.id).toBe('second');
  });
});

describe('facts', () => {
  it('are the last state of the session, except for where it was started', async () => {
    const store = await home.store();
    store.session('child', { model_config: '{"_delegate_from":"parent","max":1,"key":"x"}' });
    expect((await factsOf(await streamOf('child'))).facts.parentSessionId).toBe('parent');
    store.session(id, { title: 'One', cwd: '/a', model: 'm1', git_branch: 'b', ended_at: 7 });
    const stream = await streamOf();
    let { facts, next } = await factsOf(stream);
    expect(facts).toEqual({
      cwd: '/a',
      model: 'm1',
      gitBranch: 'b',
      startedAt: '2026-11-21T22:26:40.250Z',
      endedAt: '1970-01-01T00:00:07.000Z',
    });
    store.update(id, { title: 'Two', cwd: '/b', model: 'm2', ended_at: null });
    ({ facts, next } = await factsOf(stream, next, facts));
    expect(facts).toMatchObject({ cwd: '/a', model: 'm2' });
    expect(facts.endedAt).toBeUndefined();
    store.update(id, { title: null, parent_session_id: 'child' });
    ({ facts, next } = await factsOf(stream, next, facts));
    expect(facts.parentSessionId).toBe('child');
  });

  it('show live sessions: those without an end and with recent activity, or a lease', async () => {
    const store = await home.store();
    const now = clock.now() / 1000;
    store.session('quiet').session('ended', { last_activity_at: now, ended_at: now });
    store.session('busy', { last_activity_at: now - 60 }).session('leased');
    store.run(`INSERT INTO session_turn_leases VALUES ('leased', 'me', 1, ${now + 60}),
      ('quiet', 'me', 1, ${now - 60})`);
    expect(await watcherOf().live()).toEqual(new Set(['busy', 'leased']));
  });
});

describe('a hostile or damaged database', () => {
  it.each([
    ['has no tables', 'DROP TABLE messages; DROP TABLE sessions'],
    ['has tables of another shape', 'DROP TABLE messages; CREATE TABLE messages (x)'],
    ['has views instead', 'DROP TABLE messages; CREATE VIEW messages AS SELECT 1 AS id'],
  ])('holds no session when it %s', async (_what, sql) => {
    (await storeWith()).run(sql);
    expect(await allStreams(watcherOf())).toEqual([]);
  });

  it('gives what it can from rows of any type', async () => {
    const store = await home.store();
    store.run(`PRAGMA foreign_keys=OFF; INSERT INTO sessions (id, source, started_at, title, ended_at, cwd)
      VALUES ('x', x'00ff', 'soon', 7, 9e999, ${literal('/a\0b')}), (NULL, 1, 1, 1, 1, 1), ('', 1, 1, 1, 1, 1)`);
    store.run(
      `INSERT INTO messages (session_id, role, content, timestamp) VALUES ('x', 1, x'6869', 'never')`,
    );
    const stream = await streamOf('x');
    const { facts } = await factsOf(stream);
    expect(facts).toEqual({});
    expect((await rowsFrom(stream)).rows[1]).toMatchObject({ content: { base64: 'aGk=' } });
  });
});

it('reads with a rollback journal, too', async () => {
  const store = await home.store('', 'DELETE');
  store.session(id).say(id, 'user', 'Hi');
  const stream = await streamOf();
  const { next, rows } = await rowsFrom(stream);
  expect(rows.length).toBe(2);
  store.say(id, 'user', 'Ho');
  expect((await rowsFrom(stream, next)).rows).toMatchObject([{ op: 'insert', content: 'Ho' }]);
  await rm(join(home.root, 'state.db-journal'), { force: true });
});

function messageRow(row: number, columns: object): object {
  return {
    op: 'insert',
    id: row,
    session_id: id,
    timestamp: 1_795_300_000.25,
    _compressed_summary: 0,
    active: 1,
    compacted: 0,
    display_order: row,
    ...columns,
  };
}
