import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let bucket = '';
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);

beforeAll(async () => {
  world = await createCliWorld();
  bucket = join(world.stateFolder, 'bucket', 'project');
  const { code, stderr } = await world.run(['init', '--project', 'project', '--agent', 'designer']);
  expect(code, stderr).toBe(0);
});

afterAll(() => world.remove());

const as = (agent: string) => ({ env: { TRACECRAFT_AGENT: agent } });

function run(agent: string, ...args: readonly string[]): Promise<CliResult> {
  return world.run(args, as(agent));
}

async function json(agent: string, ...args: readonly string[]): Promise<unknown> {
  return (await world.runJson(args, as(agent))).json;
}

async function objects(): Promise<string[]> {
  const all = await readdir(bucket, { recursive: true, withFileTypes: true });
  return all.filter((one) => one.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

describe('a step from claim to handoff', () => {
  it('is claimed by one and refused to the next, in text, in JSON and by exit code', async () => {
    const first = await run('designer', 'claim', 'design');
    expect(first).toEqual({ code: 0, stdout: 'Claimed step design as designer\n', stderr: '' });
    const second = await run('developer', 'claim', 'design');
    expect(second.code).toBe(4);
    expect(second.stdout).toBe('');
    expect(second.stderr).toContain('Step design already claimed by designer\n');
    expect(await json('developer', 'claim', 'design')).toEqual({
      schema_version: 1,
      error: {
        kind: 'lost',
        message: 'Step design already claimed by designer',
        hint: expect.stringContaining('wait-for design'),
        retryable: false,
      },
    });
  });

  it('is shown to everyone', async () => {
    expect(await json('designer', 'step-status', 'design')).toEqual({
      schema_version: 1,
      data: {
        step: 'design',
        status: 'in_progress',
        agent: 'designer',
        session_id: null,
        epoch: 1,
        claimed_at: time,
        completed_at: null,
        ttl_s: 7200,
        last_sign_of_life: time,
        expired: false,
        note: null,
      },
    });
    const { stdout } = await run('designer', 'steps');
    expect(stdout).toMatch(/^design {2}in_progress {2}designer {2}epoch 1 {2}claimed \S+ ago, /);
    const agents = await run('designer', 'agents');
    expect(agents.stdout).toMatch(/^designer +active +step design +last heartbeat/m);
  });

  it('is handed over with the whole report', async () => {
    const flags = ['--note', 'contract agreed', '--to', 'developer', '--next-action', 'build it'];
    const { code, stdout } = await run('designer', 'complete', 'design', ...flags);
    expect(stdout).toBe('Completed step design\nStep design handed off to developer\n');
    expect(code).toBe(0);
    const handoff = {
      schema: 2,
      from_agent: 'designer',
      from_step: 'design',
      next_agent: 'developer',
      state: 'complete',
      next_action: 'build it',
      note: 'contract agreed',
      created_at: time,
      epoch: 1,
      message_id: expect.stringMatching(/^[0-9a-f]{8}$/),
    };
    expect(await json('developer', 'handoff', 'design')).toEqual({
      schema_version: 1,
      data: handoff,
    });
    const text = await run('developer', 'handoff', 'design');
    expect(text.stdout).toContain('note:         contract agreed\n');
    expect(await json('designer', 'complete', 'design')).toEqual({
      schema_version: 1,
      data: { step: 'design', repeated: true, handoff },
    });
  });

  it('can be waited for', async () => {
    const done = await run('developer', 'wait-for', 'design');
    expect(done).toMatchObject({ code: 0, stdout: 'Step design completed by designer\n' });
    const late = await run('developer', 'wait-for', 'build', '--timeout', '1s');
    expect(late).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('Waiting for step build: nobody has claimed it.'),
    });
    await run('developer', 'claim', 'build');
    const waiting = run('reviewer', 'wait-for', 'build', 'design', '--timeout', '60s');
    await run('developer', 'complete', 'build', '--blocked', '--note', 'no compiler');
    const { code, stderr } = await waiting;
    expect(stderr).toContain('step build was blocked by developer: no compiler');
    expect(code).toBe(5);
  });

  it('that needs a review is reported to those waiting for it', async () => {
    await run('developer', 'claim', 'docs');
    await run('developer', 'complete', 'docs', '--needs-review', '--note', 'please read');
    const { code, stderr } = await run('reviewer', 'wait-for', 'docs', '--timeout', '1s');
    expect(stderr).toContain('needs review: docs (developer: please read)');
    expect(stderr).toContain('Waiting for step docs: needs review by developer.');
    expect(code).toBe(6);
  });

  it('is taken over after its TTL, and its former holder is told', async () => {
    await run('designer', 'claim', 'slow', '--ttl', '1s');
    let taken = await run('developer', 'claim', 'slow');
    for (let n = 0; taken.code !== 0 && n < 100; n += 1) {
      taken = await run('developer', 'claim', 'slow');
    }
    expect(taken.stdout).toBe('Claimed step slow as developer\n');
    expect(taken.stderr).toContain('Taken over from designer');
    const { code, stderr } = await run('designer', 'release', 'slow');
    expect(stderr).toContain('fenced: step slow was taken over by developer (epoch 2)');
    expect(code).toBe(4);
    expect((await run('developer', 'release', 'slow')).stdout).toBe('Released step slow\n');
  });

  it('without a claim is not found', async () => {
    for (const command of ['release', 'step-status', 'handoff']) {
      const { code, stdout } = await run('designer', command, 'never-heard-of');
      expect({ command, code, stdout }).toEqual({ command, code: 3, stdout: '' });
    }
  });
});

describe('the changed files from git', () => {
  const git = (args: readonly string[], env: Record<string, string> = {}) =>
    promisify(execFile)('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], {
      cwd: world.project,
      env: { ...process.env, ...env },
    });

  it('are none outside a work tree, with a warning', async () => {
    await run('designer', 'claim', 'plain');
    const { code, stderr } = await run('designer', 'complete', 'plain', '--changed-files-from-git');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('Warning: no git work tree in');
    expect(await json('designer', 'handoff', 'plain')).toMatchObject({
      data: { state: 'complete', changed_files: [] },
    });
  });

  it('are recorded, committed since the claim or not, whatever their names', async () => {
    await run('designer', 'claim', 'patch');
    await git(['init', '-q']);
    await writeFile(join(world.project, '.git', 'info', 'exclude'), '.tracecraft.json\n');
    for (const name of ['old.txt', 'untouched.txt']) await writeFile(join(world.project, name), '');
    await git(['add', '.']);
    await git(['commit', '-qm', 'old'], { GIT_COMMITTER_DATE: '2020-01-01T00:00:00Z' });
    await mkdir(join(world.project, 'a b'));
    await writeFile(join(world.project, 'a b', 'new “file”.txt'), 'new');
    await writeFile(join(world.project, 'committed.txt'), 'new');
    await git(['add', 'committed.txt']);
    await git(['commit', '-qm', 'new']);
    await writeFile(join(world.project, 'old.txt'), 'changed');
    const { code, stderr } = await run('designer', 'complete', 'patch', '--changed-files-from-git');
    expect(code, stderr).toBe(0);
    expect(await json('designer', 'handoff', 'patch')).toMatchObject({
      data: { changed_files: ['a b/new “file”.txt', 'committed.txt', 'old.txt'] },
    });
  });

  it('ends nothing where git fails', async () => {
    await writeFile(join(world.project, '.git', 'index'), 'damaged');
    await run('designer', 'claim', 'torn');
    const { code, stderr } = await run('designer', 'complete', 'torn', '--changed-files-from-git');
    expect(stderr).toContain('git cannot say what has changed');
    expect(code).toBe(2);
    expect(await json('designer', 'step-status', 'torn')).toMatchObject({
      data: { status: 'in_progress' },
    });
  });
});

describe('hostile input', () => {
  const names = ['../x', '_a', '.a', 'a..b', 'a/b', 'a\u001b[31m', 'x'.repeat(129), ''];
  const commands = ['claim', 'release', 'complete', 'handoff', 'step-status', 'wait-for'];

  it('in a step name is refused by every command before anything is written', async () => {
    const before = await objects();
    const tries = [
      ...names.map((name) => ['claim', '--', name]),
      ...commands.map((command) => [command, '../x']),
    ];
    for (const args of tries) {
      const { code, stderr } = await run('designer', ...args);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).not.toContain('\u001b');
    }
    expect(await objects()).toEqual(before);
  });

  it('an agent name is checked too', async () => {
    const { code } = await world.run(['claim', 'x'], { env: { TRACECRAFT_AGENT: '../me' } });
    expect(code).toBe(2);
    expect((await run('designer', 'complete', 'design', '--to', '_x')).code).toBe(2);
  });

  it('in the bucket is reported and skipped, and shown without control characters', async () => {
    const plant = async (key: string, body: string | Buffer): Promise<void> => {
      const path = join(bucket, key);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, body);
    };
    await plant('steps/bad/claim.json', 'not JSON');
    await plant('steps/worse/claim.json', '{"agent": 7}');
    await plant('steps/worst/claim.json', Buffer.alloc(1 << 20, 0xff));
    await plant('steps/_hidden/claim.json', '{}');
    await plant('steps/deep/er/claim.json', '{}');
    await plant(
      'steps/red/claim.json',
      JSON.stringify({ agent: '\u001b[31mme\u202e', claimed_at: 'never', ttl_s: null }),
    );
    await plant('agents/bad.json', '[]');
    const steps = await run('designer', 'steps');
    expect(steps.code).toBe(0);
    for (const step of ['bad', 'worse', 'worst']) {
      expect(steps.stderr).toContain(`steps/${step}/claim.json`);
      expect((await run('designer', 'claim', step)).code).toBe(1);
    }
    expect(steps.stdout).toMatch(/^red /m);
    expect(steps.stdout).not.toContain('\u001b');
    expect(steps.stdout).not.toContain('hidden');
    const refused = await run('designer', 'claim', 'red');
    expect(refused.code).toBe(4);
    expect(refused.stderr).not.toContain('\u001b');
    const agents = await run('designer', 'agents');
    expect(agents.code).toBe(0);
    expect(agents.stderr).toContain('agents/bad.json');
  });

  it('of a megabyte is refused or accepted whole, never a crash', async () => {
    await run('designer', 'claim', 'big');
    const note = 'x'.repeat(100_000);
    expect((await run('designer', 'complete', 'big', '--note', note)).code).toBe(0);
    expect(await json('designer', 'handoff', 'big')).toMatchObject({ data: { note } });
    await run('designer', 'claim', 'bigger');
    const { code, stderr } = await run('designer', 'complete', 'bigger', '--note', `${note}x`);
    expect(code).toBe(2);
    expect(stderr).toContain('--note');
  });
});
