import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { claimSchema } from '../../src/protocol/coordination.js';
import { parseDocument } from '../../src/protocol/documents.js';
import { Barrier } from '../support/barrier.js';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.js';
import { type S3Server, s3Servers } from '../support/s3-servers.js';

/** All counts with TRACECRAFT_RACES=full; a few otherwise. */
const isFull = process.env.TRACECRAFT_RACES === 'full';
const freshRaces = [
  { processes: 2, races: isFull ? 100 : 3 },
  { processes: 8, races: isFull ? 100 : 2 },
  { processes: 32, races: isFull ? 100 : 1 },
];
/** How long the others wait for one more to arrive. With 32 processes on two cores their starts are seconds apart. */
const patienceMs = isFull ? 20_000 : 5_000;
const takeovers = { processes: isFull ? 32 : 8, races: isFull ? 50 : 2 };

describe.each(s3Servers())('a race of processes for a claim on $name', ({ start }) => {
  let server: S3Server;
  let proxy: S3Proxy;
  let world: CliWorld;
  let barrier: Barrier | undefined;
  const project = `race-${randomBytes(4).toString('hex')}`;

  beforeAll(async () => {
    server = await start();
    proxy = await startS3Proxy(server.endpoint, {
      onRequest: async ({ kind, key }) => {
        if (kind === 'PUT' && key.endsWith('/claim.json')) await barrier?.arrive();
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

  function race(processes: number, args: readonly string[]): Promise<CliResult[]> {
    const agents = Array.from({ length: processes }, (_, n) => `agent-${n}`);
    return Promise.all(
      agents.map((agent) => world.run(args, { env: { TRACECRAFT_AGENT: agent } })),
    );
  }

  async function stored(step: string) {
    const { bucket, accessKey, secretKey, region, endpoint } = server;
    const client = openS3Bucket({ endpoint, bucket, accessKey, secretKey, region });
    const key = `${project}/steps/${step}/claim.json`;
    const object = await client.get(key);
    await client.close();
    return parseDocument(claimSchema, key, object?.body ?? Buffer.alloc(0));
  }

  async function expectOneWinner(results: readonly CliResult[], step: string): Promise<string> {
    const winners = results.flatMap(({ code }, n) => (code === 0 ? [`agent-${n}`] : []));
    expect(winners).toHaveLength(1);
    const [winner = ''] = winners;
    const losers = results.filter(({ code }) => code !== 0);
    for (const { code, stderr } of losers) {
      expect(stderr).toContain(`Step ${step} already claimed by ${winner}`);
      expect(code).toBe(4);
    }
    expect((await stored(step)).agent).toBe(winner);
    return winner;
  }

  it.each(freshRaces)(
    '$processes processes, one fresh step, $races times: one winner',
    async ({ processes, races }) => {
      let together = 0;
      for (let n = 0; n < races; n += 1) {
        const step = `fresh-${processes}-${n}`;
        barrier = new Barrier(processes, patienceMs);
        await expectOneWinner(await race(processes, ['claim', step]), step);
        together += barrier.together === processes ? 1 : 0;
      }
      barrier = undefined;
      // The claims really met at the store: all of them were held back and let go at one moment.
      expect(together).toBeGreaterThan(races / 2);
    },
    7_200_000,
  );

  it(`${takeovers.processes} processes take over one expired claim, ${takeovers.races} times: one winner`, async () => {
    const steps = Array.from({ length: takeovers.races }, (_, n) => `expired-${n}`);
    barrier = undefined;
    for (const step of steps) {
      const first = ['claim', step, '--ttl', '1s'];
      const { code } = await world.run(first, { env: { TRACECRAFT_AGENT: 'dead' } });
      expect(code).toBe(0);
    }
    // Each claim was a sign of life of the same agent, so all of them end with the last.
    await expiry(() => stored(steps[steps.length - 1] ?? ''));
    for (const step of steps) {
      barrier = new Barrier(takeovers.processes, patienceMs);
      await expectOneWinner(await race(takeovers.processes, ['claim', step]), step);
      expect((await stored(step)).epoch).toBe(2);
    }
    barrier = undefined;
  }, 7_200_000);

  /** Waits until the claim is a second older than its TTL and the resolution of a store's times. */
  async function expiry(read: () => ReturnType<typeof stored>): Promise<void> {
    const { claimed_at, ttl_s } = await read();
    const untilMs = Date.parse(claimed_at ?? '') + ((ttl_s ?? 0) + 3) * 1000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, untilMs - Date.now())));
  }
});
