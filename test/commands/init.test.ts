import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, createCliWorld, repositoryRoot } from '../support/run-cli.js';
import { type S3Server, s3Servers } from '../support/s3-servers.js';

let world: CliWorld;
let path = '';

beforeEach(async () => {
  world = await createCliWorld();
  path = join(world.project, '.tracecraft.json');
});

afterEach(() => world.remove());

const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));
const mode = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;
const agent = userInfo().username.replace(/[^A-Za-z0-9._-]+/g, '-');

function git(...args: string[]): void {
  execFileSync('git', ['-C', world.project, ...args], { stdio: 'ignore' });
}

describe('tracecraft init without a flag', () => {
  it('sets up a folder, registers the agent, writes the config and says so', async () => {
    const result = await world.run(['init', '--agent', 'designer']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout.split('\n')).toEqual([
      'backend  local',
      `bucket   ${join(world.stateFolder, 'bucket')} (created)`,
      'project  project',
      'agent    designer (registered)',
      `config   ${path} (mode 600)`,
      'proven   put: an object was written',
      '         get: what was written was read',
      '         list: a listing showed what had just been written, in order',
      '         putIfAbsent: of 8 concurrent writers, one created the object',
      '         putIfMatch: of 8 concurrent writers, one replaced the object',
      '         delete: what was deleted is gone',
      'Next: tracecraft watch',
      '',
    ]);
    expect(await readJson(path)).toEqual({
      backend: 'local',
      bucket: join(world.stateFolder, 'bucket'),
      project: 'project',
      agent_id: 'designer',
      endpoint: null,
    });
    expect(await mode(path)).toBe(0o600);
    expect(await mode(world.stateFolder)).toBe(0o700);
  });

  it('leaves the agent and its event in the bucket, and no trace of the probe', async () => {
    await world.run(['init', '--agent', 'designer']);
    const root = join(world.stateFolder, 'bucket', 'project');
    expect(await readJson(join(root, 'agents', 'designer.json'))).toEqual({
      id: 'designer',
      status: 'active',
      step: null,
      started_at: expect.stringMatching(/^\d{4}-.*Z$/),
      heartbeat: expect.stringMatching(/^\d{4}-.*Z$/),
      summary: null,
      host: expect.any(String),
    });
    const files = await readdir(root, { recursive: true, withFileTypes: true });
    const names = files.filter((file) => file.isFile()).map((file) => file.name);
    expect(names.sort()).toEqual([
      expect.stringMatching(/^\d{19}_designer_[a-f0-9]{8}\.json$/),
      '_bucket.json',
      'designer.json',
    ]);
    const event = names.find((name) => name.includes('_designer_')) ?? '';
    expect(await readJson(join(root, 'events', event))).toMatchObject({
      schema: 1,
      type: 'agent.registered',
      agent: 'designer',
      data: { ref: { key: 'project/agents/designer.json' } },
    });
  });

  it('names the agent after the user, or after TRACECRAFT_AGENT', async () => {
    expect((await world.runJson(['init'])).json).toMatchObject({ data: { agent } });
    const env = { TRACECRAFT_AGENT: 'reviewer' };
    const named = await world.runJson(['init', '--force'], { env });
    expect(named.json).toMatchObject({ data: { agent: 'reviewer' } });
  });

  it.each([
    ['my app (old)', 'my-app-old'],
    ['.hidden', 'hidden'],
    ['日本', 'default'],
    ['a..b', 'a.b'],
  ])('names the project after the folder %j: %s', async (folder, project) => {
    const cwd = join(world.root, folder);
    await mkdir(cwd);
    expect((await world.runJson(['init'], { cwd })).json).toMatchObject({ data: { project } });
  });

  it('trusts what it wrote', async () => {
    await world.run(['init']);
    expect((await world.run(['trust', '--list'])).stdout).toContain(path);
  });

  it('answers in JSON', async () => {
    const { code, json } = await world.runJson(['init', '--agent', 'designer']);
    expect(code).toBe(0);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        backend: 'local',
        location: join(world.stateFolder, 'bucket'),
        project: 'project',
        agent: 'designer',
        new_bucket: true,
        new_agent: true,
        config: path,
        scope: 'project',
        gitignore: 'no-repository',
        capabilities: { put_if_absent: true, put_if_match: true },
        findings: ['put', 'get', 'list', 'putIfAbsent', 'putIfMatch', 'delete'].map((check) => ({
          check,
          ok: true,
          message: expect.any(String),
        })),
      },
    });
  });

  it('says nothing with --quiet', async () => {
    expect(await world.run(['init', '-q'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('an existing config', () => {
  it('is overwritten only with --force, and the agent is already known then', async () => {
    await world.run(['init', '--agent', 'designer']);
    const before = await readFile(path, 'utf8');
    const refused = await world.run(['init', '--project', 'other']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(`config already exists: ${path}`);
    expect(refused.stderr).toContain('--force');
    expect(await readFile(path, 'utf8')).toBe(before);
    const forced = await world.run(['init', '--force', '--agent', 'designer']);
    expect(forced.stdout).toContain('agent    designer (known already)');
  });

  it('is replaced, not written through, if it is a link', async () => {
    const target = join(world.root, 'target.json');
    await writeFile(target, 'precious');
    await symlink(target, path);
    expect(await world.run(['init'])).toMatchObject({ code: 2 });
    expect(await world.run(['init', '--force'])).toMatchObject({ code: 0 });
    expect(await readFile(target, 'utf8')).toBe('precious');
    expect(await mode(path)).toBe(0o600);
  });
});

describe('tracecraft init --global', () => {
  it('warns of a project in the home folder, whose config would apply to all the others', async () => {
    const { code, stderr } = await world.run(['init'], { cwd: world.home });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Warning: this is your home folder: .*"tracecraft init --global"/);
  });

  it('writes the home folder’s config, which applies everywhere and needs no record', async () => {
    const { json } = await world.runJson(['init', '--global']);
    const config = join(world.stateFolder, 'config.json');
    expect(json).toMatchObject({ data: { config, scope: 'home', project: 'default' } });
    expect(await mode(config)).toBe(0o600);
    expect((await world.runJson(['trust', '--list'])).json).toMatchObject({
      data: { trusted: [] },
    });
    expect((await world.run(['trust'], { cwd: world.root })).stdout).toContain(config);
  });

  it('follows TRACECRAFT_HOME', async () => {
    const TRACECRAFT_HOME = join(world.root, 'elsewhere');
    const { json } = await world.runJson(['init', '--global'], { env: { TRACECRAFT_HOME } });
    expect(json).toMatchObject({
      data: {
        config: join(TRACECRAFT_HOME, 'config.json'),
        location: join(TRACECRAFT_HOME, 'bucket'),
      },
    });
  });
});

describe('a local bucket', () => {
  it('is where --bucket says, relative to the current folder', async () => {
    await world.run(['init', '--bucket', '../store']);
    expect(await readJson(path)).toMatchObject({ bucket: join(world.root, 'store') });
    expect(await readdir(join(world.root, 'store'))).toContain('project');
  });

  it('that cannot be created is an error, and leaves no config', async () => {
    await writeFile(join(world.root, 'file'), '');
    const result = await world.run(['init', '--bucket', '../file/store']);
    expect(result.code).toBeGreaterThan(0);
    expect(result.stderr).toContain('file');
    expect(await readdir(world.project)).toEqual([]);
  });
});

describe('in a git work tree', () => {
  const ignoreFile = (): string => join(world.project, '.gitignore');

  beforeEach(() => git('init', '-q'));

  it('keeps the config out of git', async () => {
    await writeFile(join(world.project, '.gitignore'), 'node_modules');
    const result = await world.run(['init']);
    expect(result.stdout).toContain(`${path} (mode 600, in .gitignore)`);
    expect(await readFile(join(world.project, '.gitignore'), 'utf8')).toBe(
      'node_modules\n.tracecraft.json\n',
    );
    await world.run(['init', '--force']);
    expect(await readFile(join(world.project, '.gitignore'), 'utf8')).toBe(
      'node_modules\n.tracecraft.json\n',
    );
  });

  /** What a command shows at a terminal, where every question gets this answer. Linux only. */
  async function answering(typed: string, args: string): Promise<string> {
    const bin = join(repositoryRoot, 'bin', 'run.cjs');
    const shell = `cd '${world.project}' && '${process.execPath}' '${bin}' ${args}; echo "exit $?"`;
    const env = { PATH: process.env.PATH ?? '', HOME: world.home };
    const terminal = spawn('script', ['-qc', shell, '/dev/null'], { env });
    const questions = (text: string): number => text.split('[y/N]').length - 1;
    let shown = '';
    terminal.stdout.on('data', (chunk: Buffer) => {
      const asked = questions(shown);
      shown += chunk.toString();
      if (questions(shown) > asked) terminal.stdin.write(typed);
    });
    await once(terminal, 'close');
    expect(shown).toContain('exit 0');
    // Sentences are broken between words.
    return shown.replace(/\r?\n +/g, ' ');
  }

  it.skipIf(process.platform !== 'linux').each([
    ['y\n', true],
    ['\n', false],
  ])(
    'asks at a terminal about a page written in it: after %j, ignored: %s',
    async (typed, isIgnored) => {
      await world.run(['init']);
      const shown = await answering(typed, 'replay --output run.html');
      expect(shown).toContain('run.html holds transcripts. Keep it out of git');
      const ignored = await readFile(ignoreFile(), 'utf8');
      expect(/^run\.html$/m.test(ignored)).toBe(isIgnored);
    },
  );

  it.skipIf(process.platform !== 'linux').each([
    ['y\n', true],
    ['n\n', false],
  ])(
    'asks at a terminal about the config and a bucket in it: after %j, ignored: %s',
    async (typed, isIgnored) => {
      const shown = await answering(typed, 'init --bucket store');
      expect(shown).toContain('.tracecraft.json may hold keys or transcripts. Keep it out of git');
      expect(shown).toContain('store may hold keys or transcripts. Keep it out of git');
      if (isIgnored) {
        expect(await readFile(ignoreFile(), 'utf8')).toBe('.tracecraft.json\nstore\n');
        expect(shown).toContain('(created, in .gitignore)');
      } else {
        await expect(readFile(ignoreFile())).rejects.toThrow('ENOENT');
        expect(shown).toContain(`git will add ${path}: do not commit it`);
      }
    },
  );

  it('also below its top, but not where another rule ignores it', async () => {
    const deep = join(world.project, 'a', 'b');
    await mkdir(deep, { recursive: true });
    const first = await world.runJson(['init'], { cwd: deep });
    expect(first.json).toMatchObject({ data: { gitignore: 'added' } });
    await writeFile(join(world.project, '.gitignore'), '.trace*\n');
    const second = await world.runJson(['init']);
    expect(second.json).toMatchObject({ data: { gitignore: 'already' } });
    expect(await readFile(join(world.project, '.gitignore'), 'utf8')).toBe('.trace*\n');
  });

  it.each([
    ['a link to a device that never ends', () => symlink('/dev/zero', ignoreFile())],
    ['a link to a file elsewhere', () => symlink('../home/rules', ignoreFile())],
    ['a pipe that nobody writes to', async () => void execFileSync('mkfifo', [ignoreFile()])],
    [
      'a file of gigabytes',
      () => writeFile(ignoreFile(), '').then(() => truncate(ignoreFile(), 3e9)),
    ],
  ])('follows, waits for or loads nothing that came as .gitignore: %s', async (_, plant) => {
    await writeFile(join(world.home, 'rules'), 'theirs\n');
    await plant();
    const { code, stderr } = await world.run(['init']);
    expect(code).toBe(7);
    expect(stderr).toContain(`cannot add to ${ignoreFile()}`);
    expect(stderr).toContain('Add the line .tracecraft.json to it yourself');
    expect(await readFile(join(world.home, 'rules'), 'utf8')).toBe('theirs\n');
  });

  it('warns if git has the config already', async () => {
    await writeFile(path, '{}');
    git('add', '.tracecraft.json');
    const result = await world.run(['init', '--force']);
    expect(result.code).toBe(0);
    expect(result.stderr).toMatch(/^Warning: git tracks .*git rm --cached/);
  });
});

describe('unusable flags', () => {
  it.each([
    [['--backend', 'hf'], /needs a bucket as user\/name/],
    [['--backend', 'hf', '--bucket', 'traces'], /needs a bucket as user\/name/],
    [['--backend', 'hf', '--bucket', 'a/b', '--region', 'x'], /--region is for a bucket on S3/],
    [['--public'], /--public is for a bucket on Hugging Face/],
    [['--backend', 'ftp'], /not a backend: "ftp"/],
    [['--backend', 's3'], /needs a bucket/],
    [['--backend', 's3', '--bucket', 's3://team'], /not the name of a bucket/],
    [['--backend', 's3', '--bucket', 'b', '--endpoint', 'localhost'], /"endpoint" must be/],
    [['--backend', 's3', '--bucket', 'b', '--endpoint', 'http://u:p@h'], /"endpoint" must be/],
    [['--backend', 's3', '--bucket', 'b', '--region', 'a b'], /"region" must be/],
    [['--backend', 's3', '--bucket', 'b', '--access-key', 'AK'], /go together/],
    [['--endpoint', 'http://localhost:1'], /--endpoint is for a bucket on S3/],
    [['--access-key', 'AK'], /--access-key is for a bucket on S3/],
    [['--project', '../up'], /not a name for a project/],
    [['--agent', ''], /not a name for an agent/],
    [['--bucket', 'a\u001bb'], /"bucket" must not contain control/],
  ])('%j exits 2 and changes nothing', async (flags, message) => {
    const result = await world.run(['init', ...flags]);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
    expect(await readdir(world.project)).toEqual([]);
    expect(await readdir(world.home)).not.toContain('.tracecraft');
  });

  it('never shows a secret from the command line', async () => {
    const secret = 'not-to-be-shown-anywhere';
    const result = await world.run(
      ['init', '--backend', 's3', '--bucket', 'team', '--endpoint', 'http://127.0.0.1:1'].concat([
        '--access-key',
        'AK',
        '--secret-key',
        secret,
      ]),
    );
    expect(result.code).toBe(8);
    expect(result.stdout + result.stderr).not.toContain(secret);
    expect(await readdir(world.project)).toEqual([]);
  });
});

describe.each(s3Servers())('a bucket on S3: $name', ({ start }) => {
  let server: S3Server;

  beforeAll(async () => {
    server = await start();
  });

  afterAll(() => server.stop());

  const project = `init-${randomBytes(4).toString('hex')}`;
  const place = (): string[] => [
    ...['init', '--backend', 's3', '--bucket', server.bucket, '--endpoint', server.endpoint],
    ...['--region', server.region, '--project', project, '--agent', 'designer'],
  ];
  const credentials = (): Record<string, string> => ({
    AWS_ACCESS_KEY_ID: server.accessKey,
    AWS_SECRET_ACCESS_KEY: server.secretKey,
  });

  it('is probed and recorded, without the credentials of the environment', async () => {
    const { code, json, stderr } = await world.runJson(place(), { env: credentials() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(json).toMatchObject({
      data: {
        backend: 's3',
        location: expect.stringContaining(server.bucket),
        capabilities: { put_if_absent: true, put_if_match: true },
        new_agent: true,
      },
    });
    expect(await readJson(path)).toEqual({
      backend: 's3',
      bucket: server.bucket,
      project,
      agent_id: 'designer',
      endpoint: server.endpoint,
      region: server.region,
    });
  });

  it('is used with keys from flags, which are stored in the config and nowhere else', async () => {
    const keys = ['--access-key', server.accessKey, '--secret-key', server.secretKey];
    const result = await world.run([...place(), ...keys]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).not.toContain(server.secretKey);
    expect(await readJson(path)).toMatchObject({
      access_key: server.accessKey,
      secret_key: server.secretKey,
    });
    expect(await mode(path)).toBe(0o600);
  });

  it('without credentials exits 7 and leaves no config', async () => {
    const env = { AWS_EC2_METADATA_DISABLED: 'true' };
    const result = await world.run(place(), { env });
    expect(result).toMatchObject({ code: 7, stdout: '' });
    expect(result.stderr.trim().split('\n').length).toBeLessThanOrEqual(3);
    expect(await readdir(world.project)).toEqual([]);
  });
});
