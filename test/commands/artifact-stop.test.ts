import { randomBytes } from 'node:crypto';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliWorld, collect, createCliWorld } from '../support/run-cli.js';
import { type S3Proxy, type S3ProxyRequest, startS3Proxy } from '../support/s3-proxy.js';
import { type S3Server, s3Servers } from '../support/s3-servers.js';
import { isUnfinished } from '../support/unfinished-uploads.js';

const fileBytes = 300 * 1024 * 1024;
/** Of the 19 parts, so many have been seen when the signal comes. */
const partsBefore = 6;
const slowMs = 100;

describe.each(s3Servers())('an upload of 300 MB to $name', ({ start }) => {
  let world: CliWorld;
  let server: S3Server;
  let proxy: S3Proxy;
  let onRequest: (request: S3ProxyRequest) => void = () => undefined;
  const project = `stop-${randomBytes(6).toString('hex')}`;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    server = await start();
    world = await createCliWorld();
    proxy = await startS3Proxy(server.endpoint, {
      onRequest: async (request) => {
        onRequest(request);
        if (request.kind === 'UPLOAD-PART') await new Promise((end) => setTimeout(end, slowMs));
        return undefined;
      },
    });
    env = {
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
      AWS_REGION: server.region,
    };
    const { bucket } = server;
    const place = ['--backend', 's3', '--bucket', bucket, '--endpoint', proxy.endpoint];
    const made = await world.run(['init', ...place, '--project', project, '--agent', 'alex'], {
      env,
    });
    if (made.code !== 0) throw new Error(made.stderr);
    await writeFile(join(world.project, 'big.bin'), '');
    await truncate(join(world.project, 'big.bin'), fileBytes);
  }, 120_000);

  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
    await world?.remove();
  });

  it('stopped by SIGINT leaves no parts behind, and exits with 130', async () => {
    const upload = world.start(['artifact', 'upload', 'big.bin'], { env });
    const result = collect(upload);
    const begun = { key: '', uploadId: '' };
    onRequest = ({ kind, key, query, index }) => {
      if (kind !== 'UPLOAD-PART' || index !== partsBefore) return;
      begun.key = key;
      begun.uploadId = query.get('uploadId') ?? '';
      upload.kill('SIGINT');
    };
    const { code, stderr } = await result;
    expect(stderr).toContain('Stopping (again to exit at once) …');
    expect(code).toBe(130);
    expect(proxy.counts()['ABORT-UPLOAD']).toBeGreaterThan(0);
    expect(await isUnfinished(server, begun)).toBe(false);
  }, 120_000);
});
