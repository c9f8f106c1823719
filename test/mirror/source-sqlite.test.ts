import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { completeLines } from '../../src/mirror/lines.js';
import { listStream, newestFirst } from '../../src/mirror/slots/listing.js';
import { readChain } from '../../src/mirror/slots/reader.js';
import { defaultFlushTiming } from '../../src/mirror/watch/flush-schedule.js';
import { hastyClock } from '../support/hasty-clock.js';
import { foldLines, HermesStore } from '../support/hermes-home.js';
import { MemoryStore } from '../support/memory-bucket.js';
import { MirrorRig, type Run } from '../support/mirror-rig.js';

/** `npm run soak` backfills a million rows; `npm test` so many that they need several parts. */
const isFull = process.env.TRACECRAFT_SOAK === 'full';
const manyRows = isFull ? 1_000_000 : 16_000;
const journals = isFull ? (['WAL', 'DELETE'] as const) : (['WAL'] as const);
const id = '20261122_091640_ab12cd';
const timing = { ...defaultFlushTiming, settleMs: 20, firstIntervalMs: 50, longestIntervalMs: 100 };

let rig: MirrorRig;
let store: HermesStore;
let path = '';

beforeEach(async () => {
  // Into memory, since what matters here is the source; the soak of all harnesses mirrors into a folder.
  rig = await MirrorRig.create(new MemoryStore(true).client());
  path = join(rig.tree.home, '.hermes', 'state.db');
  await mkdir(join(rig.tree.home, '.hermes'));
});

afterEach(async () => {
  store.close();
  await rig.remove();
});

function open(journal: 'WAL' | 'DELETE'): void {
  store = new HermesStore(path, journal);
  store.session(id, { cwd: '/work', title: 'One' });
  for (let n = 0; n < 40; n += 1) store.say(id, 'user', `row ${n} ${'x'.repeat(400)}`);
}

/** Lines of the newest generation, as any reader joins them. */
async function shipped(): Promise<readonly Buffer[]> {
  const listing = await listStream(rig.bucket, rig.layout.session('hermes', id));
  const [newest = 0] = newestFirst(listing);
  const lines: Buffer[] = [];
  for await (const part of readChain(rig.bucket, listing, newest)) {
    lines.push(...completeLines(part.body));
  }
  return lines;
}

async function expectFolded(linesInAll: number): Promise<void> {
  const lines = await shipped();
  expect(foldLines(lines)).toEqual(store.rows(id));
  expect(lines).toHaveLength(linesInAll);
  expect((await rig.verdicts()).get(`${id}/`)?.state).toBe('ok');
}

/** What happens to the database, and how many lines tell of it: none where no row is another. */
type Happening = readonly [string, (backup: string) => Promise<unknown> | unknown, number];

async function restore(backup: string): Promise<void> {
  store.close();
  for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true });
  await rename(backup, path);
  store = new HermesStore(path);
}

const happenings: readonly Happening[] = [
  ['is checkpointed', () => store.run('PRAGMA wal_checkpoint(TRUNCATE)'), 0],
  ['is vacuumed', () => store.run('VACUUM'), 0],
  [
    'is vacuumed after half of it was deleted',
    () => store.run('DELETE FROM messages WHERE id > 20; VACUUM'),
    20,
  ],
  [
    'loses the last row, and gains one',
    () => store.run('DELETE FROM messages WHERE id = 40').say(id, 'user', 'anew'),
    2,
  ],
  [
    'changes its journal',
    () => store.run('PRAGMA journal_mode = DELETE').say(id, 'user', 'more'),
    1,
  ],
  [
    'is rolled back',
    () => store.run(`BEGIN; DELETE FROM messages; UPDATE sessions SET title = 'x'; ROLLBACK`),
    0,
  ],
  [
    'gains a column and an index',
    () =>
      store.run('ALTER TABLE messages ADD COLUMN extra TEXT; CREATE INDEX more ON messages(role)'),
    0,
  ],
  ['is replaced by a backup of the same rows', restore, 0],
  [
    'is replaced by a backup that lacks the newest rows, and continues with other rows under their ids',
    async (backup) => {
      store.say(id, 'user', 'of the future').say(id, 'user', 'and more of it');
      const seen = rig.once();
      expect((await seen.ended).behind).toEqual([]);
      await restore(backup);
      store.say(id, 'assistant', 'another future');
    },
    // Two inserts; then one update of the id that was used again, one deletion.
    4,
  ],
];

describe.each(journals)('a database with journal mode %s', (journal) => {
  it.each(happenings)('that %s', async (_, happen, lines) => {
    open(journal);
    const first = rig.once();
    expect((await first.ended).behind).toEqual([]);
    store.run('PRAGMA wal_checkpoint(TRUNCATE)');
    const backup = `${path}.backup`;
    await copyFile(path, backup);
    await happen(backup);
    const second = rig.once();
    expect((await second.ended).behind).toEqual([]);
    expect([second.troubles, second.generations]).toEqual([[], []]);
    await expectFolded(41 + lines);
    const stateless = rig.once({ stateFolder: `${rig.stateFolder}-new` });
    await stateless.ended;
    await expectFolded(41 + lines);
  });
});

it('a database under maintenance while it is watched and written', async () => {
  open('WAL');
  const run: Run = rig.watch({ timing, sweepMs: 50 });
  await rig.untilShipped(run, 41);
  for (let round = 0; round < 6; round += 1) {
    store.say(id, 'user', `round ${round}`);
    if (round % 3 === 0) store.run('VACUUM');
    if (round % 3 === 1) store.run('PRAGMA wal_checkpoint(TRUNCATE)');
    await rig.untilShipped(run, 41 + round + 1);
  }
  expect((await run.end()).behind).toEqual([]);
  expect([run.troubles, run.generations]).toEqual([[], []]);
  await expectFolded(41 + 6);
});

it(`${manyRows} rows are mirrored in one pass, in parts`, async () => {
  open('WAL');
  store.run(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${manyRows})
    INSERT INTO messages (session_id, role, content, timestamp)
    SELECT '${id}', 'user', 'row ' || i || ' ' || hex(zeroblob(250)), 1795300000.25 FROM n`);
  const run = rig.once();
  expect((await run.ended).behind).toEqual([]);
  expect(run.shipped.lines).toBe(41 + manyRows);
  expect(run.parts.length).toBeGreaterThan(1);
  const lines = await shipped();
  expect(lines).toHaveLength(41 + manyRows);
  const ids = lines.slice(1).map((line) => Number(/"id":(\d+)/.exec(line.toString())?.[1]));
  expect(ids.every((one, index) => one === index + 1)).toBe(true);
  const again = rig.once();
  await again.ended;
  expect(again.parts).toEqual([]);
}, 1_200_000);

it('of which an older row is edited is compared whole once it is quiet', async () => {
  open('WAL');
  store.run(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)
    INSERT INTO messages (session_id, role, content, timestamp)
    SELECT '${id}', 'user', 'line ' || i, 1795300000 + i FROM n`);
  const run = rig.watch({ timing, sweepMs: 6_000, clock: hastyClock(60) });
  await rig.untilShipped(run, 2_141);
  store.run(`UPDATE messages SET content = 'edited' WHERE id = 3`).say(id, 'user', 'newest');
  await rig.untilShipped(run, 2_143);
  await run.end();
  await expectFolded(2_143);
});
