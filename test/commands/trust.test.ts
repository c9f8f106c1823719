import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld, repositoryRoot } from '../support/run-cli.js';

const config = {
  backend: 's3',
  bucket: 'team\u202e',
  project: 'app',
  agent_id: 'designer',
  endpoint: 'http://localhost:1',
  profile: 'work',
  transport: 'sdk',
  claim_ttl: '15m',
  watch: { since: '30d', harness: ['codex', 'hermes'] },
  search: { publish: false },
  prices: { 'our model': { input: 1, output: 2 } },
  redact: {
    patterns: [{ name: 'ticket', pattern: 'T-[0-9]{8}' }],
    allow: ['a, "b'],
    disable: ['aws'],
  },
};

const bin = join(repositoryRoot, 'bin', 'run.cjs');

let world: CliWorld;
let path = '';

beforeEach(async () => {
  world = await createCliWorld();
  path = join(world.project, '.tracecraft.json');
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
});

afterEach(() => world.remove());

describe('tracecraft trust', () => {
  it('shows what the config does, and records it', async () => {
    const result = await world.run(['trust', '--yes']);
    expect(result).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        `config       ${path}`,
        'backend      s3',
        'location     team\\u202e',
        'endpoint     http://localhost:1',
        'region       -',
        'profile      work',
        'transport    sdk',
        'credentials  yours, from the profile the config names',
        'project      app',
        'agent        designer',
        'claim ttl    15m',
        'watch        since 30d, harness codex hermes',
        'search       packs are not published',
        'prices       "our model"',
        'patterns     ticket "T-[0-9]{8}"',
        'allow        "a, \\"b"',
        'disable      "aws"',
        `Trusted ${path}`,
        '',
      ].join('\n'),
    });
    const listed = await world.run(['trust', '--list']);
    expect(listed.stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}\S+\.tracecraft\.json\n$/);
  });

  it('answers in JSON', async () => {
    const { code, json } = await world.runJson(['trust', '--yes']);
    expect(code).toBe(0);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        config: path,
        backend: 's3',
        location: 'team\u202e',
        endpoint: 'http://localhost:1',
        endpoint_variable: null,
        region: null,
        profile: 'work',
        transport: 'sdk',
        credentials: 'profile',
        project: 'app',
        agent: 'designer',
        claim_ttl: '15m',
        watch: { since: '30d', harness: ['codex', 'hermes'] },
        search: { publish: false },
        prices: { 'our model': { input: 1, output: 2 } },
        patterns: [{ name: 'ticket', pattern: 'T-[0-9]{8}' }],
        allow: ['a, "b'],
        disable: ['aws'],
        trusted: true,
      },
    });
    expect((await world.runJson(['trust', '--list'])).json).toEqual({
      schema_version: 1,
      data: {
        trusted: [
          {
            path,
            bucket_folder: null,
            sha256: expect.stringMatching(/^[a-f0-9]{64}$/),
            trusted_at: expect.stringMatching(/Z$/),
          },
        ],
      },
    });
  });

  it('records nothing without a yes', async () => {
    const refused = await world.run(['trust'], { input: 'y\n' });
    expect(refused.code).toBe(7);
    expect(refused.stdout).toContain('endpoint     http://localhost:1\n');
    expect(refused.stderr).toMatch(/nobody said yes.*--yes.*An agent never trusts/s);
    const { code, json } = await world.runJson(['trust']);
    expect(code).toBe(7);
    expect(json).toMatchObject({ data: { location: 'team\u202e', trusted: false } });
    expect((await world.runJson(['trust', '--list'])).json).toMatchObject({
      data: { trusted: [] },
    });
    expect(await world.run(['steps'])).toMatchObject({ code: 7, stdout: '' });
    for (const other of ['--list', '--revoke']) {
      expect(await world.run(['trust', '--yes', other])).toMatchObject({ code: 2 });
    }
  });

  it('does not ask about a trusted config', async () => {
    await world.run(['trust', '--yes']);
    const again = await world.run(['trust']);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain(`Trusted already: ${path}`);
  });

  it.each([
    ['the ones in the config itself', { access_key: 'AK', secret_key: 'SK' }],
    ['yours, wherever the AWS tools find them', { profile: null }],
    ['none', { backend: 'local', bucket: 'b' }],
    ['the ones in the config itself', { backend: 'hf', bucket: 'a/b', hf_token: 'hf_x' }],
    ['yours: HF_TOKEN, or what "hf auth login" stored', { backend: 'hf', bucket: 'a/b' }],
  ])('says whose credentials it would use: %s', async (whose, more) => {
    await writeFile(path, JSON.stringify({ ...config, ...more }), { mode: 0o600 });
    const { stdout } = await world.run(['trust', '--yes']);
    expect(stdout).toContain(`credentials  ${whose}\n`);
    expect(stdout).not.toMatch(/\b(SK|hf_x)\b/);
  });

  it('shows where a link that came with the folder leads', async () => {
    await mkdir(join(world.root, 'diary'));
    await symlink('../diary', join(world.project, 'data'));
    await writeFile(path, JSON.stringify({ backend: 'local', bucket: 'data', project: 'app' }));
    const { stdout } = await world.run(['trust', '--yes']);
    const named = join(world.project, 'data');
    expect(stdout).toContain(`location     ${named} (leads to ${join(world.root, 'diary')})\n`);
    const { json } = await world.runJson(['trust']);
    const data = { location: named, bucket_folder: join(world.root, 'diary'), trusted: true };
    expect(json).toMatchObject({ data });
  });

  it('quotes a name that could pass for something else', async () => {
    const bucket = 'traces     endpoint  https://s3.example.com';
    await writeFile(path, JSON.stringify({ ...config, bucket, profile: 'work (yours)' }));
    const { stdout } = await world.run(['trust', '--yes']);
    expect(stdout).toContain(`location     "${bucket}"\n`);
    expect(stdout).toContain('profile      "work (yours)"\n');
    await mkdir(join(world.project, 'data (leads to'));
    await writeFile(
      path,
      JSON.stringify({ backend: 'local', bucket: 'data (leads to', project: 'app' }),
    );
    const local = await world.run(['trust', '--yes']);
    expect(local.stdout).toContain(`location     "${join(world.project, 'data (leads to')}"\n`);
  });

  it('says if the endpoint comes from the environment', async () => {
    await writeFile(path, JSON.stringify({ ...config, endpoint: null }), { mode: 0o600 });
    const env = { AWS_ENDPOINT_URL: 'http://localhost:2' };
    const { stdout } = await world.run(['trust', '--yes'], { env });
    expect(stdout).toContain('http://localhost:2 (says AWS_ENDPOINT_URL, not the config)\n');
    await world.run(['trust', '--revoke']);
    expect((await world.run(['trust', '--yes'])).stdout).toContain('endpoint     Amazon S3\n');
  });

  it.skipIf(process.platform !== 'linux').each([
    ['y\n', 0],
    ['yes\n', 0],
    ['\n', 7],
    ['no\n', 7],
    ['\u0004', 7],
  ])('asks at a terminal: after %j it ends with %d', async (typed, code) => {
    const shell = `cd '${world.project}' && '${process.execPath}' '${bin}' trust; echo "exit $?"`;
    const env = { PATH: process.env.PATH ?? '', HOME: world.home };
    const terminal = spawn('script', ['-qc', shell, '/dev/null'], { env });
    let shown = '';
    terminal.stdout.on('data', (chunk: Buffer) => {
      if (!shown.includes('[y/N]') && `${shown}${chunk}`.includes('[y/N]')) {
        terminal.stdin.write(typed);
      }
      shown += chunk.toString();
    });
    await once(terminal, 'close');
    expect(shown).toContain('Let tracecraft write to and read from the S3 bucket "team\\u202e" at');
    expect(shown).toContain(`exit ${code}`);
    const { json } = await world.runJson(['trust', '--list']);
    expect(Object(json).data.trusted).toHaveLength(code === 0 ? 1 : 0);
  });

  it('revokes, and says if there is nothing to revoke', async () => {
    await world.run(['trust', '--yes']);
    expect(await world.run(['trust', '--revoke'])).toMatchObject({
      code: 0,
      stdout: `No longer trusted: ${path}\n`,
    });
    expect(await world.run(['trust', '--revoke'])).toMatchObject({ code: 3, stdout: '' });
    expect((await world.runJson(['trust', '--list'])).json).toMatchObject({
      data: { trusted: [] },
    });
  });

  it('keeps its records readable only by their owner', async () => {
    await world.run(['trust', '--yes']);
    const folder = join(world.stateFolder, 'trusted');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('needs no record for the config in the home folder', async () => {
    const stateFolder = join(world.root, 'state');
    await mkdir(stateFolder);
    const { redact: _, ...own } = config;
    await writeFile(join(stateFolder, 'config.json'), JSON.stringify(own), { mode: 0o600 });
    const env = { TRACECRAFT_HOME: stateFolder };
    const result = await world.run(['trust'], { cwd: world.root, env });
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('This is your own config and needs no record.');
    expect((await world.run(['trust', '--list', '--json'], { env })).stdout).toContain(
      '"trusted":[]',
    );
  });

  it('changes nothing in the config', async () => {
    const before = await readFile(path, 'utf8');
    await world.run(['trust', '--yes']);
    expect(await readFile(path, 'utf8')).toBe(before);
  });
});
