import { afterAll, beforeAll, expect, it } from 'vitest';
import { type S3Server, startR2 } from '../support/r2.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.js';

let server: S3Server;
let proxy: S3Proxy;
let world: CliWorld;

beforeAll(async () => {
  server = await startR2();
  proxy = await startS3Proxy(server.endpoint);
  world = await createCliWorld();
  const { bucket, accessKey, secretKey, region } = server;
  const where = ['--backend', 's3', '--bucket', bucket, '--endpoint', proxy.endpoint];
  const keys = ['--region', region, '--access-key', accessKey, '--secret-key', secretKey];
  const init = ['init', ...where, ...keys, '--project', 'cost', '--agent', 'ann'];
  expect((await world.run(init)).code).toBe(0);
}, 60_000);

afterAll(async () => {
  await world.remove();
  await proxy.stop();
  await server.stop();
});

async function requestsOf(...args: readonly string[]): Promise<number> {
  proxy.reset();
  const { code, stderr } = await world.run(args);
  expect(code, stderr).toBe(0);
  return Object.values(proxy.counts()).reduce((sum, count) => sum + count, 0);
}

it('run costs at most two requests more than claim and complete around the same command', async () => {
  const apart = (await requestsOf('claim', 'a')) + (await requestsOf('complete', 'a'));
  const together = await requestsOf('run', 'b', '--', process.execPath, '-e', '');
  expect(together).toBeGreaterThan(0);
  expect(together).toBeLessThanOrEqual(apart + 2);
});
