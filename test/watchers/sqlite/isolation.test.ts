import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { nodeIo } from '../../../src/io.js';
import { SqliteFile } from '../../../watchers/sqlite/file.js';
import type { SqliteLibrary } from '../../../watchers/sqlite/library.js';
import type { Reading } from '../../../watchers/sqlite/reading.js';
import { wasmSqlite } from '../../../watchers/sqlite/wasm/library.js';
import { repositoryRoot } from '../../support/run-cli.js';
import { createTemporaryFolder } from '../../support/temporary-folder.js';

const isFull = process.env.TRACECRAFT_SOAK === 'full';
const reads = isFull ? 600 : 60;

/**
 * Changes the whole database in each transaction, some of which outgrow the cache and are rolled back; checkpoints,
 * vacuums, shrinks, closes and begins anew at random.
 */
const script = `
const { DatabaseSync } = require('@photostructure/sqlite');
const [path, mode, pauseMs] = process.argv.slice(1);
let database;
function open() {
  database = new DatabaseSync(path, { timeout: 20000 });
  database.exec('PRAGMA journal_mode=' + mode + '; PRAGMA synchronous=OFF; PRAGMA cache_size=8; PRAGMA wal_autocheckpoint=' + (5 + Math.floor(Math.random() * 60)));
}
const one = (items) => items[Math.floor(Math.random() * items.length)];
open();
database.exec(\`CREATE TABLE version (n); INSERT INTO version VALUES (0); CREATE TABLE cells (id INTEGER PRIMARY KEY, v, pad);
  CREATE INDEX by_v ON cells (v, id);
  WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 120) INSERT INTO cells SELECT i, 0, zeroblob(900) FROM c\`);
process.stdout.write('ready');
let n = 0;
function change(value) {
  database.exec('BEGIN IMMEDIATE; UPDATE version SET n = ' + value + '; UPDATE cells SET v = ' + value + ', pad = randomblob(300 + abs(random()) % 1500)');
  if (Math.random() < 0.3) database.exec('DELETE FROM cells WHERE id > 120; INSERT INTO cells SELECT id + 1000, v, pad FROM cells WHERE id < ' + Math.ceil(Math.random() * 60));
}
function step() {
  try {
    for (let k = 0; k < 5; k += 1) {
      const dice = Math.random();
      if (dice < 0.7) {
        change(n + 1);
        database.exec('COMMIT');
        n += 1;
      } else if (dice < 0.85) {
        change(-1);
        database.exec('ROLLBACK');
      } else if (dice < 0.93) {
        if (mode === 'WAL') database.exec('PRAGMA wal_checkpoint(' + one(['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE']) + ')');
      } else if (dice < 0.97) {
        database.exec('VACUUM');
      } else {
        database.close();
        open();
      }
    }
  } catch (error) {
    if (!/locked|busy/.test(error.message)) throw error;
    try { database.exec('ROLLBACK'); } catch {}
  }
  setTimeout(step, Math.random() * pauseMs);
}
process.stdin.on('end', () => process.exit(0)).resume();
step();
`;

interface Seen {
  readonly version: unknown;
  readonly states: readonly unknown[];
}

function whole(reading: Reading): Seen {
  const [version] = reading.all('SELECT n FROM version');
  const bytes = reading.all('SELECT id, v, pad FROM cells ORDER BY id');
  const indexed = reading.all('SELECT v FROM cells INDEXED BY by_v ORDER BY v, id');
  const again = reading.all('SELECT n FROM version');
  if (bytes.length !== indexed.length)
    throw new Error(`${bytes.length}, ${indexed.length} by index`);
  return {
    version: version?.n,
    states: [...new Set([...bytes, ...indexed].map(({ v }) => v).concat(again.map(({ n }) => n)))],
  };
}

const load = (): Promise<SqliteLibrary> => Promise.resolve(wasmSqlite());

async function writer(path: string, mode: string, pauseMs: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', script, path, mode, String(pauseMs)], {
    cwd: repositoryRoot,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('no output');
  await once(child.stdout, 'data');
  return child;
}

describe('without locks, beside a writer', () => {
  // A rollback journal leaves a reader no older state to read: it needs pauses of a tick of file times.
  it.each([
    { mode: 'WAL', pauseMs: 4 },
    { mode: 'WAL', pauseMs: 40 },
    { mode: 'DELETE', pauseMs: 200 },
    { mode: 'PERSIST', pauseMs: 200 },
    { mode: 'TRUNCATE', pauseMs: 200 },
  ])(
    'every read in mode $mode is of one state (pauses to $pauseMs ms)',
    async ({ mode, pauseMs }) => {
      const { path: folder, remove } = await createTemporaryFolder();
      const path = join(folder, 'state.db');
      const child = await writer(path, mode, pauseMs);
      const tries = { reads: 0, again: 0, busy: 0, versions: 0 };
      const clock = {
        ...systemClock,
        sleep: (ms: number) => {
          tries.again += 1;
          return systemClock.sleep((ms * Math.random()) / 2);
        },
      };
      const file = new SqliteFile(path, { io: nodeIo, clock, load });
      let last = 0;
      try {
        // A quick reader sees one version many times: it goes on until the writer was beside it.
        while (tries.reads < reads || tries.versions < reads / 10) {
          expect(child.exitCode).toBeNull();
          const seen = await file.read(whole).catch((error: Error) => {
            expect(error.message).toMatch(
              /changed while|locked|written just now|faster than|unable to open|malformed|disk I\/O/,
            );
            return undefined;
          });
          if (seen === undefined) {
            tries.busy += 1;
            continue;
          }
          expect(seen.states).toEqual([seen.version]);
          expect(Number(seen.version)).toBeGreaterThanOrEqual(last);
          if (Number(seen.version) > last) tries.versions += 1;
          last = Number(seen.version);
          tries.reads += 1;
        }
        const others = (await readdir(folder)).filter(
          (name) => !/^state\.db(-wal|-shm|-journal)?$/.test(name),
        );
        expect(others).toEqual([]);
        if (isFull) process.stdout.write(`${JSON.stringify({ mode, pauseMs, ...tries })}\n`);
      } finally {
        child.kill('SIGKILL');
        await remove();
      }
    },
    600_000,
  );
});
