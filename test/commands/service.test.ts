import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readUnit } from '../../src/service/systemd-unit.js';
import { lineOf, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { createFakeSystemctl, type FakeSystemctl } from '../support/fake-systemctl.js';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';

const isLinux = process.platform === 'linux';
if (!isLinux) process.stderr.write('SKIPPED, this is not Linux: the service commands\n');

let world: CliWorld;
let systemctl: FakeSystemctl;
let unit = '';
let env: Record<string, string> = {};

beforeEach(async () => {
  world = await createCliWorld();
  systemctl = await createFakeSystemctl(world.root);
  unit = join(world.home, '.config/systemd/user/tracecraft.service');
  // The code cache is the executable's, not the service's.
  env = { PATH: systemctl.PATH, XDG_CACHE_HOME: join(world.root, 'cache') };
});

afterEach(() => world.remove());

function service(...args: readonly string[]): Promise<CliResult> {
  return world.run(['service', ...args], { env });
}

async function tree(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}

function running(sinceSeconds: number, more: readonly string[] = []): readonly string[] {
  const enteredUs = Number(process.hrtime.bigint() / 1_000n) - sinceSeconds * 1_000_000;
  const state = ['ActiveState=active', 'SubState=running', 'Result=success', 'MainPID=4711'];
  return [...state, `ActiveEnterTimestampMonotonic=${Math.trunc(enteredUs)}`, ...more];
}

describe.skipIf(!isLinux)('tracecraft service', () => {
  it('installs, shows its state, and uninstalls without a trace', async () => {
    const before = await tree(world.home);
    expect(await service('status')).toMatchObject({ code: 3, stdout: '' });
    const installed = await service('install');
    expect(installed).toMatchObject({ code: 0 });
    expect(installed.stdout).toContain(unit);
    expect(await systemctl.asked()).toEqual(['daemon-reload', 'restart tracecraft.service']);
    expect(await tree(world.home)).toEqual([
      ...before,
      '.config',
      '.config/systemd',
      '.config/systemd/user',
      '.config/systemd/user/default.target.wants',
      '.config/systemd/user/default.target.wants/tracecraft.service',
      '.config/systemd/user/tracecraft.service',
    ]);

    await systemctl.shows(running(0));
    const status = await service('status');
    expect(status).toMatchObject({ code: 0 });
    expect(status.stdout).toMatch(/running, pid 4711, since \d{4}-/);
    expect(status.stdout).toContain('a line of the journal');

    const removed = await service('uninstall');
    expect(removed).toMatchObject({ code: 0, stderr: '' });
    expect(await systemctl.asked()).toContain('stop tracecraft.service');
    expect(await tree(world.home)).toEqual(before);
    expect(await service('uninstall')).toMatchObject({ code: 3 });
  });

  it('changes nothing the second time, and keeps the existing folders', async () => {
    await mkdir(join(world.home, '.config/systemd'), { recursive: true });
    await service('install', '--since', '30d');
    const first = await readFile(unit);
    const again = await world.runJson(['service', 'install', '--since', '30d'], { env });
    expect(again.json).toMatchObject({ data: { changed: false, started: true } });
    expect(await readFile(unit)).toEqual(first);
    await service('uninstall');
    expect(await tree(world.home)).toEqual(['.config', '.config/systemd']);
  });

  it('is mirroring when the unit’s command is run as written', async () => {
    const claude = join(world.root, 'claude $HOME %h "q"');
    env = { ...env, CLAUDE_CONFIG_DIR: claude };
    expect(await service('install', '--interval', '1s')).toMatchObject({ code: 0 });
    const spec = readUnit(await readFile(unit, 'utf8'))?.spec;
    if (spec === undefined) throw new Error('the unit is not ours');
    const child = spawn(spec.node, [spec.script, ...spec.args], {
      cwd: spec.folder,
      env: { PATH: process.env.PATH, ...spec.variables },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const id = sessionUuid();
    const transcript = new Transcript(join(claude, 'projects', '-work', `${id}.jsonl`));
    await transcript.append(lineOf(userRow('hello', { sessionId: id, cwd: '/work' })));
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      if (String(chunk).includes('uploaded part-00000')) break;
    }
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    expect(await closed).toEqual([0, null]);
    const parts = (await tree(join(world.stateFolder, 'bucket'))).filter((path) =>
      path.includes(`${id}/part-00000`),
    );
    expect(parts).toHaveLength(1);
  });

  it('says what its watch cannot read, from what that recorded', async () => {
    await mkdir(join(world.home, '.hermes'));
    await writeFile(join(world.home, '.hermes', 'state.db'), 'barley, not a database\n');
    expect(await service('install')).toMatchObject({ code: 0 });
    await systemctl.shows(running(0));
    const before = await service('status');
    expect(before.stderr).not.toContain('state.db');

    const watch = world.start(['watch', '--quiet'], { cwd: world.home, env });
    const closed = once(watch, 'close');
    watch.stdout?.resume();
    watch.stderr?.resume();
    const isRecorded = async () => (await service('status')).stderr.includes('state.db');
    await expect.poll(isRecorded, { timeout: 60_000 }).toBe(true);
    const status = await world.runJson(['service', 'status'], { env });
    watch.kill('SIGTERM');
    await closed;
    expect(status).toMatchObject({
      code: 10,
      json: {
        data: {
          findings: [{ name: 'source-unreadable', message: expect.stringMatching(/since 20/) }],
        },
      },
    });
  });

  it('shows what it would do, and does nothing', async () => {
    const before = await tree(world.home);
    const shown = await service('install', '--print', '--all-projects');
    expect(shown).toMatchObject({ code: 0 });
    expect(shown.stdout).toContain('"watch" "--wait" "--all-projects"\n');
    const other = await service('install', '--print', '--manager', 'launchd');
    expect(other.stdout).toMatch(/^<\?xml[\s\S]*<\/plist>\n$/);
    expect(await tree(world.home)).toEqual(before);
    expect(await systemctl.asked()).toEqual([]);
  });

  it('keeps credentials out of the unit, in a file only their owner can read', async () => {
    env = { ...env, AWS_SECRET_ACCESS_KEY: 'open-sesame', HF_TOKEN: 'not-asked-for' };
    await service('install', '--env', 'AWS_SECRET_ACCESS_KEY');
    const file = join(world.stateFolder, 'service.env');
    expect(await readFile(file, 'utf8')).toBe('AWS_SECRET_ACCESS_KEY="open-sesame"\n');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(unit, 'utf8');
    expect(text).toContain(`EnvironmentFile=${file}\n`);
    expect(text).not.toMatch(/open-sesame|not-asked-for/);

    await chmod(file, 0o644);
    await systemctl.shows(running(0));
    expect((await service('status')).stderr).toContain('others can read the credentials');

    await service('install');
    await expect(stat(file)).rejects.toThrow('ENOENT');
    expect(await readFile(unit, 'utf8')).not.toContain('EnvironmentFile');
    expect(await service('install', '--env', 'NOT_SET')).toMatchObject({ code: 2 });
  });

  it('refuses an untrusted config, as watch does', async () => {
    const config = { backend: 'local', bucket: './b', project: 'app', agent_id: 'a' };
    await writeFile(join(world.project, '.tracecraft.json'), JSON.stringify(config));
    const [refused, watched] = [await service('install'), await world.run(['watch'], { env })];
    expect(refused).toMatchObject({ code: 7, stderr: watched.stderr });
    expect(refused.stderr).toContain('tracecraft trust');
    await expect(stat(unit)).rejects.toThrow('ENOENT');

    await world.run(['trust', '--yes'], { env });
    expect(await service('install')).toMatchObject({ code: 0 });
    expect(await readFile(unit, 'utf8')).toContain(`WorkingDirectory=${world.project}\n`);
    await systemctl.shows(running(0));
    expect(await service('status')).toMatchObject({ code: 0 });
    await writeFile(
      join(world.project, '.tracecraft.json'),
      JSON.stringify({ ...config, project: 'x' }),
    );
    expect(await service('status')).toMatchObject({
      code: 10,
      stderr: expect.stringContaining('not a trusted config'),
    });
  });

  it('never touches a unit that somebody else wrote or changed', async () => {
    await mkdir(join(unit, '..'), { recursive: true });
    await writeFile(unit, '[Service]\nExecStart=/bin/true\n');
    for (const verb of ['install', 'uninstall']) {
      expect(await service(verb)).toMatchObject({ code: 2 });
    }
    expect(await readFile(unit, 'utf8')).toBe('[Service]\nExecStart=/bin/true\n');
    expect(await systemctl.asked()).toEqual([]);
    expect(await service('install', '--force')).toMatchObject({ code: 0 });
    await writeFile(unit, `${await readFile(unit, 'utf8')}# mine\n`);
    for (const verb of ['install', 'uninstall']) {
      expect((await service(verb)).stderr).toContain('was changed since tracecraft wrote it');
    }
    await mkdir(`${unit}.d`);
    const removed = await service('uninstall', '--force');
    expect(removed).toMatchObject({ code: 0 });
    expect(removed.stdout).toContain(`Left ${unit}.d`);
  });

  it('reports stale settings, and how to fix them', async () => {
    await service('install');
    await rm(join(unit, '../default.target.wants/tracecraft.service'));
    await systemctl.shows(running(0, ['FragmentPath=/elsewhere/tracecraft.service']));
    const { code, json } = await world.runJson(['service', 'status'], { env });
    expect(code).toBe(10);
    expect(json).toMatchObject({
      data: { running: true, findings: [{ name: 'not-at-login' }, { name: 'other-definition' }] },
    });
    expect(await service('install')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('uses another definition: /elsewhere'),
    });
    const before = await systemctl.asked();
    await service('uninstall');
    expect((await systemctl.asked()).slice(before.length)).not.toContain('stop tracecraft.service');
  });

  it('reports that it is not running, or that its state is unknown', async () => {
    await service('install');
    await systemctl.shows(['ActiveState=failed', 'SubState=failed', 'Result=exit-code']);
    expect(await service('status')).toMatchObject({
      code: 10,
      stderr: expect.stringContaining('not running: failed (exit-code)'),
    });
    await systemctl.shows(undefined);
    expect(await service('status')).toMatchObject({ code: 8 });
  });

  it('installs nothing without a service manager', async () => {
    const bin = join(world.root, 'bare-bin');
    await mkdir(bin);
    await symlink(process.execPath, join(bin, 'node'));
    env = { ...env, PATH: bin };
    const before = await tree(world.home);
    expect(await service('install')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no systemctl on this machine'),
    });
    expect(await service('install', '--print')).toMatchObject({ code: 0 });
    expect(await tree(world.home)).toEqual(before);
  });

  it('refuses durations and paths that would not work later', async () => {
    expect(await service('install', '--since', 'soon')).toMatchObject({ code: 2 });
    env = { ...env, CODEX_HOME: 'here' };
    expect(await service('install')).toMatchObject({ code: 2 });
    env = { ...env, CODEX_HOME: '/x\nExecStartPre=/bin/evil' };
    expect(await service('install')).toMatchObject({ code: 2 });
    await expect(stat(unit)).rejects.toThrow('ENOENT');
  });
});
