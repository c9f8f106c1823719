import { once } from 'node:events';
import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;

beforeAll(async () => {
  world = await createCliWorld();
  await world.run(['init', '--project', 'run', '--agent', 'anna']);
  await world.run(['claim', 'build']);
  await world.run(['complete', 'build', '--note', 'done']);
});

afterAll(() => world.remove());

describe('tracecraft replay', () => {
  it('writes one page and prints its path', async () => {
    const { code, stdout, stderr } = await world.run(['replay']);
    const file = join(world.project, 'replay.html');
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `Wrote ${file}: 3 events, 0 sessions, 0 lines\n`,
      stderr: '',
    });
    expect(await readFile(file, 'utf8')).toMatch(/^<!doctype html>/);
    if (process.platform !== 'win32') expect((await stat(file)).mode & 0o077).toBe(0);
  });

  it('prints JSON, and filters as asked', async () => {
    const { json } = await world.runJson(['replay', '-o', 'x.html', '--until', '2000-01-01']);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        path: join(world.project, 'x.html'),
        data_folder: null,
        events: 0,
        sessions: 0,
        lines: 0,
        skipped: [],
      },
    });
  });

  it('refuses a bad time or name, and a file that cannot be written', async () => {
    expect((await world.run(['replay', '--since', 'soon'])).code).toBe(2);
    expect((await world.run(['replay', '--agent', '../x'])).code).toBe(2);
    await writeFile(join(world.project, 'file'), '');
    const { code, stderr } = await world.run(['replay', '-o', 'file/replay.html']);
    expect(code).toBe(7);
    expect(stderr).toContain('cannot write');
  });

  it('replaces its own pages, and any other file only by force', async () => {
    const page = join(world.project, 'page.html');
    expect((await world.run(['replay', '-o', page])).code).toBe(0);
    expect((await world.run(['replay', '-o', page])).code).toBe(0);
    const thesis = join(world.project, 'thesis.html');
    await writeFile(thesis, '<!doctype html>\n<title>mine</title>\n');
    const linked = join(world.project, 'linked.html');
    await symlink(page, linked);
    for (const path of [thesis, linked]) {
      const { code, stderr } = await world.run(['replay', '-o', path]);
      expect([code, stderr]).toEqual([2, expect.stringContaining('--force')]);
    }
    expect(await readFile(thesis, 'utf8')).toContain('mine');
    expect((await lstat(linked)).isSymbolicLink()).toBe(true);
    expect((await world.run(['replay', '-o', thesis, '--force'])).code).toBe(0);
    expect(await readFile(thesis, 'utf8')).toContain('id="app"');
    await mkdir(join(world.project, 'folder.html'));
    expect((await world.run(['replay', '-o', 'folder.html', '--force'])).code).toBe(2);
  }, 60_000);

  it('writes no data into a folder beside the page that belongs to somebody else', async () => {
    const beside = join(world.project, 'big-data');
    await mkdir(beside);
    await writeFile(join(beside, 'notes.txt'), 'mine');
    const env = { TRACECRAFT_REPLAY_IN_PAGE: '0' };
    const session = sessionUuid();
    const transcript = new Transcript(
      join(world.home, '.claude', 'projects', '-p', `${session}.jsonl`),
    );
    await transcript.append(userRow('hello', { sessionId: session, cwd: world.project }));
    await world.run(['watch', '--once', '--all']);
    const refused = await world.run(['replay', '-o', 'big.html'], { env });
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('big-data')]);
    expect(await readdir(beside)).toEqual(['notes.txt']);
    expect((await world.run(['replay', '-o', 'big.html', '--force'], { env })).code).toBe(0);
    expect((await world.run(['replay', '-o', 'big.html'], { env })).code).toBe(0);
  }, 60_000);

  it('follows: rewrites the page, and ends with one that polls nothing', async () => {
    const file = join(world.project, 'live.html');
    const child = world.start(['replay', '-o', file, '--follow', '--interval', '200ms', '--json']);
    const printed = once(child.stdout ?? child, 'data');
    const sizeOf = async () => (await stat(file).catch(() => undefined))?.size ?? 0;
    const until = async (isDone: () => Promise<boolean>) => {
      while (!(await isDone())) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await until(async () => (await sizeOf()) > 0);
    await world.run(['claim', 'other']);
    const seen = async () => (await stat(file)).mtimeMs;
    const before = await seen();
    await until(async () => (await seen()) > before);
    child.kill('SIGTERM');
    const [[line], [code]] = await Promise.all([printed, once(child, 'exit')]);
    expect(code).toBe(0);
    expect(JSON.parse(String(line)).data.events).toBe(4);
  });
});

describe('tracecraft demo', () => {
  it('plays its story in a folder of its own', async () => {
    const folder = join(world.root, 'demo');
    const { json } = await world.runJson(['demo', '--folder', folder, '--no-open']);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        folder,
        page: join(folder, 'replay.html'),
        project: 'replaydemo',
        events: 24,
        sessions: 3,
        lines: 65,
      },
    });
    const { stdout } = await world.run(['log'], { cwd: folder });
    expect(stdout.trimEnd().split('\n')).toHaveLength(24);
    expect(stdout).toMatch(/reviewer {6}blocked {7}review: missing auth check, needs rework/);
    const again = await world.run(['demo', '--folder', folder, '--no-open']);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('not empty');
  });
});
