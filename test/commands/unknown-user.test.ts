import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Transcript, userRow } from '../support/claude-tree.js';
import { type CliResult, collect, repositoryRoot } from '../support/run-cli.js';

/** No system gives this id to anybody. */
const uid = 64_321;
type Environment = Readonly<Record<string, string>>;

/** Only root may become somebody else, and only Linux has setpriv(1). */
const canBecomeNobody = process.platform === 'linux' && process.getuid?.() === 0;

describe.runIf(canBecomeNobody)('a user id that the system does not know', () => {
  let home = '';
  let project = '';

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'tc-nobody-'));
    project = join(home, 'project');
    await mkdir(project);
    const session = '5d0c8a36-0f5b-4c0e-9a54-2f3f1f1d9d10';
    const transcript = new Transcript(join(home, '.claude', 'projects', '-p', `${session}.jsonl`));
    await transcript.append(userRow('hello', { sessionId: session, cwd: project }));
    const folders = ['.', 'project', '.claude', '.claude/projects', '.claude/projects/-p'];
    const paths = [...folders.map((folder) => join(home, folder)), transcript.path];
    await Promise.all(paths.map((path) => chown(path, uid, uid)));
    await chmod(home, 0o700);
  });

  afterAll(() => rm(home, { recursive: true, force: true }));

  function start(args: readonly string[], env: Environment, cwd: string): ChildProcess {
    const script = join(repositoryRoot, 'bin', 'run.cjs');
    return spawn(
      'setpriv',
      [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', process.execPath, script, ...args],
      { cwd, env: { PATH: process.env.PATH, ...env }, stdio: ['pipe', 'pipe', 'pipe'] },
    );
  }

  function run(
    args: readonly string[],
    env: Environment = { HOME: home },
    cwd = project,
  ): Promise<CliResult> {
    const child = start(args, env, cwd);
    child.stdin?.end();
    return collect(child);
  }

  it('can set a project up and work in it', async () => {
    const init = await run(['init', '--backend', 'local', '--bucket', 'bucket', '--agent', 'nan']);
    expect(init).toMatchObject({ code: 0 });
    const bucket = await stat(join(project, 'bucket'));
    expect(bucket.uid).toBe(uid);
    const commands: readonly (readonly string[])[] = [
      ['status'],
      ['claim', 'build'],
      ['watch', '--once'],
    ];
    for (const command of commands) {
      const { code, stderr } = await run(command);
      expect([command[0], code, stderr]).toEqual([command[0], 0, expect.anything()]);
    }
    const doctor = await run(['doctor', '--json']);
    expect(JSON.parse(doctor.stdout)).toMatchObject({ data: expect.anything() });
  }, 120_000);

  it('needs no agent to mirror under its own name', async () => {
    const lone = await mkdtemp(join(home, 'lone-'));
    await chown(lone, uid, uid);
    const { code, stderr } = await run(['watch', '--once'], { HOME: lone }, lone);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('unexpected')]);
  });

  it('gets the right error for a bucket it may only read', async () => {
    const readOnly = await mkdtemp(join(home, 'read-'));
    const settings = { backend: 'local', bucket: join(readOnly, 'b'), project: 'p', agent_id: 'n' };
    await mkdir(settings.bucket, { mode: 0o555 });
    await writeFile(join(readOnly, '.tracecraft.json'), JSON.stringify(settings));
    await chown(readOnly, uid, uid);
    await run(['trust', '--yes'], { HOME: home }, readOnly);
    const doctor = await run(['doctor', '--json'], { HOME: home }, readOnly);
    const { data } = JSON.parse(doctor.stdout);
    const found = JSON.stringify(data);
    expect(found).toContain('"bucket-read-only"');
    expect(found).toContain(`ls -ld '${settings.bucket}'`);
    expect(found).not.toContain('credentials-');
    expect(found).not.toContain('init --force');
    await chmod(settings.bucket, 0o000);
    const closed = await run(['doctor', '--json'], { HOME: home }, readOnly);
    expect(closed.stdout).toContain('"bucket-forbidden"');
  }, 120_000);

  it('gets help without HOME, and errors that say what needs it', async () => {
    const help = await run(['claim', '--help'], {});
    expect(help).toMatchObject({ code: 0, stderr: '' });
    const { code, stderr } = await run(['status'], {});
    expect(code).toBe(2);
    expect(stderr).toBe(
      'Error: this user has no home folder: HOME is not set, and the system has none\nSet HOME to a folder that this user may write to.\n',
    );
  });
});
