import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.js';
import { s3Servers } from '../support/s3-servers.js';

/** A place where commands run, whatever store is behind it. */
interface Stage {
  readonly name: string;
  open(world: CliWorld): Promise<{ close(): Promise<void> }>;
}

const project = `once-${randomBytes(4).toString('hex')}`;

const local: Stage = {
  name: 'a local bucket',
  open: async (world) => {
    const { code, stderr } = await world.run(['init', '--project', project]);
    expect(code, stderr).toBe(0);
    return { close: async () => undefined };
  },
};

const remote: readonly Stage[] = s3Servers().map(({ name, start }) => ({
  name,
  open: async (world) => {
    const server = await start();
    const { bucket, accessKey, secretKey, region, endpoint } = server;
    const where = ['--backend', 's3', '--bucket', bucket, '--endpoint', endpoint];
    const keys = ['--region', region, '--access-key', accessKey, '--secret-key', secretKey];
    const { code, stderr } = await world.run(['init', ...where, ...keys, '--project', project]);
    expect(code, stderr).toBe(0);
    return { close: () => server.stop() };
  },
}));

describe.each([local, ...remote])('coordination on $name', ({ open }) => {
  let world: CliWorld;
  let stage: { close(): Promise<void> };
  let count = 0;

  beforeAll(async () => {
    world = await createCliWorld();
    stage = await open(world);
  }, 60_000);

  afterAll(async () => {
    await stage.close();
    await world.remove();
  });

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
    const path = await statusPath(step);
    if (path === undefined) return;
    await writeFile(path, JSON.stringify({ status: 'complete', agent: 'python' }));
    expect(await data('rev', ['step-status', step])).toMatchObject({
      status: 'complete',
      agent: 'python',
      epoch: 2,
    });
    const late = await run('alex', ['complete', step]);
    expect(late.stderr).toContain(`fenced: step ${step} was taken over by python (epoch 2)`);
    expect(late.code).toBe(4);
  });

  /** On a local bucket alone another tool's write is a plain file. */
  async function statusPath(step: string): Promise<string | undefined> {
    const path = join(world.stateFolder, 'bucket', project, 'steps', step, 'status.json');
    return existsSync(path) ? path : undefined;
  }
});

describe.each(s3Servers())('a completion that is killed on $name', ({ start }) => {
  it('right after claim.json was replaced: the next agent finds its mail, and every reader the rest', async () => {
    const server = await start();
    let onWrite: ((key: string) => Promise<void>) | undefined;
    const proxy: S3Proxy = await startS3Proxy(server.endpoint, {
      onRequest: async ({ kind, key }) => {
        if (kind === 'PUT') await onWrite?.(key);
        return undefined;
      },
    });
    const world = await createCliWorld();
    const { bucket, accessKey, secretKey, region } = server;
    const where = ['--backend', 's3', '--bucket', bucket, '--endpoint', proxy.endpoint];
    const keys = ['--region', region, '--access-key', accessKey, '--secret-key', secretKey];
    const name = `${project}-killed`;
    await world.run(['init', ...where, ...keys, '--project', name]);
    const as = (agent: string) => ({ env: { TRACECRAFT_AGENT: agent } });
    await world.run(['claim', 's'], as('alex'));
    let isReplaced = false;
    const killed = new Promise<void>((resolve) => {
      onWrite = async (key) => {
        if (key.endsWith('/steps/s/claim.json')) {
          isReplaced = true;
          return;
        }
        if (!isReplaced) return;
        // The first thing that follows never arrives, and nor does the rest.
        child.kill('SIGKILL');
        resolve();
        await new Promise(() => undefined);
      };
    });
    const child = world.start(
      ['complete', 's', '--note', 'over to you', '--to', 'rev'],
      as('alex'),
    );
    await killed;
    onWrite = undefined;
    const inbox = await world.runJson(['inbox', '--new'], as('rev'));
    expect(inbox.json).toMatchObject({
      data: {
        messages: [{ from: 'alex', step: 's', message: expect.stringContaining('over to you') }],
      },
    });
    const log = await world.runJson(['log'], as('rev'));
    const types = Object(log.json).data.events.map((event: { type: string }) => event.type);
    expect(types.filter((type: string) => type === 'step.completed')).toHaveLength(1);
    expect(await world.runJson(['step-status', 's'], as('rev'))).toMatchObject({
      json: { data: { status: 'complete' } },
    });
    await world.remove();
    await proxy.stop();
    await server.stop();
  }, 60_000);
});

it('a place’s holder files are named by epoch and nonce, and a win prunes only older epochs', async () => {
  const world = await createCliWorld();
  await world.run(['init', '--project', project, '--agent', 'alex']);
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
