import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, type CliWorld, collect } from '../support/run-cli.js';
import { type Mishap, type Stage, stages, type Trouble } from '../support/stage.js';

describe.each(stages)('writes that arrive late, twice or not at all on $name', ({ open }) => {
  let stage: Stage;
  let world: CliWorld;
  let troubles: Trouble[] = [];

  beforeAll(async () => {
    stage = await open();
    world = await stage.machine();
  }, 60_000);

  afterEach(() => {
    for (const { letGo } of troubles) letGo();
    troubles = [];
  });

  afterAll(() => stage.close());

  const as = (agent: string, more: Readonly<Record<string, string>> = {}) => ({
    env: { TRACECRAFT_AGENT: agent, TRACECRAFT_SESSION: agent, ...more },
  });

  const run = (agent: string, ...args: readonly string[]): Promise<CliResult> =>
    world.run(args, as(agent));

  async function trouble(mishap: Mishap, ...keys: readonly string[]): Promise<Trouble> {
    const one = await stage.trouble(mishap, keys);
    troubles.push(one);
    return one;
  }

  it('a takeover decided before a renewal fails at the store, and waits for the next TTL', async () => {
    const key = stage.layout.claim('renewed');
    expect((await run('ann', 'claim', 'renewed', '--ttl', '1s')).code).toBe(0);
    const { env, happened, letGo } = await trouble('held', key);
    const wait = ['claim', 'renewed', '--wait', '--timeout', '60s'];
    const taker = world.run(wait, as('bob', env));
    await happened;
    const beat = await run('ann', 'heartbeat');
    expect(beat.code, beat.stderr).toBe(0);
    const renewed = await stage.bucket.get(key);
    letGo();
    const late = await taker;
    expect(late.code, late.stderr).toBe(0);
    // When it decided is in its claim. Stores round down to whole seconds.
    const claim = JSON.parse(String((await stage.bucket.get(key))?.body));
    const decidedMs = Date.parse(claim.claimed_at) - (renewed?.modifiedAt.getTime() ?? 0);
    expect(claim).toMatchObject({ agent: 'bob', epoch: 2 });
    expect(decidedMs).toBeGreaterThan(1_000);
  }, 60_000);

  it('an upload of a fenced holder replaces nothing that the next one handed over', async () => {
    const file = join(world.project, 'fix.diff');
    const upload = ['artifact', 'upload', 'fix.diff', '--step', 'fix'];
    await writeFile(file, 'first');
    await run('ann', 'claim', 'fix');
    expect((await run('ann', ...upload)).code).toBe(0);
    await writeFile(file, 'late');
    const key = stage.layout.artifact('fix', 'fix.diff');
    const { env, happened, letGo } = await trouble('held', key);
    const late = world.run(upload, as('ann', env));
    await happened;
    await run('bob', 'release', 'fix', '--force');
    await run('bob', 'claim', 'fix');
    await writeFile(join(world.project, 'bob.diff'), 'handed over');
    const own = ['artifact', 'upload', 'bob.diff', '--name', 'fix.diff', '--step', 'fix'];
    expect((await run('bob', ...own)).code).toBe(0);
    const done = await run('bob', 'complete', 'fix', '--artifact', 'fix.diff');
    expect(done.code, done.stderr).toBe(0);
    letGo();
    expect((await late).code).toBe(4);
    const { code, stderr } = await run('rev', 'artifact', 'download', 'fix/fix.diff', '-o', 'got');
    expect(code, stderr).toBe(0);
    expect(await readFile(join(world.project, 'got'), 'utf8')).toBe('handed over');
    expect((await stage.bucket.get(key))?.body.toString()).toBe('handed over');
  }, 60_000);

  it('a completion that is killed once it is written still reaches the next agent, and every reader', async () => {
    const { layout } = stage;
    await run('ann', 'claim', 'killed');
    const { env, happened, letGo } = await trouble('unanswered', layout.claim('killed'));
    const complete = ['complete', 'killed', '--note', 'over to you', '--to', 'rev'];
    const child = world.start(complete, as('ann', env));
    const ended = collect(child);
    await happened;
    child.kill('SIGKILL');
    expect((await ended).code).toBeNull();
    letGo();
    expect(await stage.bucket.get(layout.handoff('killed'))).toBeUndefined();
    const inbox = await world.runJson(['inbox', '--new'], as('rev'));
    const message = expect.stringContaining('over to you');
    expect(inbox.json).toMatchObject({
      data: { messages: [{ from: 'ann', step: 'killed', message }] },
    });
    const status = await stage.bucket.get(layout.status('killed'));
    expect(JSON.parse(String(status?.body))).toMatchObject({ status: 'complete', agent: 'ann' });
    const log = await world.runJson(['log', '--step', 'killed']);
    const types = Object(log.json).data.events.map((event: { type: string }) => event.type);
    expect(types.filter((type: string) => type === 'step.completed')).toHaveLength(1);
  }, 60_000);

  it('a claim, a memory and a completion that are sent twice succeed once', async () => {
    const { env } = await trouble(
      'twice',
      stage.layout.claim('twice'),
      stage.layout.memory('port'),
    );
    const twice = (...args: readonly string[]) => world.run(args, as('ann', env));
    const claimed = 'Claimed step twice as ann\n';
    expect(await twice('claim', 'twice')).toMatchObject({ code: 0, stdout: claimed });
    const set = await twice('memory', 'set', 'port', '80', '--if-absent');
    expect([set.code, set.stdout]).toEqual([0, expect.stringContaining('version 1')]);
    const done = await twice('complete', 'twice', '--note', 'once');
    expect(done.code, done.stderr).toBe(0);
    const { json } = await world.runJson(['step-status', 'twice']);
    expect(json).toMatchObject({ data: { agent: 'ann', status: 'complete', epoch: 1 } });
  }, 60_000);
});
