import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { patientRetry, withRetry } from '../../src/bucket/retry.js';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { systemClock } from '../../src/clock.js';
import { compactSession } from '../../src/compact/compact.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { partName } from '../../src/protocol/parts.js';
import { noRedaction } from '../../src/redact/redact.js';
import { describeCompaction } from '../compact/suite.js';
import { type S3Server, s3Servers } from '../support/s3-servers.js';

/** With the retries that every command has: Ceph answers 500 to some who read a key while others replace it. */
const opened = ({ endpoint, bucket, accessKey, secretKey, region }: S3Server): Bucket =>
  withRetry(openS3Bucket({ endpoint, bucket, accessKey, secretKey, region }), {
    ...patientRetry,
    clock: systemClock,
  });

for (const { name, start } of s3Servers()) {
  describeCompaction(name, async () => {
    const server = await start();
    return { bucket: opened(server), stop: () => server.stop() };
  });

  describe(`compaction of what goes up in several pieces: ${name}`, () => {
    let server: S3Server;
    let bucket: Bucket;

    beforeAll(async () => {
      server = await start();
      bucket = opened(server);
    });

    afterAll(async () => {
      await bucket.close();
      await server.stop();
    });

    it('is read back and compared, and unchanged the second time', async () => {
      const layout = bucketLayout(`large-${randomBytes(4).toString('hex')}`);
      const folder = await mkdtemp(join(tmpdir(), 'tracecraft-compact-'));
      const prefix = layout.session('codex', 'large');
      const body = Buffer.alloc(6 * 1024 * 1024, `${'x'.repeat(1023)}\n`);
      const lines = body.length / 1024;
      for (let n = 0; n < 3; n += 1) await bucket.put(prefix + partName(n, 0, n * lines), body);
      const context = { bucket, layout, folder, host: 'here', redactor: noRedaction };
      const target = { harness: 'codex', id: 'large', format: 'raw' as const };
      const written = await compactSession(context, target);
      const expected = { parts: 3, lines: 3 * lines, bytes: 3 * body.length };
      expect(written).toMatchObject({ state: 'written', verified: 'read-back', ...expected });
      expect(await compactSession(context, target)).toMatchObject({ state: 'unchanged' });
      const whole = Buffer.concat([body, body, body]);
      const key = layout.compacted('codex', 'large', 'raw');
      expect((await bucket.get(key))?.body.equals(whole)).toBe(true);
      await rm(folder, { recursive: true, force: true });
    });
  });
}
