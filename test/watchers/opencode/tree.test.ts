import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeIo } from '../../../src/io.js';
import { type Position, startPosition } from '../../../src/mirror/stream.js';
import { OpenCodeWatcher } from '../../../watchers/opencode/watcher.js';
import { ManualClock } from '../../support/manual-clock.js';
import { OpenCodeStore } from '../../support/opencode-store.js';
import { createTemporaryFolder } from '../../support/temporary-folder.js';
import { allStreams, describeWatcher } from '../contract.js';
import { chunkOf, plainLines } from '../reading.js';

let home: string;
let remove: () => Promise<void>;
const clock = new ManualClock();
const troubles: Error[] = [];

beforeEach(async () => {
  ({ path: home, remove } = await createTemporaryFolder());
  troubles.length = 0;
});

afterEach(() => remove());

function create(): OpenCodeWatcher {
  const onUnreadable = (error: Error): void => void troubles.push(error);
  return new OpenCodeWatcher({ io: nodeIo, clock, env: {}, home, onUnreadable });
}

function at(path: string): string {
  return join(home, '.local/share/opencode', path);
}

async function put(path: string, document: object | string): Promise<void> {
  await mkdir(dirname(at(path)), { recursive: true });
  const text = typeof document === 'string' ? document : JSON.stringify(document, null, 2);
  await writeFile(at(path), text);
}

const time = { created: 1_700_000_000_000 };
const session = {
  id: 'ses_a',
  projectID: 'p',
  directory: '/w',
  title: 'One',
  version: '1.1',
  time,
};
const message = { id: 'msg_1', sessionID: 'ses_a', role: 'user', time };
const part = { id: 'prt_1', sessionID: 'ses_a', messageID: 'msg_1', type: 'text', text: 'Hello' };
const share = { ...session, share: { url: 'https://example.com/s/DECOY' } };

async function tree(): Promise<void> {
  await put('storage/session/p/ses_a.json', share);
  await put('storage/message/ses_a/msg_1.json', message);
  await put('storage/part/msg_1/prt_1.json', part);
}

describeWatcher('opencode, in files', async () => {
  await tree();
  await put('project/w/storage/session/info/ses_b.json', { ...session, id: 'ses_b' });
  await put('storage/session_diff/ses_a.json', []);
  await put('auth.json', '{}');
  return {
    watcher: create(),
    another: create,
    strangers: ['auth.json', 'storage/session_diff/ses_a.json'].map(at),
    eventPath: ({ source }) => source,
    settle: async () => undefined,
  };
});

describe('sessions of opencode in files', () => {
  async function news(from: Position): Promise<{ rows: readonly unknown[]; next: Position }> {
    const [stream] = await allStreams(create());
    if (stream === undefined) throw new Error('none');
    const chunk = await chunkOf(stream, from);
    const rows = plainLines(chunk).map((line): unknown => JSON.parse(line.toString()));
    return { rows, next: chunk.next };
  }

  it('are told as rows: what each file was when it was seen, and what is gone', async () => {
    await tree();
    const first = await news(startPosition);
    const { id: _id, sessionID: _session, messageID: _message, ...said } = part;
    const own = {
      table: 'session',
      id: 'ses_a',
      project_id: 'p',
      directory: '/w',
      title: 'One',
      version: '1.1',
      time_created: time.created,
    };
    const told = { table: 'part', id: 'prt_1', message_id: 'msg_1', time_created: time.created };
    expect(first.rows).toEqual([
      { op: 'insert', ...own },
      {
        op: 'insert',
        table: 'message',
        id: 'msg_1',
        time_created: time.created,
        data: { role: 'user', time },
      },
      { op: 'insert', ...told, data: said },
    ]);
    await put('storage/part/msg_1/prt_1.json', { ...part, text: 'Hello there' });
    await put('storage/session/p/ses_a.json', { ...share, title: 'Two' });
    const second = await news(first.next);
    expect(second.rows).toEqual([
      { op: 'update', ...told, data: { ...said, text: 'Hello there' } },
      { op: 'update', ...own, title: 'Two' },
    ]);
    await rm(at('storage/part/msg_1/prt_1.json'));
    expect((await news(second.next)).rows).toEqual([{ op: 'delete', table: 'part', id: 'prt_1' }]);
  });

  it('are not told from a file that is half written; one that stays so is named, and the others are told', async () => {
    await tree();
    await put('storage/part/msg_1/prt_1.json', '{"id": "prt_1", "te');
    expect((await news(startPosition)).rows).toEqual([]);
    expect(troubles).toEqual([]);
    const before = new Date(Date.now() - 60_000);
    await utimes(at('storage/part/msg_1/prt_1.json'), before, before);
    expect((await news(startPosition)).rows).toHaveLength(2);
    expect(troubles.map((error) => error.message)).toEqual([
      `passed over: ${at('storage/part/msg_1/prt_1.json')}: it is not a JSON document`,
    ]);
  });

  it('of the earliest releases were started where their messages say', async () => {
    const old = 'project/w/storage/session';
    const { directory: _directory, ...undated } = session;
    await put(`${old}/info/ses_a.json`, undated);
    await put(`${old}/message/ses_a/msg_1.json`, { ...message, path: { cwd: '/v', root: '/v' } });
    await put(`${old}/part/ses_a/msg_1/prt_1.json`, part);
    const { rows } = await news(startPosition);
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({ table: 'session', directory: '/v' });
  });

  it('give way to the database once that holds them', async () => {
    await tree();
    const store = await OpenCodeStore.at(at('opencode.db'));
    store.session('ses_a', { title: 'In the database' });
    const streams = await allStreams(create());
    store.close();
    expect(streams.map(({ source }) => source)).toEqual([`${at('opencode.db')}#ses_a`]);
    expect(await create().streamOf(at('storage/session/p/ses_a.json'))).toBeUndefined();
  });
});
