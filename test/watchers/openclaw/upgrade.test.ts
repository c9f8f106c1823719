import { appendFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeIo } from '../../../src/io.js';
import { OpenClawWatcher } from '../../../watchers/openclaw/watcher.js';
import { sessionUuid } from '../../support/claude-tree.js';
import { ManualClock } from '../../support/manual-clock.js';
import {
  type AgentDatabase,
  headerEvent,
  lineOf,
  userEvent,
} from '../../support/openclaw-database.js';
import { type AgentFolder, OpenClawState } from '../../support/openclaw-state.js';
import { allStreams } from '../contract.js';
import { chunkOf, joined, plainLines } from '../reading.js';
import { theOnly } from './streams.js';

let state: OpenClawState;
let agent: AgentFolder;
let database: AgentDatabase;
let id: string;
const everything = { bytes: Number.POSITIVE_INFINITY };

beforeEach(async () => {
  state = await OpenClawState.create();
  agent = state.agent();
  database = await agent.database();
  id = sessionUuid();
});

afterEach(() => state.remove());

function watch(): OpenClawWatcher {
  return new OpenClawWatcher({ io: nodeIo, clock: new ManualClock(), env: {}, home: state.home });
}

describe('an upgrade from files', () => {
  it('continues in the database, with the same lines and nothing else', async () => {
    const file = await agent
      .transcript(id, '42')
      .append(headerEvent(id), userEvent('1'), userEvent('2'));
    const watcher = watch();
    const before = await theOnly(watcher);
    const shipped = await chunkOf(before);
    await database.importRows(file.path);
    // The rows are there and the file is still in its place.
    const during = await theOnly(watcher);
    expect(during.source).toContain('.sqlite#');
    await database.importFile(file.path);
    database.append(id, userEvent('3'));
    const after = await theOnly(watcher);
    expect(after).toBe(during);
    expect(after.name).toBe(before.name);
    expect(after.session).toEqual(before.session);
    expect(await before.changed(undefined)).toBeUndefined();
    expect(await after.read(shipped.next, everything)).toBe('moved');
    const lines = plainLines(await chunkOf(after));
    expect(Buffer.concat(lines.slice(0, 3)).equals(joined(shipped))).toBe(true);
    expect(lines.length).toBe(4);
    expect((await readdir(join(agent.folder, 'session-sqlite-import-archive'))).length).toBe(1);
  });

  it('that was undone leaves two sources, because the file is written to again', async () => {
    const file = await agent.transcript(id).append(headerEvent(id), userEvent('1'));
    await database.importRows(file.path);
    const watcher = watch();
    expect((await theOnly(watcher)).source).toContain('.sqlite#');
    await appendFile(file.path, lineOf(userEvent('by the older release')));
    const later = new Date(Date.now() + 60_000);
    await utimes(file.path, later, later);
    const sources = (await allStreams(watcher)).map(({ source }) => source);
    expect(sources.sort()).toEqual([`${database.path}#${id}`, file.path].sort());
  });

  it('leaves what could not be imported in place', async () => {
    const broken = sessionUuid();
    await agent.transcript(broken).append(headerEvent(broken), '{broken\n');
    database.append(id, headerEvent(id));
    const ids = (await allStreams(watch())).map(({ session }) => session.id);
    expect(ids.sort()).toEqual([id, broken].sort());
    await writeFile(join(agent.folder, 'sessions', 'sessions.json'), '{}');
  });
});
