import { readFileSync } from 'node:fs';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasDuckdb, queryDuckdb } from '../support/duckdb.js';
import { hasSharedFixtures, sharedFolder } from '../support/fixture-streams.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

const count = v.optional(v.number(), 0);
const oracleSchema = v.object({
  sessions: v.array(
    v.object({
      harness: v.string(),
      fixture: v.string(),
      session: v.string(),
      stream: v.string(),
      own: v.object({
        prompts: count,
        answers: count,
        calls: count,
        joined: count,
        call_errors: count,
      }),
    }),
  ),
});

/** The session of the fixtures that gives up a step. */
const held = '11111111-1111-4111-8111-111111111111';

/** Two trees have sessions of the same harnesses; they go into one bucket, one after the other. */
const trees = [
  { root: 'shared', folder: 'harness', names: ['claude-code', 'codex', 'openclaw', 'hermes'] },
  { root: 'clients', folder: 'harness-2026-11', names: ['claude-code', 'codex'] },
];
const variables: Readonly<Record<string, string>> = {
  'claude-code': 'CLAUDE_CONFIG_DIR',
  codex: 'CODEX_HOME',
  openclaw: 'OPENCLAW_STATE_DIR',
  hermes: 'HERMES_HOME',
};

describe.skipIf(!hasSharedFixtures)(
  'the export of all fixtures (skipped where ../shared is absent)',
  () => {
    let world: CliWorld;
    let tables = '';
    let entries: readonly Record<string, unknown>[] = [];
    const { sessions } = hasSharedFixtures
      ? v.parse(
          oracleSchema,
          JSON.parse(readFileSync(join(sharedFolder, 'oracle', 'conversation.json'), 'utf8')),
        )
      : { sessions: [] };

    beforeAll(async () => {
      world = await createCliWorld();
      tables = join(world.root, 'tables');
      for (const { folder, names } of trees) {
        const env: Record<string, string> = {};
        for (const name of names) {
          const home = join(world.root, folder, name);
          await cp(join(sharedFolder, 'fixtures', folder, name), home, { recursive: true });
          env[variables[name] ?? ''] = home;
        }
        const options = { cwd: world.home, env };
        const { code, stderr } = await world.run(['watch', '--once', '--all', '--quiet'], options);
        expect([0, 10], stderr).toContain(code);
      }
      const holder = { cwd: world.home, env: { CLAUDECODE: '1', CLAUDE_CODE_SESSION_ID: held } };
      expect((await world.run(['claim', 'build'], holder)).code).toBe(0);
      const blocked = ['complete', 'build', '--blocked', '--note', 'no key for the store'];
      expect((await world.run(blocked, holder)).code).toBe(0);
      const exported = await world.run(['export', '--to', tables], { cwd: world.home });
      expect(exported.code, exported.stderr).toBe(0);
      entries = await rowsBelow(join(tables, 'entries'));
    });

    afterAll(() => world.remove());

    it('has the counts of the oracle', () => {
      expect(sessions.length).toBeGreaterThan(10);
      for (const { harness, session, stream, own } of sessions) {
        const rows = entries.filter((row) => row.session === session && row.stream === stream);
        const of = (kind: string) => rows.filter((row) => row.kind === kind);
        const calls = [...of('call'), ...of('plan')];
        const counts = {
          answers: of('answer').length,
          calls: calls.length,
          call_errors: calls.filter((row) => row.is_error === true).length,
        };
        const { answers, calls: told, call_errors } = own;
        expect({ harness, session, stream, ...counts }).toEqual({
          harness,
          session,
          stream,
          answers,
          calls: told,
          call_errors,
        });
      }
    });

    it('joins a handoff with the turns that led to it', async () => {
      const [row, ...others] = await rowsBelow(join(tables, 'handoffs'));
      expect(others).toEqual([]);
      expect(row).toMatchObject({ step: 'build', state: 'blocked', note: 'no key for the store' });
      expect(row).toMatchObject({ harness: 'claude-code', session: held });
      const turns: unknown = JSON.parse(String(row?.turns));
      const last = entries
        .filter(({ session, stream }) => session === held && stream === '')
        .at(-1);
      expect(row?.turn).toBe(last?.turn);
      expect(turns).toContainEqual(expect.objectContaining({ turn: Number(last?.turn) }));
    });

    it.skipIf(!hasDuckdb)('is what DuckDB reads, with the queries of its README', async () => {
      const [{ rows } = { rows: 0 }] = queryDuckdb(
        tables,
        "SELECT count(*) AS rows FROM read_parquet('entries/**/*.parquet')",
      );
      expect(rows).toBe(entries.length);
      const readme = await readFile(join(tables, 'README.md'), 'utf8');
      const queries = [...readme.matchAll(/```sql\n(.*?)\n```/gs)].map(([, sql = '']) => sql);
      const [failing = [], used = [], blocked] = queries.map((sql) => queryDuckdb(tables, sql));
      const calls = entries.filter((row) => row.kind === 'call');
      expect(failing.reduce((sum, row) => sum + Number(row.calls), 0)).toBe(calls.length);
      expect(failing.reduce((sum, row) => sum + Number(row.errors), 0)).toBe(
        calls.filter((row) => row.is_error === true).length,
      );
      const stored = await rowsBelow(join(tables, 'sessions'));
      expect(used.reduce((sum, row) => sum + Number(row.output), 0)).toBe(
        stored.reduce((sum, row) => sum + Number(row.output), 0),
      );
      expect(blocked).toMatchObject([{ step: 'build', note: 'no key for the store' }]);
    });
  },
);

async function rowsBelow(folder: string): Promise<readonly Record<string, unknown>[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) =>
    name.endsWith('.parquet'),
  );
  const files = await Promise.all(
    names.map(async (name) =>
      parquetReadObjects({ file: await asyncBufferFromFile(join(folder, name)) }),
    ),
  );
  return files.flat();
}
