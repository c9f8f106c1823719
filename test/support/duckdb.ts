import { execFileSync, spawnSync } from 'node:child_process';

const inPython =
  'import duckdb, json, sys; r = duckdb.sql(sys.argv[1]); print(json.dumps([dict(zip(r.columns, row)) for row in r.fetchall()], default=str))';

/** The program, or the package for Python; `undefined` where there is neither. */
const found = (['cli', 'python'] as const).find((kind) =>
  kind === 'cli'
    ? spawnSync('duckdb', ['--version']).status === 0
    : spawnSync('python3', ['-c', 'import duckdb']).status === 0,
);

export const hasDuckdb = found !== undefined;

/** The rows of a query, with its files below `folder`. */
export function queryDuckdb(folder: string, sql: string): readonly Record<string, unknown>[] {
  const statement = sql.trim().replace(/;$/, '');
  const out =
    found === 'cli'
      ? execFileSync('duckdb', ['-json', '-c', statement], { cwd: folder, encoding: 'utf8' })
      : execFileSync('python3', ['-c', inPython, statement], { cwd: folder, encoding: 'utf8' });
  return out.trim() === '' ? [] : JSON.parse(out);
}
