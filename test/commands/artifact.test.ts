import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliWorld, collect, createCliWorld } from '../support/run-cli.js';
import { type S3Fault, type S3Proxy, startS3Proxy } from '../support/s3-proxy.js';
import { type S3Server, s3Servers } from '../support/s3-servers.js';

const diff = 'diff --git a/auth.ts b/auth.ts\n';
const diffSha = createHash('sha256').update(diff).digest('hex');
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
/** Put together here, so that no complete token is in the repository. */
const token = `ghp_${'O3l22pZCnRobWbZnrwm0'}${'C78fz0cDpiZv8CUj'}`;

const isFull = process.env.TRACECRAFT_RACES === 'full';

describe('tracecraft artifact', () => {
  let world: CliWorld;
  let bucket = '';

  beforeAll(async () => {
    world = await createCliWorld();
    bucket = join(world.stateFolder, 'bucket', 'demo');
    const init = await world.run(['init', '--project', 'demo', '--agent', 'developer']);
    expect(init.code, init.stderr).toBe(0);
    await writeFile(join(world.project, 'patch-auth.diff'), diff);
  });

  afterAll(() => world.remove());

  it('upload stores a file below its step, and describes it', async () => {
    const said = await world.run(['artifact', 'upload', 'patch-auth.diff', '--step', 'build']);
    expect(said).toEqual({
      code: 0,
      stdout: `Uploaded build/patch-auth.diff  31 B  sha256 ${diffSha}\n`,
      stderr: '',
    });
    expect(await readFile(join(bucket, 'artifacts', 'build', 'patch-auth.diff'), 'utf8')).toBe(
      diff,
    );
    const { json } = await world.runJson([
      'artifact',
      'upload',
      'patch-auth.diff',
      '--name',
      'x/y',
    ]);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        step: 'shared',
        uploaded: [
          {
            step: 'shared',
            name: 'x/y',
            key: 'demo/artifacts/shared/x/y',
            size: 31,
            sha256: diffSha,
          },
        ],
        failed: [],
        passed_over: [],
      },
    });
  });

  it('upload counts as a heartbeat of its agent', async () => {
    await world.run(['artifact', 'upload', 'patch-auth.diff'], {
      env: { TRACECRAFT_AGENT: 'scout' },
    });
    expect(JSON.parse(await readFile(join(bucket, 'agents', 'scout.json'), 'utf8'))).toMatchObject({
      id: 'scout',
      status: 'active',
    });
  });

  it('list shows size, uploader and SHA-256', async () => {
    const { stdout } = await world.run(['artifact', 'list', '--step', 'build']);
    const [heading, row] = stdout.split('\n');
    expect(heading).toMatch(/^ARTIFACT +SIZE +UPLOADED +BY +SHA-256$/);
    expect(row).toMatch(new RegExp(`^build/patch-auth.diff +31 B +\\S+Z +developer +${diffSha}$`));
    const { json } = await world.runJson(['artifact', 'list', '--step', 'build']);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        artifacts: [
          {
            step: 'build',
            name: 'patch-auth.diff',
            key: 'demo/artifacts/build/patch-auth.diff',
            size: 31,
            modified_at: time,
            sha256: diffSha,
            uploaded_by: 'developer',
            uploaded_at: time,
          },
        ],
        skipped: [],
      },
    });
    const none = await world.run(['artifact', 'list', '--step', 'nothing']);
    expect(none).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('No artifacts in nothing'),
    });
  });

  it.runIf(process.platform === 'linux')('list fits a terminal, with short digests', async () => {
    const list = ['artifact', 'list', '--step', 'build'];
    const { stdout } = await world.runInTerminal(list, { columns: 80 });
    const rows = stdout.split(/\r?\n/).filter(Boolean);
    expect(rows[1]).toMatch(new RegExp(`^build/patch-auth.diff .* ${diffSha.slice(0, 12)}$`));
    expect(Math.max(...rows.map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  it('says where it looked for a file that is not there', async () => {
    const missing = await world.run(['artifact', 'upload', 'nofile']);
    expect(missing).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`Looked for ${join(world.project, 'nofile')}: name a file`),
    });
  });

  it('download retrieves it once, and again with --force', async () => {
    const path = join(world.project, 'review', 'patch-auth.diff');
    const args = ['artifact', 'download', 'build/patch-auth.diff', '--to', 'review'];
    expect(await world.run(args)).toEqual({
      code: 0,
      stdout: `Downloaded ${path}  31 B  sha256 ${diffSha}\n`,
      stderr: '',
    });
    expect(await readFile(path, 'utf8')).toBe(diff);
    await writeFile(path, 'mine');
    const again = await world.run(args);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') });
    expect(await readFile(path, 'utf8')).toBe('mine');
    const { json } = await world.runJson([...args, '--force']);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        folder: join(world.project, 'review'),
        downloaded: [
          {
            step: 'build',
            name: 'patch-auth.diff',
            key: 'demo/artifacts/build/patch-auth.diff',
            path,
            size: 31,
            sha256: diffSha,
            verified: true,
          },
        ],
        failed: [],
      },
    });
    expect(await readdir(join(world.project, 'review'))).toEqual(['patch-auth.diff']);
  });

  it('reports missing artifacts', async () => {
    const codes = await Promise.all(
      [
        ['download', 'nothing.txt'],
        ['download', 'nothing', '--recursive'],
        ['download', '--recursive', '--step', 'nothing'],
        ['upload', 'nothing.txt'],
        ['download'],
        ['upload', '.'],
      ].map(async (args) => (await world.run(['artifact', ...args])).code),
    );
    expect(codes).toEqual([3, 3, 3, 3, 2, 2]);
  });

  it('a name with a secret in it is reported by kind, never by value, and scrubbed on request', async () => {
    const name = `dumps/${token}.txt`;
    const args = ['artifact', 'upload', 'patch-auth.diff', '--step', 'leak', '--name', name];
    const scrubbed = await world.run([...args, '--redact']);
    expect(scrubbed).toMatchObject({
      code: 0,
      stdout: `Uploaded leak/dumps/REDACTED-github-token.txt  31 B  sha256 ${diffSha}\n`,
      stderr: expect.stringContaining('github-token'),
    });
    expect(await readdir(join(bucket, 'artifacts', 'leak', 'dumps'))).toEqual([
      'REDACTED-github-token.txt',
    ]);
    expect(await allText(join(bucket, 'events'))).not.toContain(token);
    const warned = await world.run(args);
    expect(warned.code).toBe(0);
    expect(warned.stderr).toMatch(
      /^Warning: the artifact's name contains .*github-token.*--redact/,
    );
    expect(warned.stderr).not.toContain(token);
    expect(await readdir(join(bucket, 'artifacts', 'leak', 'dumps'))).toContain(`${token}.txt`);
  });

  it('planted objects are skipped by name, and unverified ones are reported', async () => {
    await mkdir(join(bucket, 'artifacts', 'planted'), { recursive: true });
    await writeFile(join(bucket, 'artifacts', 'planted', 'evil\u001b[31m.txt'), 'x');
    await writeFile(join(bucket, 'artifacts', 'planted', 'back\\slash'), 'x');
    await writeFile(join(bucket, 'artifacts', 'loose.txt'), 'x');
    await writeFile(join(bucket, 'artifacts', 'planted', 'plain.txt'), 'x');
    const list = await world.run(['artifact', 'list']);
    expect(list.code).toBe(0);
    expect(list.stdout).toMatch(/^planted\/plain\.txt +1 B +\S+ +- +-$/m);
    expect(list.stderr).toContain('demo/artifacts/loose.txt');
    expect(list.stdout + list.stderr).not.toContain('\u001b');
    const got = await world.run([
      'artifact',
      'download',
      'planted',
      '--recursive',
      '--to',
      'planted',
    ]);
    expect(got).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('could not be verified'),
    });
    expect(await readdir(join(world.project, 'planted'))).toEqual(['plain.txt']);
  });

  it('a folder that is partly in the way is downloaded except for that part: exit 10', async () => {
    const folder = join(world.project, 'some');
    await mkdir(folder);
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder, name), name);
    await world.run(['artifact', 'upload', 'some', '--recursive']);
    await mkdir(join(world.project, 'into', 'some'), { recursive: true });
    await writeFile(join(world.project, 'into', 'some', 'b'), 'mine');
    const args = ['artifact', 'download', 'some', '--recursive', '--to', 'into'];
    const text = await world.run(args);
    expect(text).toMatchObject({
      code: 10,
      stdout: expect.stringContaining('Downloaded 2 files'),
      stderr: expect.stringMatching(/shared\/some\/b: .*\n(.*\n)*Error: 1 of 3 artifacts/),
    });
    expect(await readFile(join(world.project, 'into', 'some', 'b'), 'utf8')).toBe('mine');
    const { json, code } = await world.runJson(args);
    expect(code).toBe(10);
    expect(json).toMatchObject({
      data: { failed: [{ name: 'some/a' }, { name: 'some/b' }, { name: 'some/c' }] },
    });
  });
});

describe('1,000 files', () => {
  it('of 250 MiB in all are uploaded and downloaded with flat memory', async () => {
    const world = await createCliWorld();
    await world.run(['init', '--project', 'demo', '--agent', 'developer']);
    await thousand(world, {}, 256 * 1024);
    await world.remove();
  }, 180_000);
});

describe.each(s3Servers())('tracecraft artifact on S3: $name', ({ start }) => {
  let server: S3Server;
  let proxy: S3Proxy;
  let world: CliWorld;
  let env: Record<string, string> = {};
  let delayMs = 0;
  let faultOf = (_kind: string, _key: string): S3Fault | undefined => undefined;

  beforeAll(async () => {
    server = await start();
    proxy = await startS3Proxy(server.endpoint, {
      onRequest: async ({ kind, key }) => {
        const fault = faultOf(kind, key);
        if (fault !== undefined) return fault;
        const isSlow = kind === 'PUT' && key.includes('/artifacts/');
        if (isSlow) await new Promise((resolve) => setTimeout(resolve, delayMs));
        return undefined;
      },
    });
    world = await createCliWorld();
    env = { AWS_ACCESS_KEY_ID: server.accessKey, AWS_SECRET_ACCESS_KEY: server.secretKey };
    const init = await world.run(
      [
        ...['init', '--backend', 's3', '--bucket', server.bucket, '--endpoint', proxy.endpoint],
        ...['--region', server.region, '--agent', 'developer'],
        ...['--project', `artifacts-${randomBytes(4).toString('hex')}`],
      ],
      { env },
    );
    expect(init.code, init.stderr).toBe(0);
    await writeFile(join(world.project, 'a.txt'), 'a');
  });

  afterAll(async () => {
    await world.remove();
    await proxy.stop();
    await server.stop();
  });

  it('an impossible artifact name is refused before any request', async () => {
    proxy.reset();
    const bad = [
      '../x',
      '/etc/passwd',
      'a//b',
      'a/../b',
      './a',
      'a\\b',
      'a\u001bb',
      'x'.repeat(901),
    ];
    for (const name of bad) {
      const up = await world.run(['artifact', 'upload', 'a.txt', '--name', name], { env });
      const down = await world.run(['artifact', 'download', name], { env });
      expect([name, up.code, down.code]).toEqual([name, 2, 2]);
      expect(up.stderr + down.stderr).not.toContain('\u001b');
    }
    for (const step of ['../x', '_cursor', 'a b', '.']) {
      const up = await world.run(['artifact', 'upload', 'a.txt', '--step', step], { env });
      const list = await world.run(['artifact', 'list', '--step', step], { env });
      expect([step, up.code, list.code]).toEqual([step, 2, 2]);
    }
    expect(proxy.counts()).toEqual({});
  });

  it('shows progress after a second', async () => {
    await mkdir(join(world.project, 'slow'));
    const bytes = randomBytes(1024 * 1024);
    for (const name of ['a', 'b', 'c']) await writeFile(join(world.project, 'slow', name), bytes);
    delayMs = 1_100;
    const slow = await world.run(['artifact', 'upload', 'slow', '-r'], { env });
    delayMs = 0;
    expect(slow.code).toBe(0);
    expect(slow.stderr).toMatch(/^upload: 100 % \(3\.0 MiB of 3\.0 MiB\)$/m);
  });

  it('a store that refuses ends it: exit 7, or 10 if something is stored already', async () => {
    await mkdir(join(world.project, 'mixed'));
    for (const name of ['a', 'b']) await writeFile(join(world.project, 'mixed', name), name);
    const answer = { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
    faultOf = (kind, key) =>
      kind === 'PUT' && key.endsWith('/mixed/b')
        ? { fault: 'answer', when: 'before', answer }
        : undefined;
    const some = await world.run(['artifact', 'upload', 'mixed', '-r'], { env });
    const one = await world.run(['artifact', 'upload', 'a.txt', '--name', 'mixed/b'], { env });
    faultOf = () => undefined;
    expect(some).toMatchObject({
      code: 10,
      stdout: expect.stringContaining('Uploaded 1 file to shared'),
      stderr: expect.stringContaining('1 of 2 files were not uploaded'),
    });
    expect(one).toMatchObject({ code: 7, stdout: '' });
    const list = await world.run(['artifact', 'list'], { env });
    expect(list.stdout).toContain('shared/mixed/a');
    expect(list.stdout).not.toContain('shared/mixed/b');
  });

  it('a download that is stopped leaves nothing behind', async () => {
    await world.run(['artifact', 'upload', 'a.txt', '--name', 'stalled.txt'], { env });
    const asked = new Promise<void>((resolve) => {
      faultOf = (kind, key) => {
        if (kind !== 'GET' || !key.endsWith('/stalled.txt')) return undefined;
        resolve();
        return { fault: 'stall', when: 'before' };
      };
    });
    const args = ['artifact', 'download', 'stalled.txt', '--to', 'ended'];
    const child = world.start(args, { env });
    const ended = collect(child);
    await asked;
    expect(await readdir(join(world.project, 'ended'))).toHaveLength(1);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(143);
    faultOf = () => undefined;
    expect(await readdir(join(world.project, 'ended'))).toEqual([]);
  });

  it('1,000 files are uploaded and downloaded', async () => {
    // With 256 KiB the memory that all of them would take shows; the simulator needs a minute for them.
    await thousand(world, env, isFull ? 256 * 1024 : 1024);
  }, 180_000);

  it.runIf(isFull)(
    '1 GiB is uploaded and downloaded with flat memory',
    async () => {
      const path = join(world.project, 'large.bin');
      const chunk = randomBytes(16 * 1024 * 1024);
      for (let n = 0; n < 64; n += 1) {
        chunk.writeUInt32BE(n);
        await writeFile(path, chunk, { flag: 'a' });
      }
      expect(await peakOf(world, ['artifact', 'upload', 'large.bin', '-q'], env)).toBeLessThan(
        300e6,
      );
      expect(
        await peakOf(world, ['artifact', 'download', 'large.bin', '--to', 'large', '-q'], env),
      ).toBeLessThan(300e6);
    },
    600_000,
  );
});

/** Sends a folder of 1,000 files and fetches it again, watching the memory. */
async function thousand(
  world: CliWorld,
  env: Readonly<Record<string, string>>,
  bytesEach: number,
): Promise<void> {
  const folder = join(world.project, 'thousand');
  await mkdir(folder);
  const bytes = randomBytes(bytesEach);
  for (let n = 0; n < 1_000; n += 1) {
    bytes.writeUInt32BE(n);
    await writeFile(join(folder, `${String(n).padStart(4, '0')}.bin`), bytes);
  }
  const about = ['thousand', '--recursive', '--step', 'build', '--quiet'];
  const up = await peakOf(world, ['artifact', 'upload', ...about], env);
  const down = await peakOf(world, ['artifact', 'download', ...about, '--to', 'back'], env);
  const back = join(world.project, 'back', 'thousand');
  expect((await readdir(back)).sort()).toEqual((await readdir(folder)).sort());
  expect(await readFile(join(back, '0999.bin'))).toEqual(await readFile(join(folder, '0999.bin')));
  const { json } = await world.runJson(['artifact', 'list', '--step', 'build'], { env });
  const { data } = v.parse(listSchema, json);
  expect(data.artifacts.filter(({ sha256 }) => sha256 !== null)).toHaveLength(1_000);
  expect(up).toBeLessThan(220e6);
  expect(down).toBeLessThan(220e6);
}

const listSchema = v.object({
  data: v.object({ artifacts: v.array(v.object({ sha256: v.nullable(v.string()) })) }),
});

/** Runs a command; the high-water mark of its resident set, in bytes (proc(5), VmHWM). */
async function peakOf(
  world: CliWorld,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const child = world.start(args, { env });
  const ended = collect(child);
  let peak = 0;
  const timer = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024);
  }, 20);
  const { code, stderr } = await ended;
  clearInterval(timer);
  expect(code, stderr).toBe(0);
  if (process.platform === 'linux') expect(peak).toBeGreaterThan(20e6);
  return peak;
}

async function allText(folder: string): Promise<string> {
  const names = await readdir(folder);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.join('\n');
}

describe('the content of an artifact', () => {
  const token = `ghp_${'zY8xW6vU4tS2'.repeat(3)}`;

  it('is checked: a secret is sent only on request, and scrubbed on request', async () => {
    const world = await createCliWorld();
    try {
      await world.run(['init', '--project', 'p', '--agent', 'a']);
      const stored = join(world.stateFolder, 'bucket', 'p', 'artifacts', 'shared', 'notes.md');
      await writeFile(join(world.project, 'notes.md'), `# how to\n\ntoken ${token}\nbye\n`);
      const upload = ['artifact', 'upload', 'notes.md'];
      const refused = await world.run(upload);
      expect([refused.code, refused.stderr]).toEqual([
        9,
        expect.stringMatching(/[a-z]+-[a-z-]+:1/),
      ]);
      expect(refused.stderr).not.toContain(token);
      await expect(readFile(stored)).rejects.toThrow('ENOENT');
      expect(await world.run([...upload, '--redact'])).toMatchObject({ code: 0 });
      const scrubbed = await readFile(stored, 'utf8');
      expect(scrubbed).toMatch(/^# how to\n\ntoken \[REDACTED:[a-z-]+\]\nbye\n$/);
      expect(await readFile(join(world.project, 'notes.md'), 'utf8')).toContain(token);
      const known = await world.run([...upload, '--yes']);
      expect([known.code, known.stderr]).toEqual([
        0,
        expect.stringContaining('looks like a secret'),
      ]);
      expect(await readFile(stored, 'utf8')).toContain(token);
      await writeFile(join(world.project, 'notes.md'), `\0${token}`);
      expect(await world.run(upload)).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await world.remove();
    }
  }, 90_000);
});
