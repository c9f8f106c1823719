import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';
import { type Stage, stages } from '../support/stage.js';

describe.each(stages)('coordination on $name', ({ open }) => {
  let world: CliWorld;
  let stage: Stage;
  let count = 0;

  beforeAll(async () => {
    stage = await open();
    world = await stage.machine();
  }, 60_000);

  afterAll(() => stage.close());

  const fresh = (): string => {
    count += 1;
    return `step-${count}`;
  };

  function run(
    agent: string,
    args: readonly string[],
    more: Record<string, string> = {},
  ): Promise<CliResult> {
    return world.run(args, { env: { TRACECRAFT_AGENT: agent, ...more } });
  }

  async function data(agent: string, args: readonly string[]) {
    const env = { TRACECRAFT_AGENT: agent };
    return Object((await world.runJson(args, { env })).json).data;
  }

  it('six processes of one name in one place: one exits with 0, five with 4', async () => {
    const step = fresh();
    const session = { TRACECRAFT_SESSION: 's-1' };
    const results = await Promise.all(
      Array.from({ length: 6 }, () => run('alex', ['claim', step], session)),
    );
    expect(results.map(({ code }) => code).sort()).toEqual([0, 4, 4, 4, 4, 4]);
    const losers = results.filter(({ code }) => code === 4);
    for (const { stderr } of losers) {
      expect(stderr).toMatch(
        new RegExp(`you hold step ${step} already \\(epoch 1, since .*, this session\\)`),
      );
    }
    expect((await run('alex', ['complete', step], session)).code).toBe(0);
  });

  it('--mine moves a claim held under the name, and fences its former holder', async () => {
    const step = fresh();
    await run('alex', ['claim', step], { TRACECRAFT_SESSION: 's-1' });
    const elsewhere = { TRACECRAFT_SESSION: 's-2' };
    const asked = await world.runJson(['claim', step], {
      env: { TRACECRAFT_AGENT: 'alex', ...elsewhere },
    });
    expect(asked.json).toMatchObject({ error: { kind: 'lost', held_by_you: true, epoch: 1 } });
    expect((await run('alex', ['claim', step, '--mine'], elsewhere)).code).toBe(0);
    const old = await run('alex', ['complete', step], { TRACECRAFT_SESSION: 's-1' });
    expect(old.stderr).toContain(`fenced: step ${step} was taken over by alex (epoch 2)`);
    expect(old.code).toBe(4);
    expect((await run('alex', ['complete', step], elsewhere)).code).toBe(0);
  });

  it('an epoch identifies the claim, whatever this place remembers', async () => {
    const step = fresh();
    await run('alex', ['claim', step], { TRACECRAFT_SESSION: 's-1' });
    await run('alex', ['claim', step, '--mine'], { TRACECRAFT_SESSION: 's-1' });
    const here = { TRACECRAFT_SESSION: 's-1' };
    const old = await run('alex', ['release', step], {
      ...here,
      TRACECRAFT_STEP: step,
      TRACECRAFT_EPOCH: '1',
    });
    expect(old.stderr).toContain('fenced');
    expect((await run('alex', ['release', step, '--epoch', '2'], {})).code).toBe(0);
  });

  it('--wait wins the step as soon as it is released', async () => {
    const step = fresh();
    await run('alex', ['claim', step]);
    const waiting = run('zed', ['claim', step, '--wait', '--timeout', '60s']);
    await run('alex', ['release', step]);
    expect(await waiting).toMatchObject({ code: 0, stdout: `Claimed step ${step} as zed\n` });
    const late = await run('alex', ['claim', step, '--wait', '--timeout', '1s']);
    expect(late.stderr).toContain(`step ${step} is not free after 1 s: claimed by zed`);
    expect(late.code).toBe(6);
  });

  it('a different report on a finished step is refused, even by force, and nothing is lost', async () => {
    const step = fresh();
    await run('alex', ['claim', step]);
    await run('alex', ['complete', step, '--note', 'done so']);
    const again = await run('alex', ['complete', step, '--note', 'X', '--to', 'rev']);
    expect(again.code).toBe(4);
    expect(again.stderr).toContain(
      `step ${step} was completed already (epoch 1), with another note`,
    );
    const forced = await run('zed', ['complete', step, '--force', '--blocked']);
    expect(forced.code).toBe(4);
    expect((await run('alex', ['complete', step])).code).toBe(0);
    expect(await data('rev', ['handoff', step])).toMatchObject({
      note: 'done so',
      state: 'complete',
    });
  });

  it('what the older tool completed in status.json stays completed, and fences the holder', async () => {
    const step = fresh();
    await run('alex', ['claim', step]);
    const said = { status: 'complete', agent: 'python' };
    await stage.bucket.put(stage.layout.status(step), Buffer.from(JSON.stringify(said)));
    expect(await data('rev', ['step-status', step])).toMatchObject({
      status: 'complete',
      agent: 'python',
      epoch: 2,
    });
    const late = await run('alex', ['complete', step]);
    expect(late.stderr).toContain(`fenced: step ${step} was taken over by python (epoch 2)`);
    expect(late.code).toBe(4);
  });
});

it('a place’s holder files are named by epoch and nonce, and a win prunes only older epochs', async () => {
  const world = await createCliWorld();
  await world.run(['init', '--agent', 'alex']);
  const here = { env: { TRACECRAFT_SESSION: 's-1' } };
  await world.run(['claim', 'a'], here);
  await world.run(['claim', 'a', '--mine'], here);
  const state = join(world.stateFolder, 'state');
  const found = (await readdir(state, { recursive: true })).filter((path) =>
    /claims\/a\//.test(path),
  );
  const files = found.filter((path) => /\d+-[0-9a-f]{32}$/.test(path));
  expect(files).toHaveLength(1);
  expect(files[0]).toMatch(/claims\/a\/alex\/s-1\/2-[0-9a-f]{32}$/);
  const content = JSON.parse(await readFile(join(state, files[0] ?? ''), 'utf8'));
  expect(content).toMatchObject({ etag: expect.any(String), claim: { ttl_s: 7200 } });
  await world.remove();
});
