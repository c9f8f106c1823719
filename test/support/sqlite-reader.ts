import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { systemClock } from '../../src/clock.js';
import { nodeIo } from '../../src/io.js';
import { SqliteFile } from '../../watchers/sqlite/file.js';
import type { SqliteLibrary } from '../../watchers/sqlite/library.js';

/** Reads a database in a process of its own, and ends. */
const [path = '', repository = ''] = process.argv.slice(2);
const load = async (): Promise<SqliteLibrary> =>
  createRequire(`${repository}/package.json`)('@photostructure/sqlite');
const file = new SqliteFile(path, { io: nodeIo, clock: systemClock, load });
const rows = await file.read((reading) => reading.all('SELECT * FROM t'));
process.stdout.write(`${rows.length} rows, ${readdirSync(tmpdir()).length} copy\n`);
