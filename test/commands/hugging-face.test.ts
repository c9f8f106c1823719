import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type Fate, tooFast } from '../support/hub/faults.js';
import { type Hub, startHub } from '../support/hub/hub.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let hub: Hub;
let token: string;
let env: Record<string, string>;
let transcript: Transcript;
const id = sessionUuid();

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) =>
    userRow(`row ${from + index}`, { sessionId: id, cwd: world.project }),
  );

const init = (bucket: string, ...more: string[]) =>
  world.run(
    [
      'init',
      '--backend',
      'hf',
      '--bucket',
      bucket,
      '--project',
      'hftest',
      '--agent',
      'tester',
      '--force',
      ...more,
    ],
    { env },
  );

beforeAll(async () => {
  world = await createCliWorld();
  hub = await startHub();
  token = hub.token({ name: 'ann', role: 'write' });
  env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: token };
  const path = join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`);
  transcript = new Transcript(path);
  await transcript.append(...rows(0, 30));
});

afterAll(async () => {
  await world.remove();
  await hub.stop();
});

describe('a bucket on Hugging Face', () => {
  it('is created private, reported as such, and contains no token', async () => {
    const { code, stdout, stderr } = await init('ann/traces');
    expect(stderr).toMatch(/claims are best-effort/);
    expect(stderr).not.toMatch(/PUBLIC/);
    expect(code).toBe(0);
    expect(stdout).toContain('Backend: HuggingFace Buckets  Bucket: ann/traces (private)');
    expect(hub.buckets.get('ann/traces')?.isPrivate).toBe(true);
    const config = await readFile(join(world.project, '.tracecraft.json'), 'utf8');
    expect(`${config}${stdout}${stderr}`).not.toContain(token);
  });

  it('works with three commands whose byte counts agree', async () => {
    const fresh = join(world.root, 'fresh');
    await mkdir(fresh);
    const own = sessionUuid();
    const path = join(world.home, '.claude', 'projects', '-fresh', `${own}.jsonl`);
    await new Transcript(path).append(userRow('seed', { sessionId: own, cwd: fresh }));
    const here = { env, cwd: fresh };
    const init = ['init', '--backend', 'hf', '--bucket', 'ann/seed', '--project', 'hftest'];
    expect(await world.run([...init, '--agent', 'tester'], here)).toMatchObject({ code: 0 });
    const mirror = ['session', 'mirror', '--harness', 'claude-code'];
    const mirrored = await world.run(mirror, here);
    expect(mirrored).toMatchObject({ code: 0 });
    const line =
      /^uploaded part-00000-[0-9a-f]{8} {2}source=([\d,]+B) {2}upload=([\d,]+B) {2}redactions=none$/m;
    expect(mirrored.stdout).toMatch(line);
    const [, source, upload] = line.exec(mirrored.stdout) ?? [];
    expect(source).toBe(`${(await readFile(path)).length.toLocaleString('en-US')}B`);
    expect(upload).toBe(source);
    const listed = await world.run(['session', 'list', '--long'], here);
    expect(listed.stdout.split(/ {2,}/)).toContain(upload?.replace('B', ' B'));
  });

  it('receives a session, part by part, and shows it', async () => {
    const mirror = ['session', 'mirror', '--harness', 'claude-code'];
    const first = await world.run(mirror, { env });
    expect(first).toMatchObject({ code: 0 });
    const size = (await readFile(transcript.path)).length;
    const bytes = `${size.toLocaleString('en-US')}B`;
    expect(first.stdout).toMatch(/uploaded part-00000-[0-9a-f]{8} /);
    expect(first.stdout).toContain(`source=${bytes}  upload=${bytes}  redactions=none`);
    await transcript.append(...rows(30, 40));
    expect((await world.run(mirror, { env })).stdout).toMatch(/uploaded part-00001-/);
    const list = await world.runJson(['session', 'list'], { env });
    const total = (await readFile(transcript.path)).length;
    expect(list.json).toMatchObject({
      data: {
        sessions: [{ session_id: id, part_count: 2, total_lines: 40, total_uploaded_bytes: total }],
      },
    });
    const shown = await world.run(['session', 'show', id, '--tail', '40', '--raw'], { env });
    expect(shown.stdout).toBe(await readFile(transcript.path, 'utf8'));
    expect(await world.run(['session', 'verify', id], { env })).toMatchObject({ code: 0 });
  });

  it('loses nothing to temporary refusals', async () => {
    await transcript.append(...rows(40, 50));
    hub.faults.next(/POST .*\/batch/, 'unanswered', tooFast(1), 'dropped');
    const mirrored = await world.run(['session', 'mirror', '--harness', 'claude-code'], { env });
    expect(mirrored).toMatchObject({ code: 0 });
    const shown = await world.run(['session', 'show', id, '--tail', '50', '--raw'], { env });
    expect(shown.stdout).toBe(await readFile(transcript.path, 'utf8'));
  });

  it('that is public without a request causes a loud warning', async () => {
    hub.createBucket('ann/shown', { isPrivate: false });
    const found = await init('ann/shown');
    expect(found).toMatchObject({ code: 0, stdout: expect.stringContaining('ann/shown (public)') });
    expect(found.stderr).toContain('PUBLIC BUCKET');
    const asked = await init('ann/open', '--public');
    expect(asked.stdout).toContain('ann/open (public)');
    expect(asked.stderr).not.toContain('PUBLIC BUCKET');
  });

  it('reports what is wrong with a token without showing it', async () => {
    const reader = hub.token({ name: 'ann', role: 'read' });
    hub.createBucket('ann/other');
    for (const [wrong, message] of [
      ['hf_nobodyknowsthisone', /does not accept this token/],
      [reader, /may not do that/],
      ['', /no Hugging Face token/],
    ] as const) {
      const flags = ['--backend', 'hf', '--bucket', 'ann/other', '--force'];
      const failed = await world.run(['init', ...flags], { env: { ...env, HF_TOKEN: wrong } });
      expect(failed.code).toBe(7);
      expect(failed.stderr).toMatch(message);
      if (wrong !== '') expect(failed.stdout + failed.stderr).not.toContain(wrong);
    }
  });

  it('stores a token only if it was passed as a flag', async () => {
    hub.createBucket('ann/flagged');
    const config = join(world.project, '.tracecraft.json');
    expect(await init('ann/flagged', '--hf-token', token)).toMatchObject({ code: 0 });
    expect(await readFile(config, 'utf8')).toContain(token);
    expect((await stat(config)).mode & 0o777).toBe(0o600);
    const listed = await world.run(['agents'], { env: { HF_ENDPOINT: hub.endpoint } });
    expect(listed).toMatchObject({ code: 0 });
    expect(await init('ann/flagged')).toMatchObject({ code: 0 });
    expect(await readFile(config, 'utf8')).not.toContain(token);
  });

  it('shows no token, whatever is printed, in success or failure', async () => {
    const told = { ...env, DEBUG: '*,tracecraft*', NODE_DEBUG: 'tracecraft' };
    const commands = [['agents'], ['status'], ['session', 'list'], ['memory', 'get', 'nothing']];
    const said: string[] = [];
    const tell = async (over: Record<string, string>): Promise<void> => {
      for (const args of commands) {
        for (const more of [[], ['--json']]) {
          const { stdout, stderr } = await world.run([...args, ...more], { env: over });
          said.push(stdout, stderr);
        }
      }
    };
    await tell(told);
    hub.faults.next(/./, ...Array.from({ length: 40 }, () => echoed(token)));
    await tell(told);
    hub.faults.clear();
    expect(said.join('\n')).not.toContain(token);
    expect(said.join('\n')).toMatch(/may not do that/);
    expect(await filesHold(world.stateFolder, token)).toEqual([]);
  }, 60_000);

  it.each([
    ['a newline', (valid: string) => `${valid}\nX-Other: 1`],
    ['a space', (valid: string) => `${valid} x`],
    ['a character beyond ASCII', (valid: string) => `${valid}é`],
  ])('refuses a token with %s in it, and does not send it', async (_, spoil) => {
    const before = hub.seen.length;
    const failed = await world.run(['agents'], { env: { ...env, HF_TOKEN: spoil(token) } });
    expect(failed.code).toBe(7);
    expect(failed.stdout + failed.stderr).not.toContain(token);
    expect(hub.seen.length).toBe(before);
  });

  it.each(['../etc', 'ann/..', 'ann/../x', 'ann/x/../../y', 'ann/%2e%2e', 'ann/a?b', 'ann/a#b'])(
    'refuses the bucket name %s before anything is sent',
    async (name) => {
      const before = hub.seen.length;
      const refused = await init(name);
      expect(refused.code).toBe(2);
      expect(hub.seen.length).toBe(before);
    },
  );

  it('that is gone is reported, and so is one that cannot be reached', async () => {
    const gone = hub.createBucket('ann/gone');
    expect(await init(gone.id)).toMatchObject({ code: 0 });
    hub.buckets.delete(gone.id);
    const missing = await world.run(['memory', 'list'], { env });
    expect(missing.code).toBe(3);
    expect(missing.stderr).toContain('ann/gone');
    const dead = { ...env, HF_ENDPOINT: 'http://127.0.0.1:9' };
    const unreached = await world.run(['memory', 'list'], { env: dead });
    expect(unreached.code).not.toBe(0);
    expect(unreached.stderr).not.toContain(token);
  }, 60_000);

  it('that asks for a pause gets one', async () => {
    hub.createBucket('ann/slow');
    expect(await init('ann/slow')).toMatchObject({ code: 0 });
    hub.faults.next(/POST .*\/batch/, tooFast(2));
    const startMs = performance.now();
    const set = await world.run(['memory', 'set', 'k', 'v'], { env });
    expect(set).toMatchObject({ code: 0 });
    // Not a figure of speed: the Hub named these two seconds.
    expect(performance.now() - startMs).toBeGreaterThan(2_000);
  }, 60_000);
});

/** As a server answers that repeats what it was sent. */
function echoed(token: string): Fate {
  return {
    status: 403,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: `Bearer ${token} is not enough` }),
  };
}

/** Which files below a folder have this in them. */
async function filesHold(folder: string, secret: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path)).includes(secret)) found.push(path);
  }
  return found;
}
