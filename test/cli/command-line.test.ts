import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliWorld, collect, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;

beforeEach(async () => {
  world = await createCliWorld();
});

afterEach(() => world.remove());

describe('the command line', () => {
  it('shows its version and its commands', async () => {
    for (const flag of ['--version', '-v', '-V']) {
      const version = await world.run([flag]);
      expect(version).toMatchObject({ code: 0, stderr: '' });
      expect(version.stdout).toMatch(/^tracecraft\/\d+\.\d+\.\d+ \S+ node-v\d+/);
    }
    for (const args of [[], ['--help'], ['-h'], ['help']]) {
      const help = await world.run(args);
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toContain('Usage: tracecraft COMMAND');
    }
    expect((await world.run(['help', 'trust'])).stdout).toContain('$ tracecraft trust');
  });

  it.each([
    [['trus'], 2, ['Error: unknown command: trus', /Did you mean "tracecraft trust"\?/]],
    [['trust', '--lst'], 2, ['Error: unknown flag: --lst', /Did you mean --list\?/]],
    [['trust', 'x'], 2, ['Error: unexpected argument: x', /tracecraft trust --help/]],
    [['--json'], 2, ['', /^$/]],
    [['trust', '--list', '--revoke'], 2, [/^Error: --revoke=true cannot also/, /trust --help/]],
    [['nonsense', '--help'], 2, ['Error: unknown command: nonsense', /lists all commands/]],
    [['trust'], 3, [/^Error: no config: /, /tracecraft init/]],
    [['trust\u001b[2J'], 2, ['Error: unknown command: trust\\x1b[2J', /lists all|Did you mean/]],
  ] as const)('%j exits %d in text and in JSON', async (args, code, [message, hint]) => {
    const isJsonOnly = args[0] === '--json';
    if (!isJsonOnly) {
      const text = await world.run(args);
      expect(text).toMatchObject({ code, stdout: '' });
      const lines = text.stderr.split('\n');
      expect(lines.length).toBeLessThanOrEqual(4);
      expect(lines[0]).toMatch(message);
      expect(lines[1]).toMatch(hint);
    }
    const json = await world.run(
      isJsonOnly ? args : [...args.slice(0, 1), '--json', ...args.slice(1)],
    );
    expect(json).toMatchObject({ code, stderr: '' });
    expect(JSON.parse(json.stdout)).toEqual({
      schema_version: 1,
      error: {
        kind: code === 3 ? 'not-found' : 'usage',
        message: expect.any(String),
        hint: expect.any(String),
        retryable: false,
      },
    });
  });

  it('shows a stack only when asked', async () => {
    expect((await world.run(['trust'])).stderr).not.toContain('    at ');
    for (const DEBUG of ['tracecraft*', 'tracecraft:x', 'other, *']) {
      expect((await world.run(['trust'], { env: { DEBUG } })).stderr).toContain('    at ');
    }
    expect((await world.run(['trust'], { env: { DEBUG: 'other' } })).stderr).not.toContain(
      '    at ',
    );
  });

  it('exits quietly when the reader has gone', async () => {
    const child = world.start(['--help']);
    child.stdout?.destroy();
    expect(await collect(child)).toMatchObject({ code: 0, stderr: '' });
  });

  it('loads no plugins of the user', async () => {
    const folder = join(world.home, '.local', 'share', 'tracecraft');
    await mkdir(folder, { recursive: true });
    const plugin = join(folder, 'node_modules', 'evil');
    await mkdir(plugin, { recursive: true });
    await writeFile(
      join(plugin, 'package.json'),
      JSON.stringify({ name: 'evil', version: '1.0.0', oclif: { hooks: { init: './hook.js' } } }),
    );
    await writeFile(
      join(plugin, 'hook.js'),
      'process.stdout.write("EVIL\\n"); module.exports = () => {};',
    );
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({
        dependencies: { evil: '1.0.0' },
        oclif: { schema: 1, plugins: [{ name: 'evil', type: 'user', root: plugin }] },
      }),
    );
    expect((await world.run(['--version'])).stdout).not.toContain('EVIL');
  });
});

describe('the code cache', () => {
  const usesOwnCache = Number(process.versions.node.split('.')[0]) < 22;
  const folder = (): string => join(world.home, '.cache', 'tracecraft');

  it.runIf(usesOwnCache)(
    'is private, one file per part of the bundle, and stays unchanged',
    async () => {
      await world.run(['--version']);
      expect((await stat(folder())).mode & 0o777).toBe(0o700);
      const files = await readdir(folder());
      expect(files.length).toBeGreaterThan(1);
      const inodes = async (): Promise<number[]> =>
        Promise.all(files.map(async (file) => (await stat(join(folder(), file))).ino));
      const before = await inodes();
      await world.run(['--version']);
      expect(await inodes()).toEqual(before);
      await world.run(['trust', '--list']);
      expect((await readdir(folder())).length).toBeGreaterThan(files.length);
    },
  );

  it.runIf(usesOwnCache)('is replaced if damaged, and never causes an error', async () => {
    await world.run(['--version']);
    const files = await readdir(folder());
    for (const file of files) await writeFile(join(folder(), file), 'garbage');
    expect(await world.run(['--version'])).toMatchObject({ code: 0, stderr: '' });
    for (const file of files) {
      expect(await readFile(join(folder(), file), 'utf8')).not.toBe('garbage');
    }
  });

  it.runIf(usesOwnCache)('follows XDG_CACHE_HOME', async () => {
    const XDG_CACHE_HOME = join(world.root, 'xdg');
    await world.run(['--version'], { env: { XDG_CACHE_HOME } });
    expect((await readdir(join(XDG_CACHE_HOME, 'tracecraft'))).length).toBeGreaterThan(1);
  });

  it('is not used if others can write to it, nor through a link', async () => {
    await mkdir(folder(), { recursive: true });
    await chmod(folder(), 0o777);
    expect(await world.run(['--version'])).toMatchObject({ code: 0, stderr: '' });
    expect(await readdir(folder())).toEqual([]);

    const elsewhere = join(world.root, 'elsewhere');
    await mkdir(elsewhere, { mode: 0o700 });
    const XDG_CACHE_HOME = join(world.root, 'linked');
    await mkdir(XDG_CACHE_HOME);
    await symlink(elsewhere, join(XDG_CACHE_HOME, 'tracecraft'));
    expect(await world.run(['--version'], { env: { XDG_CACHE_HOME } })).toMatchObject({ code: 0 });
    expect(await readdir(elsewhere)).toEqual([]);
  });

  it('that cannot be created never causes an error', async () => {
    await writeFile(join(world.home, '.cache'), 'a file');
    expect(await world.run(['--version'])).toMatchObject({ code: 0, stderr: '' });
  });
});
