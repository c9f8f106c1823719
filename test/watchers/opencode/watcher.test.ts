import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fields } from '../../../src/conversation/fields.js';
import { nodeIo } from '../../../src/io.js';
import {
  type Position,
  type SessionFacts,
  type Stream,
  startPosition,
} from '../../../src/mirror/stream.js';
import { OpenCodeWatcher } from '../../../watchers/opencode/watcher.js';
import { readerOf } from '../../../watchers/readers.js';
import { ManualClock } from '../../support/manual-clock.js';
import { OpenCodeStore } from '../../support/opencode-store.js';
import { createTemporaryFolder } from '../../support/temporary-folder.js';
import { allStreams, describeWatcher } from '../contract.js';
import { chunkOf, plainLines } from '../reading.js';

let home: string;
let remove: () => Promise<void>;
let store: OpenCodeStore;
const clock = new ManualClock();

function create(): OpenCodeWatcher {
  return new OpenCodeWatcher({ io: nodeIo, clock, env: {}, home });
}

beforeEach(async () => {
  ({ path: home, remove } = await createTemporaryFolder());
  store = await OpenCodeStore.at(join(home, '.local/share/opencode/opencode.db'));
});

afterEach(async () => {
  store.close();
  await remove();
});

describeWatcher('opencode', async () => {
  store.session('ses_a', { title: 'First' }).turn('ses_a', 1, 'Hello', 'Hi');
  store.session('ses_b', { parent_id: 'ses_a' }).turn('ses_b', 2, 'Look', 'Seen');
  const folder = join(home, '.local/share/opencode');
  await writeFile(join(folder, 'auth.json'), '{}');
  const strangers = ['auth.json', 'opencode.db-shm', 'opencode.db#ses_none', 'notes.db'];
  return {
    watcher: create(),
    another: create,
    strangers: strangers.map((name) => join(folder, name)),
    eventPath: ({ source }) => source,
    settle: async () => undefined,
  };
});

describe('sessions of opencode', () => {
  async function only(): Promise<Stream> {
    const [stream, ...more] = await allStreams(create());
    if (stream === undefined || more.length > 0) throw new Error('not one');
    return stream;
  }

  async function news(
    stream: Stream,
    from: Position,
  ): Promise<readonly [readonly string[], Position]> {
    const chunk = await chunkOf(stream, from);
    const said = plainLines(chunk).map((line) => {
      const { op, table, id } = fields(JSON.parse(line.toString()));
      return `${op} ${table} ${id}`;
    });
    return [said, chunk.next];
  }

  it('are states of their rows: new, changed in place, reverted, deleted', async () => {
    store.session('ses_a').turn('ses_a', 1, 'Hello', '').turn('ses_a', 2, 'Wrong', 'Oh');
    const stream = await only();
    const [first, afterFirst] = await news(stream, startPosition);
    expect(first.filter((one) => one.startsWith('insert'))).toHaveLength(9);
    expect(first[0]).toBe('insert session ses_a');
    store.part('ses_a', 'msg_0001b', 'prt_0001b', { type: 'text', text: 'Hi' });
    store.update('ses_a', 'revert', '{"messageID":"msg_0002a"}');
    const [second, afterSecond] = await news(stream, afterFirst);
    expect(second).toEqual(['update part prt_0001b', 'update session ses_a']);
    store.removeTurn(2).update('ses_a', 'revert', null).turn('ses_a', 3, 'Right', 'Yes');
    const [third, afterThird] = await news(stream, afterSecond);
    expect(third.filter((one) => one.startsWith('delete'))).toEqual([
      'delete message msg_0002a',
      'delete message msg_0002b',
      'delete part prt_0002a',
      'delete part prt_0002b',
    ]);
    expect((await news(stream, afterThird))[0]).toEqual([]);
  });

  it('keep in their conversation what was deleted since, as taken back', async () => {
    store.session('ses_a').turn('ses_a', 1, 'Hello', 'Hi').turn('ses_a', 2, 'Wrong', 'Oh');
    const stream = await only();
    const { lines, next } = await chunkOf(stream);
    store.removeTurn(2).turn('ses_a', 3, 'Right', 'Yes');
    const more = await chunkOf(stream, next);
    const fold = readerOf('opencode')?.open({ session: 'ses_a', stream: '' });
    const texts = [...plainLines({ lines }), ...plainLines(more)].map(String);
    for (const [line, text] of texts.entries()) fold?.row(text, line);
    const turns = fold?.state().turns ?? [];
    expect(turns.map(({ isAbandoned, entries }) => [entries[0], isAbandoned])).toMatchObject([
      [{ text: 'Hello' }, false],
      [{ text: 'Wrong' }, true],
      [{ text: 'Right' }, false],
    ]);
  });

  it('tell where they ran and whose they are, and nothing of accounts', async () => {
    store.run("INSERT INTO account VALUES ('a', 'q7Zr2LmX9vKp4Td8')");
    store.session('ses_a', {
      parent_id: 'ses_p',
      version: '1.18',
      model: '{"id":"m"}',
      share_url: 'https://x',
    });
    const stream = await only();
    const lines = plainLines(await chunkOf(stream));
    expect(lines.reduce((told: SessionFacts, line) => stream.facts(line, told), {})).toEqual({
      cwd: '/w',
      harnessVersion: '1.18',
      model: 'm',
      parentSessionId: 'ses_p',
      startedAt: '2026-11-21T22:26:41.000Z',
    });
    expect(lines.join('')).not.toMatch(/q7Zr2LmX9vKp4Td8|https:/);
  });
});
