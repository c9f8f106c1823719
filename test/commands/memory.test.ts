import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let bucket = '';
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);

beforeEach(async () => {
  world = await createCliWorld();
  bucket = join(world.stateFolder, 'bucket', 'project');
  const { code, stderr } = await world.run(['init', '--project', 'project', '--agent', 'designer']);
  expect(code, stderr).toBe(0);
});

afterEach(() => world.remove());

const as = (agent: string, input = '') => ({ env: { TRACECRAFT_AGENT: agent }, input });

function memory(...args: readonly string[]): Promise<CliResult> {
  return world.run(['memory', ...args], as('designer'));
}

async function memoryJson(...args: readonly string[]): Promise<unknown> {
  return (await world.runJson(['memory', ...args], as('designer'))).json;
}

async function plant(key: string, body: string | Buffer): Promise<void> {
  const path = join(bucket, key);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, body);
}

// Some run dozens of processes.
const patience = { timeout: 120_000 };

describe('memory', patience, () => {
  it('is set and read, in text and in JSON', async () => {
    expect(await memory('set', 'design.contract', 'POST /login')).toEqual({
      code: 0,
      stdout: 'Set design.contract (version 1)\n',
      stderr: '',
    });
    expect((await memory('get', 'design.contract')).stdout).toBe('POST /login\n');
    const state = {
      key: 'design.contract',
      value: { jobs: 4 },
      version: 2,
      set_by: 'designer',
      set_at: time,
    };
    const set = await memoryJson('set', 'design.contract', '{"jobs": 4}');
    expect(set).toEqual({ schema_version: 1, data: state });
    expect(await memoryJson('get', 'design.contract')).toEqual({ schema_version: 1, data: state });
    expect((await memory('get', 'design.contract')).stdout).toBe('{\n  "jobs": 4\n}\n');
    const { stdout } = await memory('get', 'design.contract', '--with-meta');
    expect(JSON.parse(stdout)).toEqual(state);
  });

  it('is listed, deleted, and kept in its history', async () => {
    await memory('set', 'a.b', 'word');
    await memory('set', 'a.b', '[1, 2]');
    await memory('set', 'c', '7', '--string');
    const { stdout } = await memory('list');
    expect(stdout).toBe('a.b  version 2  designer  [1,2]\nc    version 1  designer  7\n');
    expect(await memoryJson('list', 'c')).toEqual({
      schema_version: 1,
      data: { memories: [{ key: 'c', value: '7', version: 1, set_by: 'designer', set_at: time }] },
    });
    expect((await memory('delete', 'a.b')).stdout).toBe('Deleted a.b (version 3)\n');
    expect(await memory('get', 'a.b')).toMatchObject({ code: 3, stdout: '' });
    expect((await memory('delete', 'a.b')).code).toBe(3);
    expect((await memory('list', 'a.')).stdout).toBe('');
    expect((await memory('history', 'a.b')).stdout).toMatch(
      /^version 1 {2}\S+ {2}designer {2}word\nversion 2 .* \[1,2\]\nversion 3 .* \(deleted\)\n$/,
    );
    expect(await memoryJson('history', 'a.b')).toMatchObject({
      data: { key: 'a.b', versions: [{ value: 'word' }, { value: [1, 2] }, { deleted: true }] },
    });
    expect((await memory('history', 'never')).code).toBe(3);
    expect((await memory('get', 'never')).code).toBe(3);
  });

  it('is changed by only one of two who saw the same version', async () => {
    await memory('set', 'owner', 'nobody');
    const args = ['memory', 'set', 'owner', 'me', '--if-version', '1'];
    const agents = ['designer', 'developer'];
    const results = await Promise.all(agents.map((agent) => world.run(args, as(agent))));
    expect(results.map(({ code }) => code).sort()).toEqual([0, 4]);
    const winner = agents[results.findIndex(({ code }) => code === 0)];
    const lost = results.find(({ code }) => code === 4);
    expect(lost?.stderr).toContain(`owner was not set: it is at version 2 by ${winner}\n`);
    const absent = await memoryJson('set', 'owner', 'x', '--if-absent');
    expect(absent).toMatchObject({
      error: { kind: 'lost', message: `owner was not set: it is at version 2 by ${winner}` },
    });
    const never = await memory('set', 'other', 'x', '--if-version', '3');
    expect(never.stderr).toContain('other was not set: there never was a value (version 0)');
    expect(never.code).toBe(4);
    expect((await memory('delete', 'owner', '--if-version', '1')).code).toBe(4);
  });

  it('continues from what the older tool wrote', async () => {
    await plant('memory/design/contract.json', '{"value": "old", "set_by": "x", "version": 4}');
    expect((await memory('get', 'design.contract')).stdout).toBe('old\n');
    expect((await memory('list')).stdout).toBe('design.contract  version 4  x  old\n');
    expect((await memory('set', 'design.contract', 'new')).stdout).toContain('(version 5)');
    expect((await memory('history', 'design.contract')).stdout).toMatch(/old\n.*new\n$/);
  });

  it('with a secret causes a warning, and is scrubbed only on request', async () => {
    const plain = await memory('set', 'db.password', 'Tr0ub4dor-3xyzzy');
    expect(plain.stderr).toMatch(
      /^Warning: the value contains what looks like a secret \(password:1\) and is shared unchanged/,
    );
    expect((await memory('get', 'db.password')).stdout).toBe('Tr0ub4dor-3xyzzy\n');
    const value = '{"user": "me", "password": "Tr0ub4dor-3xyzzy"}';
    const scrubbed = await memory('set', 'db.login', value, '--redact');
    expect(scrubbed.stderr).toContain('redacted: password:1');
    expect(await memoryJson('get', 'db.login')).toMatchObject({
      data: { value: { user: 'me', password: '[REDACTED:password]' } },
    });
  });

  it('of a megabyte can be read back, and a larger one is refused', async () => {
    const value = 'x'.repeat((1 << 20) - 2);
    const set = (text: string) => world.run(['memory', 'set', 'big', '-'], as('designer', text));
    expect(await set(value)).toMatchObject({ code: 0, stderr: '' });
    expect((await memory('get', 'big')).stdout).toBe(`${value}\n`);
    expect((await memory('list')).stdout.length).toBeLessThan(200);
    const larger = await set(`${value}x`);
    expect(larger.code).toBe(2);
    expect(larger.stderr).toContain('artifact upload');
  });
});

describe('hostile memory', patience, () => {
  it('in a key or a value is refused before anything is written', async () => {
    const before = await readdir(bucket, { recursive: true });
    const keys = [
      '../x',
      '_history',
      '.a',
      'a/b',
      'a..b',
      'a.',
      'a\u001b[31m',
      'x'.repeat(129),
      '',
    ];
    const tries = [
      ...keys.flatMap((key) => [
        ['set', '--', key, 'x'],
        ['get', '--', key],
        ['history', '--', key],
        ['delete', '--', key],
      ]),
      ['list', '../x'],
      ['list', '_history'],
      ['set', 'a', '12345678901234567890'],
      ['set', 'a', `${'['.repeat(100)}${']'.repeat(100)}`],
      ['set', 'a', 'b', '--if-absent', '--if-version', '1'],
    ];
    for (let at = 0; at < tries.length; at += 4) {
      const few = tries.slice(at, at + 4);
      const results = await Promise.all(few.map((args) => memory(...args)));
      expect(results.map(({ code }, n) => [few[n], code])).toEqual(few.map((args) => [args, 2]));
      for (const { stderr } of results) expect(stderr).not.toContain('\u001b');
    }
    expect(await readdir(bucket, { recursive: true })).toEqual(before);
  });

  it('in the bucket is reported and skipped, and shown without control characters', async () => {
    await plant('memory/bad.json', 'not JSON');
    await plant('memory/deep.json', `{"value": ${'['.repeat(1e5)}${']'.repeat(1e5)}}`);
    await plant('memory/huge.json', Buffer.alloc(17 << 20, 0x20));
    await plant('memory/_x.json', '{}');
    await plant('memory/notes.txt', 'x');
    await plant('memory/red.json', '{"value": "\\u001b[31m\\u202e", "set_by": "\\u0007"}');
    const { code, stdout, stderr } = await memory('list');
    expect(code).toBe(0);
    expect(stdout).toBe('red  version 1  \\x07  \\x1b[31m\\u202e\n');
    for (const name of ['bad.json', 'deep.json', 'huge.json', 'notes.txt']) {
      expect(stderr).toContain(`memory/${name}`);
    }
    for (const name of ['bad', 'deep', 'huge']) {
      expect(await memory('get', name)).toMatchObject({ code: 1, stdout: '' });
      expect((await memory('set', name, 'x')).code).toBe(1);
    }
    expect((await memory('get', 'red')).stdout).toBe('\\x1b[31m\\u202e\n');
    expect((await memory('set', 'red', 'blue')).stdout).toBe('Set red (version 2)\n');
  });
});
