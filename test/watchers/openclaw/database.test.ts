import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TracecraftError } from '../../../src/errors.js';
import { nodeIo } from '../../../src/io.js';
import {
  type Position,
  type SessionFacts,
  type Stream,
  startPosition,
} from '../../../src/mirror/stream.js';
import { OpenClawWatcher } from '../../../watchers/openclaw/watcher.js';
import type { SqliteLibrary } from '../../../watchers/sqlite/library.js';
import { sessionUuid } from '../../support/claude-tree.js';
import { ManualClock } from '../../support/manual-clock.js';
import {
  type AgentDatabase,
  assistantEvent,
  firstSchema,
  headerEvent,
  lineOf,
  userEvent,
} from '../../support/openclaw-database.js';
import { type AgentFolder, OpenClawState } from '../../support/openclaw-state.js';
import { compress, packed } from '../../support/zstd-frames.js';
import { allStreams } from '../contract.js';
import { chunkOf, joined, plainLines, upload } from '../reading.js';
import { linesOf, textOf, theOnly } from './streams.js';

let state: OpenClawState;
let agent: AgentFolder;
let database: AgentDatabase;
let clock: ManualClock;
let id: string;
const told: TracecraftError[] = [];
const everything = { bytes: Number.POSITIVE_INFINITY };

beforeEach(async () => {
  state = await OpenClawState.create();
  agent = state.agent();
  database = await agent.database();
  clock = new ManualClock();
  id = sessionUuid();
  told.length = 0;
});

afterEach(() => state.remove());

const library: () => Promise<SqliteLibrary> = () => import('@photostructure/sqlite');

function watch(load = library): OpenClawWatcher {
  const onUnreadable = (error: TracecraftError): number => told.push(error);
  return new OpenClawWatcher({ io: nodeIo, clock, env: {}, home: state.home, load, onUnreadable });
}

async function factsOf(stream: Stream): Promise<SessionFacts> {
  const lines = plainLines(await chunkOf(stream));
  return lines.reduce((facts: SessionFacts, line) => stream.facts(line, facts), {});
}

describe('the events of a session', () => {
  it('are lines, packed or not, whatever they contain', async () => {
    const events = [
      headerEvent(id),
      userEvent('café 日本語 🚀 \u0000 "quoted" \\ \n new'),
      assistantEvent('y'.repeat(70_000)),
    ];
    const long = [userEvent('first '.repeat(9_000)), userEvent('🚀'.repeat(90_000))];
    database.append(id, ...events);
    for (const event of long) database.appendPacked(id, event);
    const [stream] = await allStreams(watch());
    expect(stream?.source).toBe(`${database.path}#${id}`);
    expect(stream?.kind).toBe('lines');
    if (stream === undefined) return;
    expect(await textOf(stream)).toBe(linesOf(...events, ...long));
  });

  it.skipIf(compress === undefined)(
    'are unpacked as OpenClaw packs them: level 1 with a checksum',
    async () => {
      const event = userEvent('the quick brown fox jumps over the lazy dog. '.repeat(500));
      database.appendPacked(id, event, (text) => compress?.(Buffer.from(text), 1) ?? packed(text));
      expect(await textOf(await theOnly(watch()))).toBe(lineOf(event));
    },
  );

  it('are the same lines however they are read', async () => {
    const watcher = watch();
    const added = fc.array(
      fc.record({ text: fc.string({ unit: 'binary' }), isPacked: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    const limits = fc.record({
      bytes: fc.integer({ min: 1, max: 400 }),
      lines: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(added, limits, async (texts, limit) => {
        const session = sessionUuid();
        const events = texts.map(({ text }) => userEvent(text));
        for (const [index, event] of events.entries()) {
          if (texts[index]?.isPacked) database.appendPacked(session, event);
          else database.append(session, event);
        }
        const stream = (await allStreams(watcher)).find((one) => one.session.id === session);
        if (stream === undefined) throw new Error('not found');
        const { lines } = await upload(stream, limit);
        expect(Buffer.concat(lines).toString()).toBe(linesOf(...events));
      }),
      { numRuns: 40 },
    );
  });

  it('are read as they are added, and nothing is read twice', async () => {
    database.append(id, headerEvent(id), userEvent('1'));
    const stream = await theOnly(watch());
    const first = await chunkOf(stream);
    expect(await stream.changed(first.snapshot)).toBeUndefined();
    const more = [userEvent('2'), assistantEvent('3')];
    database.append(id, ...more);
    const snapshot = await stream.changed(first.snapshot);
    expect(snapshot?.size).toBeGreaterThan(first.snapshot.size);
    const second = await chunkOf(stream, first.next);
    expect(second.snapshot.token).toBe(snapshot?.token);
    expect(joined(second).toString()).toBe(linesOf(...more));
    expect((await chunkOf(stream, second.next)).lines).toEqual([]);
  });

  it('have the size of their lines in bytes', async () => {
    const events = [headerEvent(id), userEvent('é'.repeat(100))];
    database.append(id, ...events);
    const stream = await theOnly(watch());
    expect((await stream.changed(undefined))?.size).toBe(Buffer.byteLength(linesOf(...events)));
    database.appendPacked(id, userEvent('x'.repeat(5_000)));
    const { snapshot, sourceBytes } = await chunkOf(stream);
    expect(snapshot.size).toBe(sourceBytes);
  });

  it('are one line each, even if another tool broke them', async () => {
    const text = '{\n  "type": "custom",\n  "id": "x"\n}';
    database.append(id, headerEvent(id));
    database.run('UPDATE transcript_events SET event_json = ? WHERE session_id = ?', text, id);
    expect(await textOf(await theOnly(watch()))).toBe(`${text.replaceAll('\n', ' ')}\n`);
  });

  it('are read up to one that cannot be unpacked, which is reported', async () => {
    database.append(id, headerEvent(id), userEvent('1'));
    database.appendPacked(id, userEvent('2'), () => Buffer.from('no zstd at all'));
    database.append(id, userEvent('3'));
    const stream = await theOnly(watch());
    const first = await chunkOf(stream);
    expect(first.lines.length).toBe(2);
    expect(first.more).toBe(true);
    await expect(stream.read(first.next, everything)).rejects.toThrow(
      /cannot unpack event 2 of .*sqlite#/,
    );
  });

  it('are rejected if their length is wrong', async () => {
    database.appendPacked(id, headerEvent(id));
    database.run('UPDATE transcript_events SET event_utf8_bytes = 5');
    const stream = await theOnly(watch());
    await expect(stream.read(startPosition, everything)).rejects.toThrow(/where 5 were packed/);
  });
});

describe('a position', () => {
  async function read(): Promise<{ readonly stream: Stream; readonly next: Position }> {
    database.append(id, headerEvent(id), userEvent('1'), userEvent('2'));
    const stream = await theOnly(watch());
    const { next } = await chunkOf(stream, startPosition, { bytes: 1_000_000, lines: 2 });
    return { stream, next };
  }

  it('is OpenClaw\u2019s own: a generation and the number of the last event', async () => {
    const { next } = await read();
    expect(next.line).toBe(2);
    expect(next.at).toMatchObject({ seq: 1, generation: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  it('becomes invalid if events were rewritten, whatever they look like', async () => {
    const { stream, next } = await read();
    database.rewrite(id, headerEvent(id), userEvent('1'), userEvent('2'), userEvent('3'));
    expect(await stream.read(next, everything)).toBe('moved');
    expect((await chunkOf(stream)).lines.length).toBe(4);
  });

  it.each([
    [
      'the event before it was edited',
      `UPDATE transcript_events SET event_json = '{}' WHERE seq = 1`,
    ],
    ['an earlier event is missing', 'DELETE FROM transcript_events WHERE seq = 0'],
    ['events are gone from the end', 'DELETE FROM transcript_events WHERE seq >= 1'],
  ])('does not hold when %s without a new generation', async (_what, sql) => {
    const { stream, next } = await read();
    database.run(sql);
    expect(await stream.read(next, everything)).toBe('moved');
  });

  it.each([
    ['of a file', { offset: 5, dev: '1', ino: '2', tail: 'x' }],
    ['that is damaged', { generation: 5 }],
    ['of something else', ['x']],
  ])('does not hold when it is one %s', async (_what, at) => {
    const { stream } = await read();
    expect(await stream.read({ line: 2, at }, everything)).toBe('moved');
  });
});

describe('sessions of a database', () => {
  it('are gone once they are deleted and their transcript is a file', async () => {
    const events = [headerEvent(id), userEvent('1'), userEvent('2')];
    database.append(id, ...events);
    const watcher = watch();
    const stream = await theOnly(watcher);
    const { next } = await chunkOf(stream, startPosition, { bytes: 1_000_000, lines: 2 });
    const name = database.delete(id);
    // Out of the rows and not yet published: the same stream, from where it was.
    expect(await theOnly(watcher)).toBe(stream);
    expect(await textOf(stream)).toBe(linesOf(...events));
    expect(await textOf(stream, next)).toBe(linesOf(...events.slice(2)));
    await database.publish(name);
    const file = await theOnly(watcher);
    expect(file.source).toBe(join(agent.folder, 'sessions', name.replace(/\.zst$/, '')));
    expect(await textOf(file)).toBe(linesOf(...events));
    expect(await stream.changed(undefined)).toBeUndefined();
    expect(await stream.read(next, everything)).toBe('gone');
    expect((await factsOf(file)).endedAt).toMatch(/^\d{4}-.*Z$/);
  });

  it('are one stream while the file exists and the database does not say so yet', async () => {
    database.append(id, headerEvent(id));
    const name = database.delete(id);
    await agent.file(['sessions', name], packed(lineOf(headerEvent(id))));
    expect((await theOnly(watch())).source).toContain('.deleted.');
  });

  it.each(['file', 'sqlite'] as const)(
    'stay when their events are set aside (%s)',
    async (storage) => {
      const events = [headerEvent(id), userEvent('1'), userEvent('2')];
      database.append(id, ...events);
      const watcher = watch();
      const stream = await theOnly(watcher);
      const { next } = await chunkOf(stream, startPosition, { bytes: 1_000_000, lines: 2 });
      await database.layAside(id, storage);
      expect(await theOnly(watcher)).toBe(stream);
      expect(await textOf(stream)).toBe(linesOf(...events));
      expect(await textOf(stream, next)).toBe(linesOf(...events.slice(2)));
      const { lines } = await upload(stream, { bytes: 1 });
      expect(Buffer.concat(lines).toString()).toBe(linesOf(...events));
    },
  );

  it('are found in the schema without generations', async () => {
    database.close();
    await rm(join(agent.folder, 'agent'), { recursive: true });
    database = await state.agent('first').database(firstSchema);
    database.append(id, headerEvent(id), userEvent('1'));
    const stream = await theOnly(watch());
    const { next } = await chunkOf(stream);
    database.append(id, userEvent('2'));
    expect((await chunkOf(stream, next)).lines.length).toBe(1);
    await rm(agent.folder, { recursive: true });
    agent = state.agent('first');
    await agent.database(firstSchema.replace('CREATE TABLE', 'CREATE TABLE IF NOT EXISTS'));
  });

  it('have a label, a model, and the session they were forked from', async () => {
    const parent = sessionUuid();
    const header = { parentSession: `sqlite:main:${parent}:/home/u/.openclaw/x.sqlite` };
    database.append(id, headerEvent(id, header));
    database.label(id, 'Folder tour');
    database.run(`UPDATE session_windows SET model = 'window-model'`);
    const watcher = watch();
    const facts = {
      parentSessionId: parent,
      model: 'window-model',
      named: 'Folder tour',
    };
    expect(await factsOf(await theOnly(watcher))).toMatchObject(facts);
    database.append(id, { type: 'session_info', id: 'i', name: 'no match for a label' });
    database.append(id, assistantEvent('x', 'last-model'));
    const later = { ...facts, model: 'last-model' };
    expect(await factsOf(await theOnly(watcher))).toMatchObject(later);
  });

  it('name the session that they were made from if the header does not', async () => {
    const parent = sessionUuid();
    database.append(id, headerEvent(id));
    database.run(
      'UPDATE session_nodes SET entry_json = ?',
      JSON.stringify({ parentSessionId: parent }),
    );
    expect((await factsOf(await theOnly(watch()))).parentSessionId).toBe(parent);
  });

  it('name the session of the key that started a sub-agent, unless the key had several', async () => {
    const [parent, later] = [sessionUuid(), sessionUuid()];
    database.append(id, headerEvent(id, { parentSessionKey: 'agent:main:harbour' }));
    const window =
      'INSERT INTO session_windows (session_id, session_key, updated_at) VALUES (?, ?, 1)';
    database.run(window, parent, 'agent:main:harbour');
    expect((await factsOf(await theOnly(watch()))).parentSessionId).toBe(parent);
    database.run(window, later, 'agent:main:harbour');
    expect((await factsOf(await theOnly(watch()))).parentSessionId).toBeUndefined();
  });

  it('are live while a run is in progress, but not forever', async () => {
    const [old, done] = [sessionUuid(), sessionUuid()];
    for (const session of [id, old, done]) database.append(session, headerEvent(session));
    database.status(id, 'running', clock.now());
    database.status(old, 'running', clock.now() - 2 * 3_600_000);
    expect([...(await watch().live())]).toEqual([id]);
  });

  it('are found by an event of the database or its journal: the one that changed last', async () => {
    const other = sessionUuid();
    database.append(id, headerEvent(id));
    database.append(other, headerEvent(other));
    const watcher = watch();
    await allStreams(watcher);
    for (const session of [other, id, other]) {
      database.append(session, userEvent('more'));
      const met = await watcher.streamOf(`${database.path}-wal`);
      expect(met?.session.id).toBe(session);
      expect(await watcher.streamOf(database.path)).toBe(met);
    }
    expect(await watcher.streamOf(`${database.path}-shm`)).toBeUndefined();
  });
});

describe('a database', () => {
  it('is not read needlessly', async () => {
    for (let count = 0; count < 3; count += 1) {
      const session = sessionUuid();
      database.append(session, headerEvent(session));
    }
    let reads = 0;
    const watcher = watch(() => {
      reads += 1;
      return library();
    });
    for (let sweep = 0; sweep < 3; sweep += 1) {
      for (const stream of await allStreams(watcher)) await stream.changed(undefined);
    }
    expect(reads).toBe(1);
  });

  it('that cannot be read is reported, and its sessions stay known', async () => {
    database.append(id, headerEvent(id));
    let isLocked = false;
    const watcher = watch(() => (isLocked ? Promise.reject(new Error('locked')) : library()));
    const stream = await theOnly(watcher);
    isLocked = true;
    database.append(id, userEvent('1'));
    expect(await theOnly(watcher)).toBe(stream);
    expect(told.map(({ message }) => message)).toEqual([
      expect.stringContaining('openclaw-agent.sqlite'),
    ]);
    await expect(stream.changed(undefined)).rejects.toThrow('openclaw-agent.sqlite');
    isLocked = false;
    expect((await chunkOf(stream)).lines.length).toBe(2);
  });

  it('is left as it was, without new files next to it', async () => {
    database.append(id, headerEvent(id), userEvent('1'));
    database.run('PRAGMA wal_checkpoint(TRUNCATE)');
    const cold = OpenClawState.in(state.home, '.openclaw-cold').agent();
    await cold.file(['agent', 'openclaw-agent.sqlite'], await readFile(database.path));
    await rm(state.folder, { recursive: true });
    const watcher = watch();
    expect((await chunkOf(await theOnly(watcher))).lines.length).toBe(2);
    expect((await watcher.live()).size).toBe(0);
    expect(await readdir(join(cold.folder, 'agent'))).toEqual(['openclaw-agent.sqlite']);
  });

  it('that is not a database does not prevent files from being found', async () => {
    database.close();
    await rm(join(agent.folder, 'agent'), { recursive: true });
    await agent.file(
      ['agent', 'openclaw-agent.sqlite'],
      'this is no database, but it is long enough',
    );
    await agent.transcript(id).append(headerEvent(id));
    expect((await theOnly(watch())).session.id).toBe(id);
    expect(told.length).toBe(1);
    await rm(join(agent.folder, 'agent'), { recursive: true });
    database = await agent.database();
  });
});
