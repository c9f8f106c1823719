import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { patientRetry, withRetry } from '../../src/bucket/retry.js';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { systemClock } from '../../src/clock.js';
import {
  type S3Fault,
  type S3Proxy,
  type S3ProxyRequest,
  startS3Proxy,
} from '../support/s3-proxy.js';
import { type S3Server, s3Servers, transports } from '../support/s3-servers.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { errorXml } from './http-store.js';

/**
 * As Amazon documents it for a bucket with a default retention: every upload carries a checksum, `Content-MD5` or one of
 * `x-amz-checksum-*` (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, "Content-MD5"). The servers that
 * the tests have do not ask for it.
 */
function lockedBucket({ kind, headers, body }: S3ProxyRequest): S3Fault | undefined {
  if (kind !== 'PUT' && kind !== 'UPLOAD-PART') return undefined;
  const md5 = headers['content-md5'];
  const hasOther = Object.keys(headers).some((name) => name.startsWith('x-amz-checksum-'));
  if (md5 === undefined && !hasOther) return refusal('InvalidRequest');
  const isRight = md5 === undefined || md5 === createHash('md5').update(body).digest('base64');
  return isRight ? undefined : refusal('BadDigest');
}

function refusal(code: string): S3Fault {
  return { fault: 'answer', when: 'before', answer: { status: 400, body: errorXml(code) } };
}

const cases = s3Servers().flatMap((server) => transports.map((one) => ({ ...server, ...one })));

describe.each(cases)('a bucket with Object Lock at $name $by', ({ start, via }) => {
  let server: S3Server;
  let proxy: S3Proxy;
  let bucket: Bucket;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  const prefix = `locked-${randomBytes(6).toString('hex')}/`;

  beforeAll(async () => {
    server = await start();
    proxy = await startS3Proxy(server.endpoint, { onRequest: lockedBucket });
    // A kept-alive connection may end between two requests.
    const once = openS3Bucket({ ...server, endpoint: proxy.endpoint, ...via });
    bucket = withRetry(once, { clock: systemClock, ...patientRetry });
    folder = await createTemporaryFolder();
  });

  afterAll(async () => {
    for (const name of ['put', 'created', 'empty', 'small', 'big']) {
      await bucket?.delete(prefix + name);
    }
    await bucket?.close();
    await proxy?.stop();
    await server?.stop();
    await folder?.remove();
  });

  it('accepts every kind of write', async () => {
    await bucket.put(`${prefix}put`, Buffer.from('1'), { contentType: 'text/plain' });
    await bucket.put(`${prefix}empty`, Buffer.alloc(0));
    const created = await bucket.putIfAbsent(`${prefix}created`, Buffer.from('1'));
    if (!created.written) expect.unreachable();
    const replaced = await bucket.putIfMatch(`${prefix}created`, Buffer.from('2'), created.etag);
    expect(replaced.written).toBe(true);
  });

  it('accepts files, in one piece and in parts', async () => {
    for (const [name, bytes] of [
      ['small', 3 << 20],
      ['big', 17 << 20],
    ] as const) {
      const path = join(folder.path, name);
      await writeFile(path, randomBytes(bytes));
      await bucket.putFile(prefix + name, path);
      expect((await bucket.get(prefix + name, { range: { start: 0, end: 0 } }))?.size).toBe(bytes);
    }
  }, 120_000);
});
