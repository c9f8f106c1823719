import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Runs a statement in the folder it is started in, and prints the rows as JSON. */
const inPython =
  'import duckdb, json, sys; r = duckdb.sql(sys.argv[1]); print(json.dumps([dict(zip(r.columns, row)) for row in r.fetchall()], default=str))';
const inNode = `
  const { DuckDBInstance } = require(process.argv[1]);
  DuckDBInstance.create().then((instance) => instance.connect())
    .then((connection) => connection.runAndReadAll(process.argv[2]))
    .then((reader) => {
      const told = (_name, value) => typeof value === 'bigint' ? Number(value) : value;
      process.stdout.write(JSON.stringify(reader.getRowObjects(), told));
    });
`;

interface Engine {
  readonly command: string;
  readonly isThere: readonly string[];
  query(sql: string): readonly string[];
}

/** The package `@duckdb/node-api`, installed below this folder: it is megabytes that no other test needs. */
const folder = process.env.TRACECRAFT_TEST_DUCKDB;
const engines: readonly Engine[] = [
  ...(folder === undefined ? [] : [fromNpm(join(folder, 'node_modules', '@duckdb', 'node-api'))]),
  {
    command: 'duckdb',
    isThere: ['--version'],
    query: (sql) => ['-json', '-c', sql],
  },
  {
    command: 'python3',
    isThere: ['-c', 'import duckdb'],
    query: (sql) => ['-c', inPython, sql],
  },
];

function fromNpm(module: string): Engine {
  return {
    command: process.execPath,
    isThere: ['-e', 'require(process.argv[1])', module],
    query: (sql) => ['-e', inNode, module, sql],
  };
}

const found = engines.find(({ command, isThere }) => spawnSync(command, isThere).status === 0);
if (folder !== undefined && found?.command !== process.execPath) {
  throw new Error(`TRACECRAFT_TEST_DUCKDB: no @duckdb/node-api below ${folder}`);
}

/** From npm (in the folder that TRACECRAFT_TEST_DUCKDB names), or the command, or the module of Python. */
export const hasDuckdb = found !== undefined;

/** Rows of a query that is run in a folder. */
export function queryDuckdb(where: string, sql: string): readonly Record<string, unknown>[] {
  if (found === undefined) throw new Error('there is no DuckDB');
  const statement = sql.replace(/;\s*$/, '');
  const output = execFileSync(found.command, found.query(statement), {
    cwd: where,
    encoding: 'utf8',
  });
  return JSON.parse(output || '[]');
}
