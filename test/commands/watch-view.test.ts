import { once } from 'node:events';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineOf, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

describe('a watch’s recorded state', () => {
  let world: CliWorld;
  const id = sessionUuid();
  const run = (...args: readonly string[]) => world.run(args, { cwd: world.home });
  const runJson = (...args: readonly string[]) => world.runJson(args, { cwd: world.home });

  beforeAll(async () => {
    world = await createCliWorld();
    const path = join(world.home, '.claude', 'projects', '-srv-mill', `${id}.jsonl`);
    await new Transcript(path).append(
      lineOf(userRow('grind', { sessionId: id, cwd: '/srv/mill' })),
    );
    expect(await run('watch', '--once')).toMatchObject({ code: 0 });
  });

  afterAll(() => world.remove());

  it('is shown with everything else', async () => {
    const { stdout } = await run('status');
    expect(stdout).toMatch(/^Watch\n {2}state {2}not running; the last one ended at 20/m);
    const { json } = await runJson('status');
    expect(json).toMatchObject({
      data: { watch: { running: false, was_killed: false, covered: { sessions: 1 } } },
    });
  });

  it('is shown without the store, with exit code 8', async () => {
    const bucket = join(world.stateFolder, 'bucket');
    await rename(bucket, `${bucket}-away`);
    const away = await run('status');
    expect(away).toMatchObject({ code: 8, stdout: expect.stringMatching(/^Watch\n {2}state/) });
    expect(away.stderr).toContain(bucket);
    const { code, json } = await runJson('status');
    expect(code).toBe(8);
    expect(json).toMatchObject({ data: { watch: { behind_count: 0 } } });
    await rename(`${bucket}-away`, bucket);
    expect(await run('status')).toMatchObject({ code: 0 });
  });

  it('lists unreadable sources, and since when', async () => {
    await mkdir(join(world.home, '.hermes'));
    await writeFile(join(world.home, '.hermes', 'state.db'), 'flour, not a database\n');
    expect(await run('watch', '--once')).toMatchObject({ code: 10 });
    const { stdout } = await run('status');
    expect(stdout).toMatch(/^ {2}unread .*state\.db.* \(since 20\d\d-/m);
  });

  it('says that a watch is running, and that it was killed', async () => {
    const watch = world.start(['watch', '--quiet'], { cwd: world.home });
    const isRunning = async () => (await run('status')).stdout.includes('  runs: pid ');
    await expect.poll(isRunning, { timeout: 20_000 }).toBe(true);
    expect((await run('doctor')).stdout).toMatch(/^. watch +runs: pid \d+, since 20/m);
    const gone = once(watch, 'exit');
    watch.kill('SIGKILL');
    await gone;
    expect((await run('status')).stdout).toMatch(/not running: pid \d+ was killed/);
  });
});
