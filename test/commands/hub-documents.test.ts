import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Hub, startHub } from '../support/hub/hub.js';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';

/** Small in `npm test`; as large as artifacts are in the suites that CI runs besides. */
const isLarge = process.env.TRACECRAFT_TEST_S3_ENDPOINT !== undefined;
const artifactBytes = isLarge ? 50_000_000 : 20_000_000;

let hub: Hub;
let world: CliWorld;
let env: Record<string, string>;

beforeAll(async () => {
  hub = await startHub();
  world = await createCliWorld();
  env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: hub.token({ name: 'ann', role: 'write' }) };
  const init = ['init', '--backend', 'hf', '--bucket', 'ann/traces', '--project', 'p'];
  expect(await world.run(init, { env })).toMatchObject({ code: 0 });
}, 60_000);

afterAll(async () => {
  await world.remove();
  await hub.stop();
});

const run = (...args: readonly string[]): Promise<CliResult> => world.run(args, { env });
const as = (agent: string, ...args: readonly string[]): Promise<CliResult> =>
  world.run(args, { env: { ...env, TRACECRAFT_AGENT: agent } });

describe('on Hugging Face', () => {
  it('memory is set, read, listed, logged and deleted', async () => {
    for (const value of ['one', 'two']) {
      expect(await run('memory', 'set', 'plan.now', value)).toMatchObject({ code: 0 });
    }
    expect(await run('memory', 'get', 'plan.now')).toMatchObject({ code: 0, stdout: 'two\n' });
    expect((await run('memory', 'list')).stdout).toContain('plan.now');
    const history = (await run('memory', 'history', 'plan.now')).stdout;
    expect(history).toContain('one');
    expect(history).toContain('two');
    expect(await run('memory', 'delete', 'plan.now')).toMatchObject({ code: 0 });
    expect(await run('memory', 'get', 'plan.now')).toMatchObject({ code: 3 });
  }, 60_000);

  it('a step is passed from one agent to the next', async () => {
    const claimed = await as('ann', 'claim', 'design');
    expect(claimed).toMatchObject({ code: 0 });
    expect(claimed.stderr).toMatch(/best-effort/);
    expect(await as('bob', 'claim', 'design')).toMatchObject({ code: 4 });
    const note = ['--note', 'tables are in plan.now', '--to', 'bob'];
    expect(await as('ann', 'complete', 'design', ...note)).toMatchObject({ code: 0 });
    expect((await as('bob', 'handoff', 'design')).stdout).toContain('tables are in plan.now');
    expect(await as('bob', 'wait-for', 'design')).toMatchObject({ code: 0 });
    expect((await as('bob', 'inbox', '--new')).stdout).toContain('design');
  }, 60_000);

  it('an artifact of many ranges is downloaded, even after a download was killed', async () => {
    const body = randomBytes(artifactBytes);
    await writeFile(join(world.project, 'model.bin'), body);
    const uploaded = await run('artifact', 'upload', 'model.bin', '--step', 'build');
    expect(uploaded, uploaded.stderr).toMatchObject({ code: 0 });

    const args = ['artifact', 'download', 'build/model.bin', '--to', 'got'];
    hub.seen.length = 0;
    hub.faults.delayAll(() => 100);
    const contents = (): number => hub.seen.filter((one) => one.includes('/content/')).length;
    const killed = world.start(args, { env });
    const ended = once(killed, 'close');
    while (contents() === 0 && killed.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    killed.kill('SIGKILL');
    await ended;
    expect(killed.signalCode).toBe('SIGKILL');
    hub.faults.clear();

    expect(await run(...args)).toMatchObject({ code: 0 });
    expect((await readFile(join(world.project, 'got', 'model.bin'))).equals(body)).toBe(true);
    expect(hub.seen.filter((one) => /GET \/v2\/reconstructions/.test(one))).not.toEqual([]);
    expect(contents()).toBeGreaterThan(1);
    // What the killed one left is not taken for the file.
    const left = (await readdir(join(world.project, 'got'))).filter((name) => name !== 'model.bin');
    for (const name of left) expect(name).toMatch(/^\./);
  }, 120_000);

  it('an upload that breaks off is not an artifact, and can be repeated', async () => {
    await writeFile(join(world.project, 'big.bin'), randomBytes(3_000_000));
    // Longer than anybody is patient: what a Hub that is down looks like.
    const down = Array.from({ length: 500 }, () => ({ status: 503, body: 'upstream went away' }));
    const args = ['artifact', 'upload', 'big.bin', '--step', 'build'];
    hub.faults.next(/POST \/v1\/shards/, ...down);
    const first = await run(...args);
    expect(first.code).toBe(8);
    expect(first.stderr).toContain('big.bin');
    hub.faults.clear();
    expect((await run('artifact', 'list', '--step', 'build')).stdout).not.toContain('big.bin');
    expect(await run(...args)).toMatchObject({ code: 0 });
    expect((await run('artifact', 'list', '--step', 'build')).stdout).toContain('big.bin');
  }, 120_000);

  it('an empty file is refused by name, but not the others in its folder', async () => {
    await writeFile(join(world.project, 'empty.txt'), '');
    const refused = await run('artifact', 'upload', 'empty.txt', '--step', 'build');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/empty\.txt.*empty/);
  }, 60_000);
});
