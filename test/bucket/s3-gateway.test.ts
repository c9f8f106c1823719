import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { rememberRedirects } from '../../src/bucket/s3/gateway.js';
import { NotFoundError, UnreachableError } from '../../src/errors.js';
import { type S3Server, startR2 } from '../support/r2.js';
import { type S3Proxy, startS3Proxy } from '../support/s3-proxy.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

/** An S3 store whose reads are redirected to another server, as Hugging Face's gateway does. */
describe('a store that redirects reads', () => {
  let server: S3Server;
  let origin: Bucket;
  let gateway: S3Proxy;
  let elsewhere: Server;
  let elsewhereUrl: string;
  let headersElsewhere: Record<string, string | string[] | undefined>[];
  let statusElsewhere: number | undefined;
  let location: string | undefined;
  let bucket: Bucket;
  const key = `gateway/${randomBytes(4).toString('hex')} ü`;

  beforeAll(async () => {
    server = await startR2();
    origin = openS3Bucket(server);
    elsewhere = createServer((incoming, outgoing) => {
      headersElsewhere.push(incoming.headers);
      const wanted = decodeURIComponent(
        (incoming.url ?? '').slice('/cdn/'.length).split('?')[0] ?? '',
      );
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(incoming.headers.range ?? '') ?? [];
      origin.get(wanted).then(
        (stored) => {
          const whole = stored?.body ?? Buffer.alloc(0);
          const part = from === undefined ? whole : whole.subarray(Number(from), Number(to) + 1);
          const isPart = from !== undefined;
          outgoing.writeHead(statusElsewhere ?? (isPart ? 206 : 200), {
            ETag: '"another-servers-etag"',
            'Content-Length': part.length,
            ...(isPart ? { 'Content-Range': `bytes ${from}-${to}/${whole.length}` } : {}),
          });
          outgoing.end(part);
        },
        () => outgoing.destroy(),
      );
    });
    elsewhere.listen(0, '127.0.0.1');
    await new Promise((resolve) => elsewhere.once('listening', resolve));
    elsewhereUrl = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    gateway = await startS3Proxy(server.endpoint, {
      onRequest: async (request) => {
        if (request.kind !== 'GET' || (await origin.get(request.key)) === undefined)
          return undefined;
        const target =
          location ?? `${elsewhereUrl}/cdn/${encodeURIComponent(request.key)}?sig=a%2Fb`;
        return {
          fault: 'answer',
          when: 'before',
          answer: { status: 302, headers: { Location: target } },
        };
      },
    });
  });

  afterAll(async () => {
    await origin.close();
    await gateway.stop();
    elsewhere.closeAllConnections();
    elsewhere.close();
    await server.stop();
  });

  beforeEach(async () => {
    headersElsewhere = [];
    statusElsewhere = undefined;
    location = undefined;
    bucket = openS3Bucket({ ...server, endpoint: gateway.endpoint, sessionToken: undefined });
    await origin.put(key, Buffer.from('0123456789'));
    gateway.reset();
  });

  afterEach(() => bucket.close());

  it('is followed, sending only the range header', async () => {
    expect((await bucket.get(key))?.body.toString()).toBe('0123456789');
    expect(await bucket.get(key, { range: { start: 2, end: 4 } })).toMatchObject({
      body: Buffer.from('234'),
      size: 10,
    });
    expect(headersElsewhere.length).toBeGreaterThan(1);
    for (const headers of headersElsewhere) {
      expect(
        Object.keys(headers).filter((name) => !/^(host|connection|range)$/.test(name)),
      ).toEqual([]);
    }
  });

  it("gives its own ETag, not the other server's, so that conditional writes work", async () => {
    const stored = await bucket.get(key);
    expect(stored?.etag).toBe((await origin.get(key))?.etag);
    const outcome = await bucket.putIfMatch(key, Buffer.from('next'), stored?.etag ?? '');
    expect(outcome).toMatchObject({ written: true });
    expect(await bucket.putIfMatch(key, Buffer.from('late'), stored?.etag ?? '')).toEqual({
      written: false,
    });
  });

  it('is asked for the ETag before the body once it is known to redirect', async () => {
    await bucket.get(key);
    // Redirected twice before it is known: as a small request, and as one of the SDK.
    expect(gateway.counts()).toEqual({ GET: 3, HEAD: 1 });
    gateway.reset();
    await bucket.get(key);
    expect(gateway.counts()).toEqual({ GET: 1, HEAD: 1 });
  });

  it('never returns a body with a newer ETag', async () => {
    await bucket.get(key);
    const older = (await origin.get(key))?.etag;
    const listening = bucket.get(key);
    // Whichever side of the HEAD this falls on, the ETag may be too old for the body, never too new.
    await origin.put(key, Buffer.from('changed'));
    const stored = await listening;
    if (stored?.body.toString() !== 'changed') expect(stored?.etag).toBe(older);
  });

  it('can be downloaded to files', async () => {
    const folder = await createTemporaryFolder();
    const path = join(folder.path, 'copy');
    await bucket.getFile(key, path);
    expect(await readFile(path, 'utf8')).toBe('0123456789');
    await expect(bucket.getFile('gateway/none', path)).rejects.toThrow(NotFoundError);
    expect(await readFile(path, 'utf8')).toBe('0123456789');
    await folder.remove();
  });

  it('reports missing objects', async () => {
    expect(await bucket.get('gateway/none')).toBeUndefined();
    await bucket.get(key);
    expect(await bucket.get('gateway/none')).toBeUndefined();
    const range = { start: 100, end: 110 };
    statusElsewhere = 416;
    expect(await bucket.get(key, { range })).toMatchObject({ body: Buffer.alloc(0), size: 10 });
  });

  it('to a failing server can be retried', async () => {
    statusElsewhere = 403;
    await expect(bucket.get(key)).rejects.toThrow(UnreachableError);
    statusElsewhere = 500;
    await expect(bucket.get(key)).rejects.toThrow(UnreachableError);
  });

  it('in a circle is given up', async () => {
    location = `${gateway.endpoint}/tracecraft/${encodeURIComponent(key)}`;
    await expect(bucket.get(key)).rejects.toThrow(UnreachableError);
  });

  it('to anything but https is refused', async () => {
    location = 'file:///etc/passwd';
    await expect(bucket.get(key)).rejects.toThrow(UnreachableError);
    expect(headersElsewhere).toEqual([]);
  });

  it('is known in advance for Hugging Face', () => {
    expect(rememberRedirects('https://s3.hf.co/someone')).toEqual({ redirects: true });
    expect(rememberRedirects('https://example.com')).toEqual({ redirects: false });
    expect(rememberRedirects(undefined)).toEqual({ redirects: false });
  });
});
