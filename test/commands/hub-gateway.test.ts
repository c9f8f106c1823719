import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { type HubGateway, startHubGateway } from '../support/hub/s3-gateway.js';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';

/** What https://huggingface.co/docs/hub/storage-buckets-s3 promises, by the command line. */
describe('through Hugging Face’s S3 gateway', () => {
  let gateway: HubGateway;
  let world: CliWorld;
  let env: Record<string, string>;

  beforeAll(async () => {
    gateway = await startHubGateway();
    world = await createCliWorld();
    env = { AWS_ACCESS_KEY_ID: gateway.accessKey, AWS_SECRET_ACCESS_KEY: gateway.secretKey };
  }, 60_000);

  afterAll(async () => {
    await world.remove();
    await gateway.stop();
  });

  const as = (agent: string, ...args: readonly string[]): Promise<CliResult> =>
    world.run(args, { env: { ...env, TRACECRAFT_AGENT: agent } });

  it('init proves by a race that claims are atomic', async () => {
    const { bucket, endpoint } = gateway;
    const flags = ['--backend', 's3', '--bucket', bucket, '--endpoint', endpoint];
    const { json, code, stderr } = await world.runJson(['init', ...flags, '--project', 'p'], {
      env,
    });
    expect(code, stderr).toBe(0);
    expect(json).toMatchObject({
      data: { capabilities: { put_if_absent: true, put_if_match: true } },
    });
    expect(stderr).not.toContain('best-effort');
    const config = await readFile(join(world.project, '.tracecraft.json'), 'utf8');
    expect(config).not.toContain(gateway.secretKey);
  }, 60_000);

  it('one of many claims wins, and none is called best-effort', async () => {
    const agents = ['ann', 'bob', 'cid', 'dan'];
    const results = await Promise.all(agents.map((agent) => as(agent, 'claim', 'design')));
    expect(results.map(({ code }) => code).sort()).toEqual([0, 4, 4, 4]);
    for (const { stderr } of results) expect(stderr).not.toContain('best-effort');
    const winner = agents[results.findIndex(({ code }) => code === 0)] ?? '';
    expect(await as(winner, 'complete', 'design', '--note', 'done')).toMatchObject({ code: 0 });
  }, 60_000);

  it('objects are stored, read and listed, small ones and files', async () => {
    expect(await as('ann', 'memory', 'set', 'plan', 'x ü')).toMatchObject({ code: 0 });
    expect(await as('ann', 'memory', 'get', 'plan')).toMatchObject({ stdout: 'x ü\n' });
    expect((await as('ann', 'memory', 'list')).stdout).toContain('plan');
    const body = Buffer.alloc(200_000, 'content ');
    await writeFile(join(world.project, 'a.bin'), body);
    expect(await as('ann', 'artifact', 'upload', 'a.bin')).toMatchObject({ code: 0 });
    const download = ['artifact', 'download', 'a.bin', '--to', 'got'];
    const got = await as('ann', ...download);
    expect(got, got.stderr).toMatchObject({ code: 0 });
    expect((await readFile(join(world.project, 'got', 'a.bin'))).equals(body)).toBe(true);
  }, 60_000);

  it('large files are sent in parts', async () => {
    const body = Buffer.alloc(17 * 1024 * 1024, 'parts ');
    await writeFile(join(world.project, 'large.bin'), body);
    expect(await as('ann', 'artifact', 'upload', 'large.bin')).toMatchObject({ code: 0 });
    const download = ['artifact', 'download', 'large.bin', '--to', 'got'];
    const got = await as('ann', ...download);
    expect(got, got.stderr).toMatchObject({ code: 0 });
    expect((await readFile(join(world.project, 'got', 'large.bin'))).equals(body)).toBe(true);
  }, 180_000);

  it.each([
    ['without the SDK', {}],
    ['by the SDK', { transport: 'sdk' as const }],
  ])(
    'ranges are read %s',
    async (_, via) => {
      const { endpoint, bucket, accessKey, secretKey, region } = gateway;
      const client = openS3Bucket({ endpoint, bucket, accessKey, secretKey, region, ...via });
      await client.put('p/ranges', Buffer.from('0123456789'));
      // Twice: the second read knows beforehand that it will be sent on.
      for (let round = 0; round < 2; round += 1) {
        const part = await client.get('p/ranges', { range: { start: 2, end: 4 } });
        expect(part).toMatchObject({ body: Buffer.from('234'), size: 10 });
        const past = await client.get('p/ranges', { range: { start: 50, end: 60 } });
        expect(past).toMatchObject({ body: Buffer.alloc(0), size: 10 });
      }
      await client.close();
    },
    60_000,
  );

  it('no credentials were sent to redirect targets, and no checksum to the gateway', () => {
    expect(gateway.followed.length).toBeGreaterThan(10);
    for (const headers of gateway.followed) {
      const foreign = Object.keys(headers).filter(
        (name) => !/^(host|connection|range)$/.test(name),
      );
      expect(foreign).toEqual([]);
    }
    expect(gateway.refused).toEqual([]);
  });
});
