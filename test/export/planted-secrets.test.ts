import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.js';
import { openDestination } from '../../src/export/destination.js';
import { manifestIn } from '../../src/export/manifest.js';
import { RowCheck } from '../../src/export/row-check.js';
import { StagedExport } from '../../src/export/staged-export.js';
import { type Row, type TableName, tableNames, tables } from '../../src/export/tables.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { namedRules, rules } from '../../src/redact/rules.js';
import { dice, expand } from '../redact/examples.js';
import { leaks } from '../redact/leaks.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const kinds = 40;
/** 520 secrets in a full run. */
const perKind = process.env.TRACECRAFT_SOAK === 'full' ? 13 : 2;

const redactor = createRedactor();
const byKind = new Map([...rules, ...namedRules].map((row) => [row.kind, row]));
const step = Math.floor(byKind.size / kinds);
const chosen = [...byKind.values()].filter((_, at) => at % step === 0).slice(0, kinds);

const wraps: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => `It was ${text}, and it still works.`,
  (text) => JSON.stringify({ command: 'deploy', env: [text] }),
];

interface Planted {
  readonly kind: string;
  readonly secret: string;
  readonly text: string;
  readonly table: TableName;
  readonly column: string;
}

function textColumns(table: TableName): readonly string[] {
  return tables[table].columns.filter(({ type }) => type === 'text').map(({ name }) => name);
}

const planted: readonly Planted[] = chosen.flatMap(({ kind, example }, at) =>
  Array.from({ length: perKind }, (_, variant): Planted => {
    const number = at * perKind + variant;
    const { text, secret } = expand(example, dice(number));
    const table = tableNames[number % tableNames.length] ?? 'entries';
    const columns = textColumns(table);
    const column = columns[number % columns.length] ?? 'project';
    const wrap = wraps[number % wraps.length] ?? ((one: string) => one);
    return { kind, secret, text: wrap(text), table, column };
  }),
);

function cleanRow(table: TableName): Row {
  return Object.fromEntries(
    tables[table].columns.map(({ name, type }) => [name, type === 'text' ? `a ${name}` : null]),
  );
}

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let to = '';
const scope = { project: 'p', selection: 'all sessions' };

beforeAll(async () => {
  folder = await createTemporaryFolder();
  to = join(folder.path, 'tables');
});
afterAll(() => folder.remove());

async function stagedIn(name: string, format: 'parquet' | 'jsonl') {
  const path = join(folder.path, name);
  await mkdir(path);
  const before = manifestIn(undefined, { ...scope, format }, to);
  return { path, staged: new StagedExport(path, new RowCheck(redactor), before) };
}

async function contentsOf(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const read = files.sort().map(async (file) => [file, await readFile(file, 'base64')] as const);
  return Object.fromEntries(await Promise.all(read));
}

/** As a command would: nothing is published once a row was refused. */
async function refusal({ table, column, text }: Planted, at: number): Promise<unknown> {
  const { path, staged } = await stagedIn(`staged-${at}`, at % 2 === 0 ? 'parquet' : 'jsonl');
  const clean = cleanRow(table);
  const rows = [clean, { ...clean, [column]: text }, clean];
  try {
    await staged.file(table, '2026-05', `digest ${at}`, () => [rows]);
    const destination = await openDestination(to);
    await staged.publish(destination);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await rm(path, { recursive: true });
  }
}

describe('secrets that came into the bucket behind the redaction', () => {
  it('are of as many kinds as wanted', () => {
    expect(new Set(planted.map(({ kind }) => kind)).size).toBe(kinds);
  });

  it('are refused one by one, named by table, row and kind, and leave what was exported before', async () => {
    const { path, staged } = await stagedIn('first', 'parquet');
    for (const table of tableNames) {
      await staged.file(table, '2026-05', 'first', () => [[cleanRow(table)]]);
    }
    await staged.publish(await openDestination(to));
    await rm(path, { recursive: true });
    const before = await contentsOf(to);
    expect(Object.keys(before)).toHaveLength(tableNames.length + 1);
    for (const [at, one] of planted.entries()) {
      const error = await refusal(one, at);
      expect(error, `${one.kind} in ${one.table}.${one.column}`).toBeInstanceOf(RefusedError);
      if (!(error instanceof RefusedError)) continue;
      const [, told = ''] = /^row 2 of (.*)$/.exec(error.message) ?? [];
      expect(told.split(/ holds a secret: |, /)).toEqual(
        expect.arrayContaining([one.table, one.kind]),
      );
      expect(leaks(`${error.message} ${error.hint}`, one.secret), one.kind).toBe(false);
    }
    expect(await contentsOf(to)).toEqual(before);
  });
});
