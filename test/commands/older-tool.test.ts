import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliResult, CliWorld } from '../support/run-cli.js';
import { type Stage, stages } from '../support/stage.js';

/** What the Python tool writes, as it writes it. */
describe.each(stages)('beside the older tool on $name', ({ open }) => {
  let stage: Stage;
  let world: CliWorld;

  beforeAll(async () => {
    stage = await open();
    world = await stage.machine();
  }, 60_000);

  afterAll(() => stage.close());

  const run = (agent: string, ...args: readonly string[]): Promise<CliResult> =>
    world.run(args, { env: { TRACECRAFT_AGENT: agent } });

  const write = (key: string, document: object): Promise<unknown> =>
    stage.bucket.put(key, Buffer.from(JSON.stringify(document)));

  async function read(key: string): Promise<Record<string, unknown>> {
    return JSON.parse(String((await stage.bucket.get(key))?.body));
  }

  it('what it completed by force stays completed, with its words, whatever we write later', async () => {
    const { layout } = stage;
    await run('ann', 'claim', 'build');
    await write(layout.status('build'), { status: 'blocked', agent: 'python', started_at: null });
    const handoff = { schema: 2, from_agent: 'python', from_step: 'build', state: 'blocked' };
    await write(layout.handoff('build'), { ...handoff, next_agent: null, note: 'no compiler' });
    const late = await run('ann', 'complete', 'build', '--note', 'mine');
    expect([late.code, late.stderr]).toEqual([4, expect.stringContaining('fenced')]);
    expect((await run('bob', 'claim', 'build')).code).toBe(4);
    expect(await read(layout.claim('build'))).toMatchObject({
      epoch: 2,
      agent: 'python',
      outcome: { state: 'blocked', note: 'no compiler' },
    });
    expect(await read(layout.status('build'))).toMatchObject({ status: 'blocked' });
  }, 60_000);

  it('a memory goes both ways: versions and history continue, and hints are right', async () => {
    const slash = `${stage.layout.root}memory/design/contract.json`;
    const set = (value: string, ...more: readonly string[]) =>
      run('ann', 'memory', 'set', 'design.contract', value, ...more);
    expect((await set('one')).stdout).toContain('version 1');
    expect(await read(slash)).toMatchObject({ value: 'one' });
    await write(slash, { value: 'two', set_by: 'python', set_at: new Date().toISOString() });
    expect((await run('bob', 'memory', 'get', 'design.contract')).stdout).toBe('two\n');
    const stale = await set('three', '--if-version', '1');
    expect([stale.code, stale.stderr]).toEqual([4, expect.stringContaining('version 2')]);
    expect((await set('three', '--if-version', '2')).stdout).toContain('version 3');
    expect(await read(slash)).toMatchObject({ value: 'three' });
    const { stdout } = await run('bob', 'memory', 'history', 'design.contract');
    expect(stdout).toMatch(/one\n.*two\n.*three\n$/);
  }, 60_000);

  it('our cursor is no mail of its', async () => {
    const { layout } = stage;
    await run('ann', 'send', 'rev', 'hello');
    expect((await run('rev', 'inbox', '--new')).stdout).toContain('hello');
    const kept: string[] = [];
    for await (const entry of stage.bucket.list(layout.messages('rev'))) {
      if (entry.kind === 'object') kept.push(entry.key);
    }
    expect(kept).toHaveLength(1);
    expect(await read(layout.cursor('rev'))).toMatchObject({ through: expect.any(String) });
  }, 60_000);
});
