import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld, repositoryRoot } from '../support/run-cli.js';

const secret = `ghp_${'aB3dE5gH7jK9'.repeat(3)}`;

let world: CliWorld;

beforeEach(async () => {
  world = await createCliWorld();
});

afterEach(() => world.remove());

describe('tracecraft redact', () => {
  it('leaves clean lines unchanged byte for byte, and counts findings by kind', async () => {
    const clean = '{"a":"\\u00e9 \\/ 1e3"}\r\n\n';
    const input = `${clean}{"token":"${secret}"}\nno newline at the end`;
    const { code, stdout, stderr } = await world.run(['redact'], { input });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^\{"a".*\r\n\n\{"token":"\[REDACTED:[a-z0-9-]+\]"\}\nno newline at the end$/s,
    );
    expect(stdout.startsWith(clean)).toBe(true);
    expect(stderr).toMatch(/^redacted [a-z0-9-]+:1\n$/);
  });

  it.runIf(process.platform === 'linux')('shows a terminal no control characters', async () => {
    const notes = join(world.root, 'notes');
    await writeFile(notes, '\u001b[31mred\u001b[0m\u202e and\ttext\n');
    const bin = join(repositoryRoot, 'bin', 'run.cjs');
    const command = `'${process.execPath}' '${bin}' redact < '${notes}'`;
    const env = { PATH: process.env.PATH, HOME: world.home, SHELL: '/bin/sh' };
    const script = ['--quiet', '--return', '--command', command, '/dev/null'];
    const shown = execFileSync('script', script, { env, encoding: 'utf8', input: '' });
    expect(shown).toBe('\\x1b[31mred\\x1b[0m\\u202e and\ttext\r\n');
  });

  it('--check prints nothing and exits with 9 if there is a secret, without saying which', async () => {
    const dirty = await world.run(['redact', '--check'], { input: `${secret}\n` });
    expect(dirty).toMatchObject({ code: 9, stdout: '' });
    expect(dirty.stderr).not.toContain(secret);
    const clean = await world.run(['redact', '--check'], { input: 'fine\n' });
    expect(clean).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('treats text other than JSON lines as one document: a private key and settings are found', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const checked = await world.run(['redact', '--check'], { input: pem });
    expect(checked).toMatchObject({ code: 9, stdout: '' });
    const notes = `# notes\n\n${pem}\nthe end\n`;
    const { stdout } = await world.run(['redact'], { input: notes });
    expect(stdout).toMatch(/^# notes\n\n.*REDACTED.*the end\n$/s);
    expect(stdout).not.toContain(pem.split('\n')[3]);
    const env = `PORT=8080\nDB_PASSWORD=kq7-Zt29-vXw8-Lm41\n`;
    expect((await world.run(['redact', '--check'], { input: env })).code).toBe(9);
    const clean = await world.run(['redact'], { input: '\n\njust\nwords\n' });
    expect(clean).toEqual({ code: 0, stdout: '\n\njust\nwords\n', stderr: '' });
  }, 60_000);

  it('knows the values of variables with secret-looking names', async () => {
    const env = { SHOP_PASSWORD: 'kX9vq27Lm4TrsW8e' };
    const { stdout } = await world.run(['redact'], { env, input: 'say kX9vq27Lm4TrsW8e\n' });
    expect(stdout).toBe('say [REDACTED:known]\n');
  });

  it('answers in JSON with counts only', async () => {
    const { json, code } = await world.runJson(['redact'], { input: `${secret}\n` });
    expect(code).toBe(0);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        found: 1,
        redactions: { [Object.keys(Object(json).data.redactions)[0] ?? '']: 1 },
        redactor_version: expect.any(String),
      },
    });
  });

  it('scan finds secrets that others put into the bucket, by key and kind', async () => {
    await world.run(['init', '--project', 'p', '--agent', 'a']);
    const bucket = join(world.stateFolder, 'bucket');
    const none = await world.run(['redact', 'scan']);
    expect(none).toMatchObject({ code: 0, stdout: expect.stringContaining('no secret found') });
    await mkdir(join(bucket, 'p', 'memory'), { recursive: true });
    await writeFile(join(bucket, 'p', 'memory', 'k.json'), JSON.stringify({ value: secret }));
    const found = await world.run(['redact', 'scan']);
    expect(found.code).toBe(9);
    expect(found.stdout).toContain('p/memory/k.json');
    expect(found.stdout + found.stderr).not.toContain(secret);
    const { json, code } = await world.runJson(['redact', 'scan']);
    expect(code).toBe(9);
    expect(json).toMatchObject({ data: { findings: [{ key: 'p/memory/k.json' }] } });
    expect(await world.run(['redact', 'scan', '--project', 'typo'])).toMatchObject({ code: 3 });
  });

  it('scan --fix takes them out, tells the log, and says what is left and where old versions are', async () => {
    await world.run(['init', '--project', 'p', '--agent', 'a']);
    const folder = join(world.stateFolder, 'bucket', 'p');
    const memory = join(folder, 'memory', 'k.json');
    const artifacts = join(folder, 'artifacts', 'shared');
    await mkdir(join(folder, 'memory'), { recursive: true });
    await mkdir(artifacts, { recursive: true });
    await writeFile(memory, JSON.stringify({ value: secret, version: 1 }));
    await writeFile(join(artifacts, `dump-${secret}.txt`), `${secret}\n`);
    const some = await world.run(['redact', 'scan', '--fix']);
    expect(some).toMatchObject({ code: 9, stderr: expect.stringContaining('Backups') });
    expect(some.stdout).toMatch(/^fixed +github-token:1 +p\/memory\/k\.json$/m);
    expect(some.stdout).toMatch(/^left .*dump-\[REDACTED:github-token\]\.txt: .*--artifacts/m);
    expect(JSON.parse(await readFile(memory, 'utf8'))).toEqual({
      value: '[REDACTED:github-token]',
      version: 1,
    });
    expect(await readdir(artifacts)).toEqual(['dump-[REDACTED:github-token].txt']);
    const { json, code, stdout } = await world.runJson(['redact', 'scan', '--fix', '--artifacts']);
    expect(code).toBe(0);
    expect(json).toMatchObject({
      data: { findings: [{ state: 'fixed', reason: null }], old_versions: expect.any(String) },
    });
    expect(some.stdout + some.stderr + stdout).not.toContain(secret);
    const none = await world.run(['redact', 'scan', '--fix']);
    expect(none).toMatchObject({ code: 0, stdout: expect.stringContaining('no secret found') });
    const log = await world.run(['log']);
    expect(log.stdout).toMatch(/ a +redacted +2 objects: github-token$/m);
    const name = 'dump-[REDACTED:github-token].txt';
    const to = join(world.root, 'got.txt');
    const got = await world.run(['artifact', 'download', name, '--output', to]);
    expect(got).toMatchObject({ code: 0 });
    expect(await readFile(to, 'utf8')).toBe('[REDACTED:github-token]\n');
    expect((await world.run(['redact', 'scan', '--artifacts'])).code).toBe(2);
  }, 60_000);
});
