import { copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { SourceError, UnsupportedError } from '../../../src/errors.js';
import { nodeIo } from '../../../src/io.js';
import { SqliteFile } from '../../../watchers/sqlite/file.js';
import { type Reading, rowsOf } from '../../../watchers/sqlite/reading.js';
import { repositoryRoot } from '../../support/run-cli.js';
import { bundleModule } from '../../support/run-module.js';
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
  vi.unstubAllEnvs();
  for (const writer of writers.splice(0)) await writer.kill();
  await remove();
});

const settings = { io: nodeIo, clock: systemClock };
const tables = 'CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t (a) VALUES (1), (2)';

async function writer(journal: 'WAL' | 'DELETE', ...statements: readonly string[]) {
  const started = await SqliteWriter.open(path, `PRAGMA journal_mode=${journal}`, ...statements);
  writers.push(started);
  return started;
}

function database(): SqliteFile {
  return new SqliteFile(path, settings);
}

const count = (reading: Reading): unknown => reading.all('SELECT count(*) AS n FROM t')[0]?.n;

describe.each(['WAL', 'DELETE'] as const)('with an active writer and journal mode %s', (mode) => {
  it('sees what was committed, and nothing that was not', async () => {
    const writing = await writer(mode, tables);
    const file = database();
    expect(await file.read(count)).toBe(2);
    await writing.run('INSERT INTO t (a) VALUES (3)');
    expect(await file.read(count)).toBe(3);
    await writing.run('BEGIN; DELETE FROM t');
    expect(await file.read(count)).toBe(3);
    await writing.run('COMMIT');
    expect(await file.read(count)).toBe(0);
  });

  it('has a snapshot that changes with every commit, and only then', async () => {
    const writing = await writer(mode, tables);
    const file = database();
    const before = await file.snapshot();
    await file.read(count);
    expect(await file.snapshot()).toEqual(before);
    await writing.run('INSERT INTO t (a) VALUES (3)');
    expect((await file.snapshot())?.token).not.toBe(before?.token);
  });

  it('has a snapshot that distinguishes commits, however quickly they follow', async () => {
    const writing = await writer(mode, tables);
    const file = database();
    await file.read(count);
    const tokens = new Set<string | undefined>();
    for (let round = 0; round < 50; round += 1) {
      await writing.run(`UPDATE t SET a = ${round % 2}`);
      tokens.add((await file.snapshot())?.token);
    }
    expect(tokens.size).toBe(50);
  });

  it('leaves the folder as it was, even after the writer ended', async () => {
    const writing = await writer(mode, tables);
    const file = database();
    const during = await readdir(folder);
    await file.read(count);
    expect(await readdir(folder)).toEqual(during);
    await writing.close();
    expect(await readdir(folder)).toEqual(['state.db']);
    expect(await file.read(count)).toBe(2);
    expect(await readdir(folder)).toEqual(['state.db']);
  });

  it('does not block the writer', async () => {
    const writing = await writer(mode, tables);
    const file = database();
    for (let round = 0; round < 20; round += 1) {
      const [, seen] = await Promise.all([
        writing.run('INSERT INTO t (a) VALUES (7)'),
        file.read(count),
      ]);
      expect([2 + round, 3 + round]).toContain(seen);
    }
    await writing.run('PRAGMA wal_checkpoint(TRUNCATE); VACUUM');
    expect(await file.read(count)).toBe(22);
  });
});

/** What honours locks, as Node's own does: without, `wasm.test.ts` tells what is read beside a writer. */
const withLocks = { ...settings, load: () => import('@photostructure/sqlite') };

it('waits for a lock that is released soon', async () => {
  const writing = await writer('DELETE', tables, 'BEGIN EXCLUSIVE; INSERT INTO t (a) VALUES (3)');
  let waited = 0;
  const clock = {
    ...systemClock,
    sleep: async (ms: number) => {
      waited += ms;
      if (waited === 150) await writing.run('COMMIT');
    },
  };
  expect(await new SqliteFile(path, { ...withLocks, clock }).read(count)).toBe(3);
  expect(waited).toBe(150);
});

it('reports a lock that is not', async () => {
  await writer('DELETE', tables, 'BEGIN EXCLUSIVE');
  const clock = { ...systemClock, sleep: async () => undefined };
  const reading = new SqliteFile(path, { ...withLocks, clock }).read(count);
  await expect(reading).rejects.toThrow(SourceError);
  await expect(reading).rejects.toThrow(/state\.db: database is locked/);
});

it('reads what a crashed writer left in its journal, without adding a file', async () => {
  const writing = await writer('WAL', tables);
  await writing.kill();
  const before = await readdir(folder);
  expect(before).toContain('state.db-wal');
  expect(await database().read(count)).toBe(2);
  expect(await readdir(folder)).toEqual(before);
});

/** The files of a database that is being written, without those of its -shm. */
async function copyWithWal(): Promise<string> {
  await writer('WAL', tables);
  const copied = join(folder, 'copied');
  await mkdir(copied);
  for (const suffix of ['', '-wal']) {
    await copyFile(path + suffix, join(copied, `state.db${suffix}`));
  }
  return copied;
}

async function temporaryFolder(): Promise<string> {
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  vi.stubEnv('TMPDIR', temporary);
  return temporary;
}

it('reads a database that was copied with only its -wal, without adding a file', async () => {
  const temporary = await temporaryFolder();
  const copied = await copyWithWal();
  path = join(copied, 'state.db');
  const file = database();
  const counts = await Promise.all(Array.from({ length: 5 }, () => file.read(count)));
  expect(counts).toEqual([2, 2, 2, 2, 2]);
  expect((await readdir(copied)).sort()).toEqual(['state.db', 'state.db-wal']);
  expect((await readdir(temporary)).length).toBe(1);
});

it('reads again if a -wal vanishes before it is copied', async () => {
  const temporary = await temporaryFolder();
  const writing = await writer('WAL', tables);
  let stats = 0;
  const io = {
    ...nodeIo,
    stat: async (name: string) => {
      const stat = await nodeIo.stat(name);
      if (!name.endsWith('-shm')) return stat;
      stats += 1;
      if (stats > 1) return stat;
      await writing.close();
      return undefined;
    },
  };
  expect(await new SqliteFile(path, { ...settings, io }).read(count)).toBe(2);
  expect(stats).toBe(3);
  expect(await readdir(temporary)).toEqual([]);
});

it('leaves no copy behind when the process ends', async () => {
  const temporary = await temporaryFolder();
  const copied = await copyWithWal();
  const { start, remove: removeModule } = await bundleModule(
    join(repositoryRoot, 'test/support/sqlite-reader.ts'),
  );
  const child = start([join(copied, 'state.db'), repositoryRoot]);
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => child.once('close', resolve));
  await removeModule();
  expect(Buffer.concat(chunks).toString()).toBe('2 rows, 1 copy\n');
  expect(await readdir(temporary)).toEqual([]);
});

it('reads a quiet database with an empty -wal, without adding a file', async () => {
  const writing = await writer('WAL', tables);
  await writing.close();
  await writeFile(`${path}-wal`, '');
  expect(await database().read(count)).toBe(2);
  expect(await readdir(folder)).toEqual(['state.db', 'state.db-wal']);
});

it('reads again if a writer appeared while it read a quiet database', async () => {
  const first = await writer('WAL', tables);
  await first.close();
  let second: SqliteWriter | undefined;
  let opened = 0;
  const io = {
    ...nodeIo,
    stat: async (name: string) => {
      opened += 1;
      if (opened === 3) second = await writer('WAL', 'INSERT INTO t (a) VALUES (3)');
      return nodeIo.stat(name);
    },
  };
  expect(await new SqliteFile(path, { ...settings, io }).read(count)).toBe(3);
  expect(second).toBeDefined();
});

describe('values', () => {
  it('are returned whole, whatever their type', async () => {
    await writer(
      'WAL',
      `CREATE TABLE t (a, "b ""c" , d, e, f, g);
       INSERT INTO t VALUES (CAST(x'006a736f6e3a5b5d' AS TEXT), 9007199254740993, 1.5, x'0041', NULL, 9e999),
         ('\u00fc\ufeff😀', -3, CAST(x'ff41' AS TEXT), x'', '', 2.0)`,
    );
    const rows = await database().read((reading) => reading.all('SELECT * FROM t'));
    expect(rows.map((row) => ({ ...row }))).toEqual([
      {
        a: '\0json:[]',
        'b "c': 9007199254740993n,
        d: 1.5,
        e: new Uint8Array([0, 65]),
        f: null,
        g: Infinity,
      },
      { a: '\u00fc\ufeff😀', 'b "c': -3, d: '\ufffdA', e: new Uint8Array(), f: '', g: 2 },
    ]);
  });

  it('can be queried by value, whatever it contains', async () => {
    await writer('WAL', 'CREATE TABLE t (a)');
    const asked = ["it's", 'a\0b', '?', '', 5, -1.5, 1e300, Infinity, 'ü'];
    const answers = await database().read((reading) =>
      asked.map((value) => reading.all('SELECT ? AS a', value)[0]?.a),
    );
    expect(answers).toEqual(asked);
  });

  it('come in the order of the query, even if it must be sorted', async () => {
    const values = Array.from({ length: 500 }, (_, index) => `(${(index * 7919) % 503})`);
    await writer('WAL', `CREATE TABLE t (a); INSERT INTO t VALUES ${values.join(',')}`);
    const rows = await database().read((reading) =>
      reading.all('SELECT a, a + 1 AS b FROM t ORDER BY a DESC LIMIT 400 OFFSET 10'),
    );
    const sorted = rows.map(({ a }) => Number(a));
    expect(sorted).toEqual([...sorted].sort((left, right) => right - left));
    expect(sorted.length).toBe(400);
  });

  it('are left out if they do not match the requested schema', async () => {
    await writer('WAL', `CREATE TABLE t (a); INSERT INTO t VALUES ('x'), (5), (NULL), (x'00')`);
    const schema = v.object({ a: v.string() });
    const rows = await database().read((reading) => rowsOf(reading, schema, 'SELECT a FROM t'));
    expect(rows).toEqual([{ a: 'x' }]);
  });
});

describe('a file that is not a database', () => {
  it('counts as empty if it is missing, a link, or empty', async () => {
    const all = (reading: Reading) => reading.all('SELECT name FROM sqlite_master');
    expect(await database().snapshot()).toBeUndefined();
    expect(await database().read(all)).toEqual([]);
    await writeFile(join(folder, 'elsewhere'), 'x');
    await symlink(join(folder, 'elsewhere'), path);
    expect(await database().read(all)).toEqual([]);
    path = join(folder, 'empty.db');
    await writeFile(path, '');
    expect(await database().read(all)).toEqual([]);
    expect((await readdir(folder)).sort()).toEqual(['elsewhere', 'empty.db', 'state.db']);
  });

  it('is reported by name', async () => {
    await writeFile(path, 'no database at all, but long enough to have a header\n'.repeat(100));
    await expect(database().read(count)).rejects.toThrow(`${path} is not an SQLite database`);
    await writeFile(path, 'short');
    await expect(database().read(count)).rejects.toThrow(SourceError);
  });

  it('is reported by name when only its inside is damaged', async () => {
    const writing = await writer('DELETE', tables);
    await writing.close();
    const bytes = await nodeIo.readFile(path);
    await writeFile(
      path,
      Buffer.concat([bytes?.subarray(0, 100) ?? Buffer.alloc(0), Buffer.alloc(8092, 0xee)]),
    );
    const clock = { ...systemClock, sleep: async () => undefined };
    const reading = new SqliteFile(path, { ...settings, clock }).read(count);
    await expect(reading).rejects.toThrow(SourceError);
    await expect(reading).rejects.toThrow(path);
  });
});

it('says what to do if the library does not load', async () => {
  const file = new SqliteFile(path, { ...settings, load: () => Promise.reject(new Error('no')) });
  await expect(file.read(count)).rejects.toThrow(UnsupportedError);
  await expect(file.read(count)).rejects.toMatchObject({
    hint: expect.stringContaining('Install'),
  });
});

it('never writes', async () => {
  await writer('WAL', tables);
  const writing = database().read((reading) => reading.all('SELECT a FROM t) ; DELETE FROM t; --'));
  await expect(writing).rejects.toThrow(SourceError);
  expect(await database().read(count)).toBe(2);
});
