import { spawn, spawnSync } from 'node:child_process';
import {
  appendFile,
  chmod,
  mkdir,
  readFile,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCarelessS3 } from '../support/careless-s3.js';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { startHub } from '../support/hub/hub.js';
import { canMountPrivately, MountNamespace } from '../support/mount-namespace.js';
import { type S3Server, startR2 } from '../support/r2.js';
import { type CliWorld, collect, createCliWorld, repositoryRoot } from '../support/run-cli.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
let world: CliWorld;
let transcript: Transcript;

interface Report {
  readonly data: {
    readonly ok: boolean;
    readonly findings: readonly { readonly name: string; readonly severity: string }[];
  };
}

async function runChecks(env: Record<string, string> = {}) {
  const { code, stdout } = await world.run(['doctor', '--json'], { env });
  const { data }: Report = JSON.parse(stdout);
  const wrong = data.findings.filter(({ severity }) => severity !== 'note');
  expect(code).toBe(wrong.length === 0 ? 0 : 10);
  expect(data.ok).toBe(wrong.length === 0);
  return data.findings.map(({ name }) => name);
}

async function changedAgo(ms: number): Promise<void> {
  const at = new Date(Date.now() - ms);
  await utimes(transcript.path, at, at);
}

const init = (...args: string[]) =>
  world.run(['init', '--project', 'p', '--agent', 'a', '--force', ...args]);

beforeEach(async () => {
  world = await createCliWorld();
  const id = sessionUuid();
  transcript = new Transcript(join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`));
  await transcript.append(userRow('one', { sessionId: id, cwd: world.project }));
  await changedAgo(hourMs);
});

afterEach(() => world.remove());

const mirror = () => world.run(['watch', '--once', '--all', '--all-projects']);

describe('doctor', () => {
  it('finds no problem where there is none, and says what it checked', async () => {
    await init();
    await mirror();
    expect(await runChecks()).toEqual([]);
    const { code, stdout, stderr } = await world.run(['doctor']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toContain(`✓ node         Node ${process.version}`);
    expect(stdout).toContain('putIfAbsent: of 8 concurrent writers, one created the object');
    expect(stdout).toContain('1 of 1 sessions is in the bucket');
    expect(stdout).toMatch(/Nothing is wrong\.\n$/);
  });

  it('leaves nothing behind in the bucket', async () => {
    await init();
    const before = spawnSync('find', [world.stateFolder, '-type', 'f']).stdout.toString();
    await runChecks();
    expect(spawnSync('find', [world.stateFolder, '-type', 'f']).stdout.toString()).toBe(before);
  });

  it('finds a missing config, an unusable one, and somebody else’s', async () => {
    expect(await runChecks()).toEqual(['no-config']);
    await writeFile(join(world.project, '.tracecraft.json'), '{"backend": "s4"}');
    expect(await runChecks()).toEqual(['config-invalid']);
    const { code, stdout, stderr } = await world.run(['doctor']);
    expect(code).toBe(10);
    expect(stdout).toContain('✗ error config-invalid: ');
    expect(stderr).toContain('one thing is not as it should be');
    const config = { backend: 'local', bucket: join(world.root, 'b'), project: 'p', agent_id: 'a' };
    await mkdir(config.bucket, { mode: 0o700 });
    const path = join(world.project, '.tracecraft.json');
    await writeFile(path, JSON.stringify(config), { mode: 0o600 });
    expect(await runChecks()).toContain('config-untrusted');
  });

  it('finds sessions missing from the bucket, grown since, and soon to be deleted', async () => {
    await init();
    expect(await runChecks()).toEqual(['sessions-not-mirrored']);
    await changedAgo(25 * dayMs);
    // Older than what `watch` takes by itself, so it is not missing; but its harness deletes it soon.
    expect(await runChecks()).toEqual(['cleanup-soon']);
    const settings = join(world.home, '.claude', 'settings.json');
    await writeFile(settings, '{"cleanupPeriodDays": 365}');
    expect(await runChecks()).toEqual([]);
    await mirror();
    expect(await runChecks()).toEqual([]);
    await appendFile(transcript.path, '{"unterminated');
    await changedAgo(hourMs);
    expect(await runChecks()).toEqual([]);
    await appendFile(transcript.path, '"}\n');
    await changedAgo(hourMs);
    expect(await runChecks()).toEqual(['sessions-behind']);
  });

  it.each([
    ['lost', (path: string) => rm(path)],
    ['emptied', (path: string) => writeFile(path, '')],
  ])('finds that the bucket %s a part, until it is put back', async (_what, harm) => {
    await init();
    await mirror();
    const found = spawnSync('find', [world.root, '-name', 'part-*']).stdout.toString().trim();
    expect(found).toMatch(/part-00000-[a-f0-9]{8}\.jsonl$/);
    await harm(found);
    expect(await runChecks()).toEqual(['parts-missing']);
    await mirror();
    expect(await runChecks()).toEqual([]);
  });

  it('finds a transcript that is another by now, though no longer than before', async () => {
    await init();
    await mirror();
    const text = await readFile(transcript.path, 'utf8');
    await writeFile(transcript.path, text.replace('"one"', '"two"'));
    await changedAgo(hourMs);
    expect(await runChecks()).toEqual(['sessions-differ']);
    await mirror();
    expect(await runChecks()).toEqual([]);
  });

  it('finds a part that was cut, with and without local state', async () => {
    await init();
    await mirror();
    const part = spawnSync('find', [world.root, '-name', 'part-*']).stdout.toString().trim();
    await truncate(part, 20);
    expect(await runChecks()).toEqual(['sessions-differ']);
    await rm(join(world.stateFolder, 'state'), { recursive: true });
    expect(await runChecks()).toEqual(['sessions-differ']);
    await mirror();
    expect(await runChecks()).toEqual([]);
  });

  it('finds a sub-agent of which the bucket has nothing', async () => {
    await init();
    await mirror();
    const folder = transcript.path.replace(/\.jsonl$/, '');
    const agent = new Transcript(join(folder, 'subagents', 'agent-b7.jsonl'));
    await agent.append(userRow('dig', { sessionId: sessionUuid(), cwd: world.project }));
    const at = new Date(Date.now() - hourMs);
    await utimes(agent.path, at, at);
    expect(await runChecks()).toEqual(['sessions-behind']);
    const { stdout } = await world.run(['doctor']);
    expect(stdout).toContain(agent.path);
  });

  it('does not read what is too large, and says so', async () => {
    await init();
    await mirror();
    const text = await readFile(transcript.path, 'utf8');
    const other = text.replace('"one"', '"two"');
    await writeFile(transcript.path, `${other}${'z'.repeat(40 << 20)}\n`);
    await changedAgo(hourMs);
    expect(await runChecks()).toEqual(['sessions-not-compared']);
  });

  it('names a session that its harness deletes soon and that is safe in the bucket', async () => {
    await init();
    await changedAgo(25 * dayMs);
    await mirror();
    const { stdout } = await world.run(['doctor']);
    const id = /([^/]+)\.jsonl$/.exec(transcript.path)?.[1];
    expect(stdout).toContain(`safe, restore with tracecraft session restore ${id}`);
  });

  it('finds sessions that are running unwatched', async () => {
    await init();
    await mirror();
    await changedAgo(120_000);
    expect(await runChecks()).toEqual(['watch-not-running']);
    const watch = world.start(['watch', '--all-projects']);
    await new Promise<void>((resolve) => {
      const look = (chunk: Buffer) => chunk.includes('Mirroring') && resolve();
      watch.stdout?.on('data', look);
      watch.stderr?.on('data', look);
    });
    expect(await runChecks()).toEqual([]);
    watch.kill('SIGTERM');
    await collect(watch);
  });

  it('finds a harness folder that is missing', async () => {
    await init();
    await mirror();
    const CLAUDE_CONFIG_DIR = join(world.root, 'nowhere');
    expect(await runChecks({ CLAUDE_CONFIG_DIR })).toEqual([
      'harness-folder-missing',
      'sessions-not-looked-at',
    ]);
  });

  it('finds that a folder of a harness is gone, until it is back', async () => {
    await init();
    await mirror();
    const folder = join(world.home, '.claude');
    await rename(folder, `${folder}-away`);
    expect(await runChecks()).toEqual(['harness-folder-missing']);
    await rename(`${folder}-away`, folder);
    expect(await runChecks()).toEqual([]);
  });

  it('notes unwatched sessions, but not where a list of folders names both', async () => {
    await init();
    const other = join(world.root, 'work-account');
    const id = sessionUuid();
    const second = new Transcript(join(other, 'projects', '-work', `${id}.jsonl`));
    await second.append(userRow('two', { sessionId: id, cwd: world.project }));
    const both = `${other},${join(world.home, '.claude')}`;
    const env = { CLAUDE_CONFIG_DIR: both };
    await world.run(['watch', '--once', '--all', '--all-projects'], { env });
    expect(await runChecks({ CLAUDE_CONFIG_DIR: other })).toContain('sessions-not-looked-at');
    expect(await runChecks(env)).not.toContain('sessions-not-looked-at');
  });

  it('finds folders that others can read', async () => {
    await init();
    await mirror();
    await chmod(join(world.stateFolder, 'bucket'), 0o755);
    await chmod(world.stateFolder, 0o755);
    expect(await runChecks()).toEqual(['state-folder-readable', 'bucket-readable']);
  });

  it('finds a bucket that is gone', async () => {
    const bucket = join(world.root, 'bucket');
    await init('--backend', 'local', '--bucket', bucket);
    spawnSync('mv', [bucket, `${bucket}.gone`]);
    expect(await runChecks()).toEqual(['bucket-missing']);
  });
});

describe('doctor on S3', () => {
  let server: S3Server;

  beforeAll(async () => {
    server = await startR2();
  });

  afterAll(() => server.stop());

  async function configure(changes: Record<string, string | null>): Promise<void> {
    const { endpoint, bucket, region, accessKey, secretKey } = server;
    const config = {
      ...{ backend: 's3', endpoint, bucket, region, access_key: accessKey, secret_key: secretKey },
      ...{ project: 'p', agent_id: 'a', ...changes },
    };
    await mkdir(world.stateFolder, { recursive: true, mode: 0o700 });
    await writeFile(join(world.stateFolder, 'config.json'), JSON.stringify(config), {
      mode: 0o600,
    });
  }

  it('finds no problem where there is none', async () => {
    await configure({});
    await mirror();
    expect(await runChecks()).toEqual([]);
  });

  it('finds problems with credentials, bucket and endpoint', async () => {
    const AWS_EC2_METADATA_DISABLED = 'true';
    await configure({ access_key: null, secret_key: null });
    expect(await runChecks({ AWS_EC2_METADATA_DISABLED })).toEqual(['credentials-missing']);
    await configure({ secret_key: 'wrong' });
    expect(await runChecks()).toEqual(['credentials-refused']);
    await configure({ bucket: 'no-such-bucket' });
    expect(await runChecks()).toEqual(['bucket-missing']);
    await configure({ endpoint: 'http://127.0.0.1:9' });
    expect(await runChecks()).toEqual(['bucket-unreachable']);
  });

  it('finds a store that ignores conditions, is readable by anyone, and has a wrong clock', async () => {
    const store = await startCarelessS3();
    await configure({ endpoint: store.endpoint });
    const careless = ['writes-not-arbitrated', 'bucket-public'];
    expect(await runChecks()).toEqual([...careless, 'sessions-not-mirrored']);
    store.skewMs = -hourMs;
    expect(await runChecks()).toEqual([...careless, 'clock-skew', 'sessions-not-mirrored']);
    await store.stop();
  });
});

describe('doctor on the Hub', () => {
  it('finds a public bucket, and notes what a private one cannot do', {
    timeout: 120_000,
  }, async () => {
    const hub = await startHub();
    const env = {
      HF_ENDPOINT: hub.endpoint,
      HF_TOKEN: hub.token({ name: 'ann', role: 'write' }),
    };
    const hf = ['init', '--backend', 'hf', '--project', 'p', '--agent', 'a', '--force', '--bucket'];
    await world.run([...hf, 'ann/open', '--public'], { env });
    const open = await runChecks(env);
    expect(open).toEqual(['claims-best-effort', 'bucket-public', 'sessions-not-mirrored']);
    await world.run([...hf, 'ann/closed'], { env });
    await world.run(['watch', '--once', '--all', '--all-projects'], { env });
    expect(await runChecks(env)).toEqual(['claims-best-effort']);
    expect(await runChecks({ HF_ENDPOINT: hub.endpoint })).toEqual(['credentials-missing']);
    await hub.stop();
  });
});

describe.skipIf(!canMountPrivately())('doctor on a machine', () => {
  it('finds state that cannot be stored', async () => {
    await init();
    await mirror();
    const namespace = new MountNamespace(world.home);
    await namespace.must(`mount --bind '${world.home}' '${world.home}'`);
    await namespace.must(`mount -o remount,bind,ro '${world.home}'`);
    const { code, output } = await namespace.run(
      `cd '${world.project}' && '${process.execPath}' '${join(repositoryRoot, 'bin', 'run.cjs')}' doctor`,
    );
    await namespace.end();
    expect(output).toContain('error state-folder-unwritable');
    expect(code).toBe(10);
  });

  it('finds a system without file events', async () => {
    await init();
    await mirror();
    const none = 'echo 0 > /proc/sys/user/max_inotify_instances';
    const doctor = `'${process.execPath}' '${join(repositoryRoot, 'bin', 'run.cjs')}' doctor`;
    const child = spawn('unshare', ['-Ur', 'sh', '-c', `${none} && exec ${doctor}`], {
      cwd: world.project,
      env: { PATH: process.env.PATH ?? '', HOME: world.home, TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { code, stdout } = await collect(child);
    expect(stdout).toContain('warning inotify-exhausted');
    expect(code).toBe(10);
  });
});
