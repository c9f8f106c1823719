import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { nodeIo } from '../../../src/io.js';
import { type Chunk, type Position, startPosition } from '../../../src/mirror/stream.js';
import { HermesDatabase } from '../../../watchers/hermes/database.js';
import { foldLines, HermesStore } from '../../support/hermes-home.js';
import { createTemporaryFolder } from '../../support/temporary-folder.js';

const id = '20261130_081500_c0ffee';
const rows = 2_600;

let store: HermesStore;
let remove: () => Promise<void>;
let stream: ReturnType<HermesDatabase['stream']>;
let lines: Buffer[];

beforeEach(async () => {
  const folder = await createTemporaryFolder();
  ({ remove } = folder);
  await mkdir(join(folder.path, '.hermes'));
  const path = join(folder.path, '.hermes', 'state.db');
  store = new HermesStore(path);
  store.session(id, { cwd: '/harbour' });
  store.run(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
    INSERT INTO messages (session_id, role, content, timestamp)
    SELECT '${id}', 'user', 'crate ' || i, 1795300000 + i FROM n`);
  stream = new HermesDatabase({ io: nodeIo, clock: systemClock, path }).stream(id, '');
  lines = [];
});

afterEach(async () => {
  store.close();
  await remove();
});

async function read(from: Position, bytes = Number.POSITIVE_INFINITY): Promise<Chunk> {
  const chunk = await stream.read(from, { bytes });
  if (typeof chunk === 'string') throw new Error(chunk);
  return chunk;
}

/** What is new after `from`. */
async function take(from: Position): Promise<Position> {
  const chunk = await read(from);
  lines.push(...chunk.lines.filter((line) => Buffer.isBuffer(line)));
  return chunk.next;
}

function expectFolded(): void {
  expect(foldLines(lines)).toEqual(store.rows(id));
}

describe('a long session', () => {
  it('is not compared from its beginning for each new row', async () => {
    const first = await take(startPosition);
    expectFolded();
    store
      .run(`UPDATE messages SET content = 'relabelled' WHERE id = 7`)
      .say(id, 'user', 'one more');
    const second = await take(first);
    // The edit is still owed: this is what makes it cheap.
    expect(lines).toHaveLength(1 + rows + 1);
    stream.compareAll?.();
    await take(second);
    expect(lines).toHaveLength(1 + rows + 2);
    expectFolded();
  });

  it.each([
    ['an older row is deleted', 'DELETE FROM messages WHERE id = 40'],
    ['older rows go out of use', 'UPDATE messages SET active = 0 WHERE id BETWEEN 30 AND 60'],
    ['one of the newest rows is edited', `UPDATE messages SET content = 'sunk' WHERE id = ${rows}`],
    ['everything is replaced', `UPDATE messages SET id = id + 10000, content = 'again' || id`],
  ])('shows at once that %s', async (_what, sql) => {
    const first = await take(startPosition);
    store.run(sql).say(id, 'user', 'one more');
    await take(first);
    expectFolded();
  });

  it('continues from any position, also one whose lines were never sent', async () => {
    const first = await take(startPosition);
    store.say(id, 'user', 'lost on the way');
    await read(first);
    store.say(id, 'assistant', 'another');
    const second = await take(first);
    expectFolded();
    const remembered = { ...second, at: JSON.parse(JSON.stringify(second.at)) };
    store.say(id, 'user', 'after a restart');
    await take(remembered);
    expectFolded();
  });

  it('writes down the same position as a whole comparison does', async () => {
    let position = await take(startPosition);
    for (let n = 0; n < 450; n += 150) {
      for (let m = 0; m < 150; m += 1) store.say(id, 'user', `crate ${n + m} ${m % 9 || '…'}`);
      position = await take(position);
    }
    stream.compareAll?.();
    expect((await take(position)).at).toEqual(position.at);
    expectFolded();
  });

  it('sends many new rows in several parts, none twice', async () => {
    let position = await take(startPosition);
    for (let n = 0; n < 300; n += 1) store.say(id, 'user', `late crate ${n}`);
    for (let more = true; more; ) {
      const chunk = await read(position, 4_000);
      lines.push(...chunk.lines.filter((line) => Buffer.isBuffer(line)));
      ({ more, next: position } = chunk);
    }
    expect(lines).toHaveLength(1 + rows + 300);
    expectFolded();
  });
});
