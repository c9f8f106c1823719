import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineOf, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type CliWorld, collect, createCliWorld } from '../support/run-cli.js';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.js';
import { type S3Server, s3Servers } from '../support/s3-servers.js';

/** Says so when somebody ends the process instead of letting it end. */
const tattle = `const exit = process.exit;
process.exit = (code) => {
  process.stderr.write('forced exit\\n');
  return exit.call(process, code);
};
`;

describe.each(s3Servers())('tracecraft watch at $name', ({ start }) => {
  let world: CliWorld;
  let server: S3Server;
  let proxy: S3Proxy;
  let onHeartbeat: (() => void) | undefined;

  beforeAll(async () => {
    server = await start();
    world = await createCliWorld();
    proxy = await startS3Proxy(server.endpoint, {
      onRequest: ({ kind, key }) => {
        if (onHeartbeat === undefined || kind !== 'PUT' || !key.includes('/agents/')) {
          return undefined;
        }
        onHeartbeat();
        return { fault: 'stall', when: 'before' };
      },
    });
  });

  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
    await world?.remove();
  });

  it('exits by itself although a request never gets its answer', async () => {
    const env = {
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
      AWS_REGION: server.region,
      NODE_OPTIONS: `--require ${join(world.root, 'tattle.cjs')}`,
    };
    await writeFile(join(world.root, 'tattle.cjs'), tattle);
    const { bucket } = server;
    const place = ['--backend', 's3', '--bucket', bucket, '--endpoint', proxy.endpoint];
    const project = `exit-${randomBytes(6).toString('hex')}`;
    const inHome = { cwd: world.home, env };
    const flags = [...place, '--global', '--project', project, '--agent', 'alex'];
    const made = await world.run(['init', ...flags], inHome);
    expect(made.code, made.stderr).toBe(0);
    const sessionId = sessionUuid();
    const path = join(world.home, '.claude', 'projects', '-work', `${sessionId}.jsonl`);
    await new Transcript(path).append(lineOf(userRow('one', { sessionId, cwd: '/work' })));

    const stalled = new Promise<void>((resolve) => {
      onHeartbeat = resolve;
    });
    const watch = world.start(['watch', '--heartbeat', '1s'], inHome);
    const result = collect(watch);
    await stalled;
    const signalledAt = Date.now();
    watch.kill('SIGTERM');
    const { code, stdout, stderr } = await result;
    expect(stderr).toBe('');
    expect(stdout).toContain('Nothing is behind.');
    expect(code).toBe(0);
    // A request without an answer is given up after 30 s.
    expect(Date.now() - signalledAt).toBeLessThan(25_000);
  }, 90_000);
});
