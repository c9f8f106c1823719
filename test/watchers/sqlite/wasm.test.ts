import { copyFile, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { nodeIo } from '../../../src/io.js';
import { SqliteFile } from '../../../watchers/sqlite/file.js';
import type { Reading } from '../../../watchers/sqlite/reading.js';
import { wasmSqlite } from '../../../watchers/sqlite/wasm/library.js';
import { SqliteWriter } from '../../support/sqlite-writer.js';
import { createTemporaryFolder } from '../../support/temporary-folder.js';

let folder: string;
let path: string;
let remove: () => Promise<void>;
const writers: SqliteWriter[] = [];

beforeEach(async () => {
  ({ path: folder, remove } = await createTemporaryFolder());
  path = join(folder, 'state.db');
});

afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.kill();
  await remove();
});

const tables = 'CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t (a) VALUES (1), (2)';
const large = `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500)
  INSERT INTO t (a) SELECT randomblob(2000) FROM c`;
const count = (reading: Reading): unknown => reading.all('SELECT count(*) AS n FROM t')[0]?.n;

async function writer(...statements: readonly string[]): Promise<SqliteWriter> {
  const started = await SqliteWriter.open(path, ...statements);
  writers.push(started);
  return started;
}

/** Tries again at once, so that what does not pass is told soon. */
function database(): SqliteFile {
  const clock = { ...systemClock, sleep: () => systemClock.sleep(5) };
  return new SqliteFile(path, { io: nodeIo, clock, load: async () => wasmSqlite() });
}

async function contents(): Promise<Record<string, string>> {
  const names = await readdir(folder);
  const files = names.map(async (name) => [name, await readFile(join(folder, name), 'latin1')]);
  return Object.fromEntries(await Promise.all(files));
}

describe('beside a writer with a rollback journal', () => {
  it('reads the last commit while nothing of the next is in the database', async () => {
    const writing = await writer('PRAGMA journal_mode=DELETE', tables, 'BEGIN EXCLUSIVE');
    expect(await database().read(count)).toBe(2);
    await writing.run('INSERT INTO t (a) VALUES (3)');
    expect(await database().read(count)).toBe(2);
    await writing.run('COMMIT');
    expect(await database().read(count)).toBe(3);
  });

  it.each(['DELETE', 'PERSIST', 'TRUNCATE'])('reads nothing half written (%s)', async (mode) => {
    const setup = [`PRAGMA journal_mode=${mode}`, 'PRAGMA cache_size=5', tables];
    const writing = await writer(...setup, `BEGIN; ${large}; UPDATE t SET a = 1`);
    await expect(database().read(count)).rejects.toThrow(/state\.db: the database is locked/);
    await writing.run('ROLLBACK');
    expect(await database().read(count)).toBe(2);
  });

  it('leaves to the writer what a crash left half written', async () => {
    const setup = ['PRAGMA journal_mode=DELETE', 'PRAGMA cache_size=5', tables];
    const writing = await writer(...setup, `BEGIN; ${large}`);
    await writing.kill();
    const before = await contents();
    expect(Object.keys(before)).toContain('state.db-journal');
    await expect(database().read(count)).rejects.toThrow(/state\.db: the database is locked/);
    expect(await contents()).toEqual(before);
    await writer('SELECT 1 FROM t');
    expect(await database().read(count)).toBe(2);
  });
});

describe('with a write-ahead log', () => {
  it('writes nothing, whatever a crash left', async () => {
    const writing = await writer('PRAGMA journal_mode=WAL', tables, large);
    await writing.kill();
    const before = await contents();
    expect(await database().read(count)).toBe(502);
    expect(await contents()).toEqual(before);
  });

  it('reads a copied tree without an index', async () => {
    await writer('PRAGMA journal_mode=WAL', tables, large);
    const copied = join(folder, 'copied');
    await mkdir(copied);
    for (const suffix of ['', '-wal']) {
      await copyFile(path + suffix, join(copied, `state.db${suffix}`));
    }
    path = join(copied, 'state.db');
    expect(await database().read(count)).toBe(502);
    expect((await readdir(copied)).sort()).toEqual(['state.db', 'state.db-wal']);
  });
});

describe('one connection', () => {
  const use = { readOnly: true, timeout: 5 };

  it.each([
    ['a checkpoint', 'INSERT INTO t (a) VALUES (9); PRAGMA wal_checkpoint(PASSIVE)'],
    ['a log begun anew', 'PRAGMA wal_checkpoint(RESTART); INSERT INTO t (a) VALUES (9)'],
    ['a log cut off', 'INSERT INTO t (a) VALUES (9); PRAGMA wal_checkpoint(TRUNCATE)'],
    ['a log emptied', 'INSERT INTO t (a) VALUES (9); PRAGMA wal_checkpoint(RESTART)'],
  ])('does not count after %s', async (_what, sql) => {
    const writing = await writer('PRAGMA journal_mode=WAL', tables);
    const reading = new (wasmSqlite().DatabaseSync)(path, use);
    reading.exec('SELECT * FROM t');
    await writing.run(sql);
    expect(() => reading.close()).toThrow(/changed while it was read/);
  });

  it('counts after a commit that it does not see', async () => {
    const writing = await writer('PRAGMA journal_mode=WAL', tables);
    const reading = new (wasmSqlite().DatabaseSync)(path, use);
    reading.exec('SELECT * FROM t');
    await writing.run('INSERT INTO t (a) VALUES (9)');
    reading.exec('SELECT * FROM t');
    expect(() => reading.close()).not.toThrow();
  });

  it('does not count if another file took the place', async () => {
    const writing = await writer('PRAGMA journal_mode=DELETE', tables);
    await writing.close();
    await copyFile(path, join(folder, 'other.db'));
    await systemClock.sleep(30);
    const reading = new (wasmSqlite().DatabaseSync)(path, use);
    reading.exec('SELECT * FROM t');
    await rename(join(folder, 'other.db'), path);
    expect(() => reading.close()).toThrow(/changed while it was read/);
  });

  it('survives an error of who takes its rows', async () => {
    const writing = await writer('PRAGMA journal_mode=WAL', tables);
    const reading = new (wasmSqlite().DatabaseSync)(path, use);
    reading.aggregate('seen', {
      start: null,
      varargs: true,
      useBigIntArguments: true,
      step: () => {
        throw new RangeError('no room');
      },
      result: () => null,
    });
    expect(() => reading.exec('SELECT seen(a) FROM t')).toThrow(RangeError);
    expect(() => reading.exec('SELECT gone FROM t')).toThrow(/no such column/);
    reading.close();
    await writing.run('INSERT INTO t (a) VALUES (3)');
    expect(await database().read(count)).toBe(3);
  });
});

it('reads a path of any length and spelling', async () => {
  const deep = join(folder, 'a b', '%20#?&', 'ü'.repeat(100), 'x'.repeat(200));
  await mkdir(deep, { recursive: true });
  path = join(deep, 'sta?te#.db');
  const writing = await writer('PRAGMA journal_mode=WAL', tables);
  expect(await database().read(count)).toBe(2);
  await writing.close();
  expect(await database().read(count)).toBe(2);
});

it('reads a row of 100 MB, more than once, and gives the memory back', async () => {
  const size = 100 * 1024 * 1024;
  await writer('PRAGMA journal_mode=WAL', tables, `INSERT INTO t (a) VALUES (zeroblob(${size}))`);
  await (await writer('PRAGMA wal_checkpoint(TRUNCATE)')).close();
  const file = database();
  for (let round = 0; round < 2; round += 1) {
    const [row] = await file.read((reading) =>
      reading.all('SELECT CAST(a AS TEXT) AS a FROM t WHERE id = 3'),
    );
    expect(String(row?.a).length).toBe(size);
  }
  expect(await file.read(count)).toBe(3);
  expect(process.memoryUsage().rss).toBeLessThan(1_500_000_000);
}, 300_000);
