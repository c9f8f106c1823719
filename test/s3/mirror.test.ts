import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withRetry } from '../../src/bucket/retry.js';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { systemClock } from '../../src/clock.js';
import { systemEvents } from '../../src/mirror/watch/system-events.js';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';
import { createCliWorld } from '../support/run-cli.js';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.js';
import { type S3Server, s3Servers } from '../support/s3-servers.js';

const cwd = '/home/alex/work';

function rows(sessionId: string, count: number): string[] {
  const context = { sessionId, cwd };
  return Array.from({ length: count }, (_, n) => lineOf(userRow(`hello ${n}`, context)));
}

describe.each(s3Servers())('the mirror on S3: $name', ({ start }) => {
  let server: S3Server;
  let proxy: S3Proxy;

  beforeAll(async () => {
    server = await start();
    proxy = await startS3Proxy(server.endpoint);
  });

  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  it('sends one request per flush and none while idle, as counted by the server', async () => {
    const { endpoint, bucket: name, accessKey, secretKey, region } = { ...server, ...proxy };
    const s3 = openS3Bucket({ endpoint, bucket: name, accessKey, secretKey, region });
    const bucket = withRetry(s3, { clock: systemClock, attempts: 3, baseMs: 50, maxMs: 500 });
    const rig = await MirrorRig.create(bucket, `steady-${randomBytes(4).toString('hex')}`);
    const ids = [sessionUuid(), sessionUuid(), sessionUuid()];
    const transcripts = await Promise.all(
      ids.map((id) => rig.tree.session(cwd, id).append(...rows(id, 5))),
    );
    const run = rig.watch({ events: systemEvents(), sweepMs: 500 });
    await expect.poll(() => run.parts.length, { timeout: 10_000 }).toBe(3);
    // The documents that follow a session's first part.
    await expect.poll(() => proxy.counts().PUT, { timeout: 10_000 }).toBe(6);
    proxy.reset();
    run.parts.length = 0;
    for (let round = 0; round < 5; round += 1) {
      for (const [n, transcript] of transcripts.entries()) {
        await transcript.append(...rows(ids[n] ?? '', 3));
      }
      await systemClock.sleep(700);
    }
    await rig.untilShipped(run, ids.length * (5 + 15));
    expect(proxy.counts()).toEqual({ PUT: run.parts.length });
    proxy.reset();
    await systemClock.sleep(3_000);
    expect(proxy.counts()).toEqual({});
    await run.end();
    expect([...(await rig.verdicts()).values()].every(({ state }) => state === 'ok')).toBe(true);
    await bucket.close();
    await rig.remove();
  });

  it('the built command mirrors and verifies, and a second run sends nothing', async () => {
    const world = await createCliWorld();
    const env = { AWS_ACCESS_KEY_ID: server.accessKey, AWS_SECRET_ACCESS_KEY: server.secretKey };
    const project = `cli-${randomBytes(4).toString('hex')}`;
    const init = await world.run(
      [
        ...['init', '--global', '--backend', 's3', '--bucket', server.bucket],
        ...['--endpoint', proxy.endpoint, '--region', server.region, '--project', project],
      ],
      { env },
    );
    expect(init).toMatchObject({ code: 0 });
    const rig = await MirrorRig.create(undefined, project);
    const options = { env: { ...env, CLAUDE_CONFIG_DIR: rig.tree.config } };
    const id = sessionUuid();
    await rig.tree.session(cwd, id).append(...rows(id, 200));
    await rig.tree.subagent(cwd, id, 'a1').append(...rows(id, 20));
    const first = await world.run(['watch', '--once', '--all'], options);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing is behind.') });
    const verified = await world.run(['session', 'verify'], options);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('220 lines') });
    proxy.reset();
    const again = await world.run(['watch', '--once'], options);
    expect(again.code).toBe(0);
    expect(again.stdout).not.toContain('uploaded');
    // The bucket's id, one listing for each stream, and one of removed sessions.
    expect(proxy.counts()).toEqual({ GET: 1, LIST: 3 });
    await rig.remove();
    await world.remove();
  });
});
