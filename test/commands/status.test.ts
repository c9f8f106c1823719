import { randomBytes } from 'node:crypto';
import { cpus, loadavg } from 'node:os';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { encodeDocument } from '../../src/protocol/documents.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.js';
import { type S3Server, s3Servers } from '../support/s3-servers.js';

const latencyMs = 30;

describe.each(s3Servers())('status on $name, 30 ms away', ({ start }) => {
  let server: S3Server;
  let proxy: S3Proxy;
  let world: CliWorld;
  const flight = { now: 0, most: 0 };
  const project = `status-${randomBytes(4).toString('hex')}`;

  beforeAll(async () => {
    server = await start();
    proxy = await startS3Proxy(server.endpoint, {
      onRequest: async () => {
        flight.now += 1;
        flight.most = Math.max(flight.most, flight.now);
        await new Promise((resolve) => setTimeout(resolve, latencyMs));
        flight.now -= 1;
        return undefined;
      },
    });
    world = await createCliWorld();
    const { bucket, accessKey, secretKey, region } = server;
    const init = ['init', '--backend', 's3', '--bucket', bucket, '--endpoint', proxy.endpoint];
    const keys = ['--region', region, '--access-key', accessKey, '--secret-key', secretKey];
    const { code, stderr } = await world.run([...init, ...keys, '--project', project]);
    expect(code, stderr).toBe(0);
  }, 60_000);

  afterAll(async () => {
    await world.remove();
    await proxy.stop();
    await server.stop();
  });

  async function status(): Promise<number> {
    const startMs = performance.now();
    const { code, stdout, stderr } = await world.run(['status']);
    const tookMs = performance.now() - startMs;
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('step-499  in_progress  agent-');
    return tookMs;
  }

  it('of 500 steps reads each claim once, many at a time', async () => {
    const { bucket, accessKey, secretKey, region, endpoint } = server;
    const client = openS3Bucket({ endpoint, bucket, accessKey, secretKey, region });
    const layout = bucketLayout(project);
    const steps = Array.from({ length: 500 }, (_, n) => `step-${String(n).padStart(3, '0')}`);
    for (let at = 0; at < steps.length; at += 50) {
      await Promise.all(
        steps.slice(at, at + 50).map((step, n) => {
          const claim = { agent: `agent-${n % 5}`, epoch: 1, nonce: `${n}`, state: 'held' };
          return client.put(layout.claim(step), encodeDocument({ ...claim, ttl_s: null }));
        }),
      );
    }
    await client.close();
    proxy.reset();
    flight.most = 0;
    await status();
    const { GET = 0 } = proxy.counts();
    expect(GET).toBeGreaterThanOrEqual(500);
    expect(GET).toBeLessThanOrEqual(515);
    expect(flight.most).toBeGreaterThanOrEqual(40);
  }, 120_000);

  // On a machine that is busy with other things a time says nothing of this one.
  it.skipIf((loadavg()[0] ?? 0) > cpus().length)(
    'is shown in under 1.5 s',
    async () => {
      const took = [await status(), await status(), await status()];
      expect(Math.min(...took)).toBeLessThan(1_500);
    },
    120_000,
  );
});

describe('status on a local bucket', () => {
  let world: CliWorld;

  beforeAll(async () => {
    world = await createCliWorld();
    await world.run(['init', '--project', 'p', '--agent', 'designer']);
  });

  afterAll(() => world.remove());

  it('shows where, who, and what there is', async () => {
    await world.run(['claim', 'design']);
    await world.run(['send', 'designer', 'hello'], { env: { TRACECRAFT_AGENT: 'designer' } });
    const { json } = await world.runJson(['status']);
    expect(json).toMatchObject({
      schema_version: 1,
      data: {
        project: 'p',
        agent: 'designer',
        source: { agent: expect.stringMatching(/\.tracecraft\.json$/) },
        agents: [{ id: 'designer', step: 'design' }],
        steps: [{ step: 'design', status: 'in_progress' }],
        mailboxes: [{ agent: 'designer', unread: { direct: 1, broadcast: 0 } }],
        sessions: [],
        session_count: 0,
      },
    });
    const { stdout } = await world.run(['status'], { env: { TRACECRAFT_AGENT: 'other' } });
    expect(stdout).toMatch(/^Agent +other +\(TRACECRAFT_AGENT\)$/m);
    expect(stdout).toMatch(/^ {2}design {2}in_progress {2}designer/m);
    expect(stdout).toMatch(/^ {2}designer {2}1 message$/m);
    expect(stdout).toContain('Sessions: none yet: tracecraft watch');
    expect(stdout).toMatch(/^ {2}designer {2}active {2}step design {2}last heartbeat/m);
  });

  it('shows a lost step with its new holder', async () => {
    await world.run(['claim', 'slow', '--ttl', '1s'], { env: { TRACECRAFT_AGENT: 'designer' } });
    const rival = { env: { TRACECRAFT_AGENT: 'rival' } };
    await vi.waitFor(async () => expect((await world.run(['claim', 'slow'], rival)).code).toBe(0), {
      timeout: 20_000,
      interval: 200,
    });
    const { stdout } = await world.run(['status'], rival);
    expect(stdout).toMatch(/^ {2}designer {2}active {2}step design {2}/m);
    expect(stdout).toMatch(/^ {2}rival {5}active {2}step slow {4}/m);
  }, 30_000);

  it('is refreshed until stopped', async () => {
    const child = world.start(['status', '--watch', '--json']);
    const lines: string[] = [];
    let text = '';
    for await (const chunk of child.stdout ?? []) {
      text += String(chunk);
      lines.splice(0, lines.length, ...text.split('\n').slice(0, -1));
      if (lines.length >= 2) break;
    }
    child.kill('SIGINT');
    expect(lines.map((line) => JSON.parse(line).project)).toEqual(['p', 'p']);
  }, 30_000);
});
