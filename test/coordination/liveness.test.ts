import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { type CliWorld, collect, createCliWorld } from '../support/run-cli.js';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.js';
import { type S3Server, s3Servers } from '../support/s3-servers.js';

const fakeTime = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
].find((path) => existsSync(path));

const as = (agent: string, more: Record<string, string> = {}) => ({
  env: { TRACECRAFT_AGENT: agent, ...more },
});
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(s3Servers())('who holds a claim on $name', ({ start }) => {
  let server: S3Server;
  let proxy: S3Proxy;
  let world: CliWorld;
  let hold: ((key: string) => Promise<void> | undefined) | undefined;
  let step = '';
  let count = 0;

  beforeAll(async () => {
    server = await start();
    proxy = await startS3Proxy(server.endpoint, {
      onRequest: async ({ kind, key }) => {
        if (kind === 'PUT') await hold?.(key);
        return undefined;
      },
    });
    world = await createCliWorld();
    const { bucket, accessKey, secretKey, region } = server;
    const init = ['init', '--backend', 's3', '--bucket', bucket, '--endpoint', proxy.endpoint];
    const keys = ['--region', region, '--access-key', accessKey, '--secret-key', secretKey];
    const project = `live-${sessionUuid()}`;
    const { code, stderr } = await world.run([...init, ...keys, '--project', project]);
    expect(code, stderr).toBe(0);
  }, 60_000);

  afterAll(async () => {
    await world.remove();
    await proxy.stop();
    await server.stop();
  });

  function fresh(): void {
    count += 1;
    step = `step-${count}`;
    hold = undefined;
  }

  /** Tries again and again; gives how long the holder was left in peace. */
  async function takeover(agent: string, more: Record<string, string> = {}): Promise<number> {
    const startMs = performance.now();
    for (;;) {
      const { code, stderr } = await world.run(['claim', step], as(agent, more));
      if (code === 0) return performance.now() - startMs;
      expect(stderr).toContain(`Step ${step} already claimed by designer`);
      expect(code).toBe(4);
      if (performance.now() - startMs > 30_000) throw new Error('never taken over');
    }
  }

  it('a holder that was killed is taken over after its TTL, and not before', async () => {
    fresh();
    await world.run(['claim', step, '--ttl', '3s'], as('designer'));
    const tookMs = await takeover('developer');
    expect(tookMs).toBeGreaterThan(2_000);
    expect(tookMs).toBeLessThan(15_000);
  }, 60_000);

  it('a holder whose session a watch sees alive keeps it until the session ends', async () => {
    fresh();
    const id = sessionUuid();
    const folder = join(world.home, '.claude', 'projects', '-work');
    await mkdir(folder, { recursive: true });
    await mkdir(join(world.home, '.claude', 'sessions'), { recursive: true });
    const row = lineOf(userRow('hello', { sessionId: id, cwd: world.project }));
    await writeFile(join(folder, `${id}.jsonl`), row);
    // By the harness's own sign: a file named by the process that runs the session.
    const sign = join(world.home, '.claude', 'sessions', `${process.pid}.json`);
    await writeFile(sign, JSON.stringify({ pid: process.pid, sessionId: id, cwd: world.project }));
    const claim = ['claim', step, '--ttl', '3s'];
    expect((await world.run(claim, as('designer', { TRACECRAFT_SESSION: id }))).code).toBe(0);
    const watch = world.start(['watch', '--heartbeat', '1s', '--poll']);
    const watched = collect(watch);
    await pause(9_000);
    const { code } = await world.run(['claim', step], as('developer'));
    expect(code).toBe(4);
    watch.kill('SIGKILL');
    await watched;
    expect(await takeover('developer')).toBeGreaterThan(1_000);
  }, 60_000);

  it('a holder that stalls past its TTL in the middle of completing is fenced', async () => {
    fresh();
    const mine = step;
    await world.run(['claim', step, '--ttl', '1s'], as('designer'));
    let go: () => void = () => undefined;
    let arrived: () => void = () => undefined;
    const isHeld = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    hold = (key) => {
      if (!key.endsWith(`${mine}/claim.json`)) return undefined;
      hold = undefined;
      arrived();
      return new Promise((resolve) => {
        go = resolve;
      });
    };
    const child = world.start(['complete', step, '--note', 'late'], as('designer'));
    const ended = collect(child);
    await isHeld;
    child.kill('SIGSTOP');
    await takeover('developer');
    const before = await world.run(['step-status', step, '--json']);
    child.kill('SIGCONT');
    go();
    const { code, stderr } = await ended;
    expect(stderr).toContain(`fenced: step ${step} was taken over by developer (epoch 2)`);
    expect(code).toBe(4);
    const after = await world.run(['step-status', step, '--json']);
    const view = ({ stdout }: { stdout: string }) => JSON.parse(stdout).data;
    expect(view(after)).toEqual({
      ...view(before),
      last_sign_of_life: expect.any(String),
    });
    expect((await world.run(['handoff', step])).code).toBe(3);
  }, 60_000);

  it.skipIf(fakeTime === undefined).each(['+3600s', '-3600s'])(
    'a clock that is %s off changes nothing',
    async (offset) => {
      fresh();
      const skewed = {
        LD_PRELOAD: fakeTime ?? '',
        FAKETIME: offset,
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
      await world.run(['claim', step, '--ttl', '4s'], as('designer', skewed));
      const soon = await world.run(['claim', step], as('developer', skewed));
      expect(soon.stderr).toContain(`already claimed by designer`);
      expect(soon.code).toBe(4);
      expect(await takeover('developer', skewed)).toBeGreaterThan(1_500);
      const { code, stderr } = await world.run(['complete', step], as('designer', skewed));
      expect(stderr).toContain('fenced');
      expect(code).toBe(4);
    },
    60_000,
  );
});
