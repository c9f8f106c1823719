import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  assistantRow,
  type Row,
  sessionUuid,
  Transcript,
  userRow,
} from '../support/claude-tree.js';
import { hasDuckdb, queryDuckdb } from '../support/duckdb.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let id = '';
let inHome = { cwd: '' };

/** A key that the mirror would have replaced. */
const secret = ['ghp', 'x7Kd93Jw0aPq8Zt5Lm2Vn6Rb1Yc4Hs0Fg3Te'].join('_');

function answer(message: string, at: string, output: number): Row {
  const context = { sessionId: id, cwd: world.project, timestamp: at };
  const row = assistantRow(`answer ${message}`, 'claude-opus-5-5', context);
  const usage = { input_tokens: 100, cache_read_input_tokens: 1_000, output_tokens: output };
  return { ...row, message: { ...Object(row.message), id: message, usage } };
}

beforeAll(async () => {
  world = await createCliWorld();
  inHome = { cwd: world.home };
  id = sessionUuid();
  const path = join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`);
  const context = { sessionId: id, cwd: world.project, timestamp: '2026-10-31T23:30:00.000Z' };
  await new Transcript(path).append(
    userRow('Count the sheep', context),
    answer('msg_1', '2026-10-31T23:40:00.000Z', 10),
    answer('msg_1', '2026-10-31T23:40:01.000Z', 400),
    answer('msg_2', '2026-11-01T00:10:00.000Z', 5),
  );
  await world.run(['watch', '--once', '--all'], inHome);
});

afterAll(() => world.remove());

async function data(...command: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await world.run([...command, '--json'], inHome);
  return JSON.parse(stdout).data;
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .sort();
}

describe('tracecraft usage', () => {
  it('adds up tokens by day, in any zone', async () => {
    const { rows, is_at_least } = await data('usage', '--timezone', 'UTC');
    const shared = {
      input_uncached: 100,
      cache_read: 1_000,
      cache_write: 0,
      reasoning: 0,
      calls: 1,
    };
    expect(rows).toEqual([
      { day: '2026-10-31', ...shared, output: 400, list_price_usd: 0.0086 },
      { day: '2026-11-01', ...shared, output: 5, list_price_usd: 0.0007 },
    ]);
    expect(is_at_least).toBe(false);
    const there = await data('usage', '--timezone', 'Europe/Berlin');
    expect(there.rows).toMatchObject([{ day: '2026-11-01', calls: 2, output: 405 }]);
  });

  it('prints a table, and what its prices are', async () => {
    const { code, stdout } = await world.run(['usage', '--by', 'model'], inHome);
    expect(code).toBe(0);
    expect(stdout).toContain('claude-opus-5-5  200');
    expect(stdout).toContain('not your bill');
  });

  it('prints comma-separated values', async () => {
    const { stdout } = await world.run(
      ['usage', '--by', 'month', '--csv', '--timezone', 'UTC'],
      inHome,
    );
    expect(stdout.split('\n')[1]).toBe('2026-10,100,1000,0,400,0,1,0.0086');
  });

  it('is also what status and the page of a replay tell of a session', async () => {
    const { sessions } = await data('status');
    expect(sessions).toMatchObject([{ session_id: id, tokens: 2 * 1_100 + 405 }]);
    expect((await world.run(['status'], inHome)).stdout).toMatch(/4 lines +2,605 tokens/);
    const page = join(world.root, 'run.html');
    await world.run(['replay', '-o', page], inHome);
    const [, header = ''] = / id="run">([^<]*)</.exec(await readFile(page, 'utf8')) ?? [];
    expect(gunzipSync(Buffer.from(header, 'base64')).toString('utf8')).toContain('"tokens":2605');
  });

  it('refuses an impossible zone', async () => {
    expect((await world.run(['usage', '--timezone', 'Nowhere'], inHome)).code).toBe(2);
  });
});

describe('tracecraft session refresh', () => {
  it('mends what doctor --deep finds, and then has nothing to do', async () => {
    const path = join(world.stateFolder, 'bucket/default/sessions/claude-code', id, 'meta.json');
    const good = await readFile(path, 'utf8');
    const bad = JSON.parse(good);
    bad.usage.slots = {};
    bad.turns = 7;
    await writeFile(path, JSON.stringify({ ...bad, foreign: 'kept' }));
    const { findings } = await data('doctor', '--deep');
    expect(findings).toContainEqual(
      expect.objectContaining({
        name: 'meta-differs',
        message: expect.stringContaining(`${id} does not agree with its parts: usage, turns`),
      }),
    );
    const { rewritten } = await data('session', 'refresh', id);
    expect(rewritten).toMatchObject([{ session_id: id, differences: ['usage', 'turns'] }]);
    const mended = JSON.parse(await readFile(path, 'utf8'));
    expect(mended).toEqual({ ...JSON.parse(good), foreign: 'kept' });
    const nothing = { sessions: 1, rewritten: [], index_corrected: 0 };
    expect(await data('session', 'refresh', '--all')).toEqual(nothing);
  });

  it('mends a page of the index that nobody can read, and one that says otherwise', async () => {
    const folder = join(world.stateFolder, 'bucket/default/_index');
    const [page = ''] = (await filesBelow(folder)).filter((path) => path.endsWith('.usage.json'));
    const good = await readFile(page, 'utf8');
    const found = async () => {
      const { findings } = await data('doctor', '--deep');
      return JSON.stringify(findings);
    };
    await writeFile(page, good.slice(0, -30));
    expect(await found()).toContain('live.usage.json cannot be read');
    expect(await data('session', 'refresh', '--all')).toMatchObject({ index_corrected: 1 });
    expect(await readFile(page, 'utf8')).toBe(good);
    await writeFile(page, good.replace(',405,', ',406,').replace(',400,', ',401,'));
    const meta = join(dirname(folder), 'sessions/claude-code', id, 'meta.json');
    const document = JSON.parse(await readFile(meta, 'utf8'));
    const long = { ...document, last_uploaded_at: '2026-11-01T00:11:00.000Z' };
    await writeFile(meta, `${JSON.stringify(long, null, 2)}\n`);
    expect(await found()).toContain(`does not agree with meta.json of claude-code ${id}`);
    expect(await data('session', 'refresh', '--all')).toMatchObject({ index_corrected: 1 });
    expect(await readFile(page, 'utf8')).toContain(',400,');
    expect(await found()).not.toContain('index');
  });
});

describe('tracecraft export', () => {
  it('writes tables that others read, then only what is new', async () => {
    const to = join(world.root, 'tables');
    const { written, rows } = await data('export', '--to', to);
    expect(written).toHaveLength(4);
    expect(rows).toEqual({ sessions: 1, entries: 3, events: 1, handoffs: 0 });
    const none = await asyncBufferFromFile(join(to, 'handoffs/month=undated/handoffs.parquet'));
    expect(await parquetReadObjects({ file: none })).toEqual([]);
    const file = join(to, 'entries/month=2026-10/entries.parquet');
    const entries = await parquetReadObjects({ file: await asyncBufferFromFile(file) });
    expect(entries.map(({ kind, text, tokens }) => [kind, text, tokens])).toEqual([
      ['prompt', 'Count the sheep', null],
      ['answer', 'answer msg_1\n\nanswer msg_1', 400n],
      ['answer', 'answer msg_2', 5n],
    ]);
    expect(entries[0]).toMatchObject({
      session: id,
      turn: 1n,
      at: new Date('2026-10-31T23:30:00Z'),
    });
    expect((await data('export', '--to', to)).written).toEqual([]);
    const other = await world.run(['export', id, '--to', to], inHome);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('holds another export');
  });

  it.skipIf(!hasDuckdb)(
    'is queried by DuckDB as its README says (skipped where duckdb is absent)',
    async () => {
      const to = join(world.root, 'tables');
      const readme = await readFile(join(to, 'README.md'), 'utf8');
      const queries = [...readme.matchAll(/```sql\n(.*?)\n```/gs)].map(([, sql = '']) => sql);
      expect(queries).toHaveLength(3);
      const [, sessions = ''] = queries;
      const [row] = queryDuckdb(to, sessions);
      expect([Number(row?.sessions), Number(row?.output)]).toEqual([1, 405]);
    },
  );

  it('writes nothing if a secret is in the bucket, and does not show it', async () => {
    const prefix = join(world.stateFolder, 'bucket/default/sessions/claude-code', id);
    const [part = ''] = (await readdir(prefix)).filter((name) => name.startsWith('part-'));
    const before = await readFile(join(prefix, part), 'utf8');
    await writeFile(join(prefix, part), before.replace('Count the sheep', `Use ${secret}`));
    const to = join(world.root, 'refused');
    await mkdir(to);
    const { code, stdout, stderr } = await world.run(
      ['export', '--to', to, '--format', 'jsonl'],
      inHome,
    );
    expect(code).toBe(9);
    expect(stderr).toMatch(/row 1 of entries holds a secret: github-/);
    expect(stdout + stderr).not.toContain(secret);
    expect(await filesBelow(to)).toEqual([]);
    await writeFile(join(prefix, part), before);
  });
});
