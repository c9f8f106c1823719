import { createHash } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/bucket/bucket.js';
import { Digests } from '../../src/bucket/digests.js';
import { createS3BucketIfMissing } from '../../src/bucket/s3/bucket.js';
import {
  NotAllowedError,
  NotFoundError,
  TracecraftError,
  UnreachableError,
  UnsupportedError,
} from '../../src/errors.js';
import { ManualClock } from '../support/manual-clock.js';
import { type Transport, transports } from '../support/s3-servers.js';
import {
  type Answer,
  errorXml,
  type HttpStore,
  type SeenRequest,
  secret,
  startHttpStore,
} from './http-store.js';

const etag = '"0123456789abcdef0123456789abcdef"';
const written: Answer = { headers: { ETag: etag } };
const body = Buffer.from('{"nonce": 1}');
let store: HttpStore | undefined;
let via: Transport['via'] = {};

afterEach(async () => {
  await store?.stop();
  store = undefined;
});

async function serve(answer: (request: SeenRequest, index: number) => Answer): Promise<HttpStore> {
  store = await startHttpStore(answer, via);
  return store;
}

async function failureOf(call: Promise<unknown>): Promise<TracecraftError> {
  const error = await call.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof TracecraftError)) throw error;
  return error;
}

describe.each(transports)('$by', (one) => {
  beforeAll(() => {
    via = one.via;
  });

  describe('requests', () => {
    it('carry the body unchanged, its hash, and nothing that other stores do not know', async () => {
      const { open, seen } = await serve(() => written);
      const big = Buffer.alloc(3 * 1024 * 1024, 'x');
      await open().put('p/a', big, { contentType: 'application/json' });
      const [request] = seen;
      expect(request?.body.equals(big)).toBe(true);
      expect(request?.headers).toMatchObject({
        'content-type': 'application/json',
        'content-length': String(big.length),
        'x-amz-content-sha256': createHash('sha256').update(big).digest('hex'),
      });
      const names = Object.keys(request?.headers ?? {});
      expect(names.filter((name) => /checksum|trailer|expect|encoding|decoded/.test(name))).toEqual(
        [],
      );
    });

    it('carry the digests that the caller has', async () => {
      const { open, seen } = await serve(() => written);
      const body = Buffer.alloc(3 * 1024 * 1024, 'y');
      await open().putIfAbsent('p/a', body, { digests: new Digests(body) });
      await open().putIfAbsent('p/b', body);
      const [given, computed] = seen.map(({ headers }) => [
        headers['content-md5'],
        headers['x-amz-content-sha256'],
      ]);
      expect(given).toEqual([
        createHash('md5').update(body).digest('base64'),
        createHash('sha256').update(body).digest('hex'),
      ]);
      expect(computed).toEqual(given);
    });

    it('name the bucket in the path, and encode the key so that it survives', async () => {
      const { open, seen } = await serve(() => written);
      const bucket = open();
      const keys = [
        'p/a b',
        'p/a+b',
        'p/a~b',
        'p/ü😀',
        "p/a'(b)!*",
        'p/100%',
        'p/q?x=1#y',
        'p/.env',
      ];
      for (const key of keys) await bucket.put(key, body);
      const paths = seen.map(({ url }) => new URL(url, 'http://x').pathname);
      expect(paths.map(decodeURIComponent)).toEqual(keys.map((key) => `/pond/${key}`));
      expect(paths.every((path) => /^[A-Za-z0-9\-._~/%!'()*]+$/.test(path))).toBe(true);
    });

    it("go below the endpoint's path, with or without a trailing slash", async () => {
      const { open, seen, endpoint } = await serve(() => written);
      await open({ endpoint: `${endpoint}/name/space` }).put('a', body);
      await open({ endpoint: `${endpoint}/name/space/` }).put('a', body);
      expect(seen.map(({ url }) => url.split('?')[0])).toEqual([
        '/name/space/pond/a',
        '/name/space/pond/a',
      ]);
    });

    it('are sent once, whatever the answer', async () => {
      const { open, seen } = await serve(() => ({ status: 503, body: errorXml('SlowDown') }));
      const bucket = open();
      await failureOf(bucket.put('a', body));
      await failureOf(bucket.putIfAbsent('a', body));
      await failureOf(bucket.get('a'));
      await failureOf(bucket.delete('a'));
      expect(seen.length).toBe(4);
    });
  });

  describe('If-Match', () => {
    it('is quoted by default', async () => {
      const { open, seen } = await serve(() => written);
      await open().putIfMatch('a', body, etag);
      expect(seen.map(({ headers }) => headers['if-match'])).toEqual([etag]);
    });

    it('is sent without quotes from then on if the store cannot match quoted ones', async () => {
      const { open, seen } = await serve(({ method, headers }) => {
        if (method === 'HEAD') return written;
        const isMatch = headers['if-match'] === etag.replaceAll('"', '');
        return isMatch ? written : { status: 412, body: errorXml('PreconditionFailed') };
      });
      const bucket = open();
      expect(await bucket.putIfMatch('a', body, etag)).toEqual({ written: true, etag });
      expect(seen.map(({ method }) => method)).toEqual(['PUT', 'HEAD', 'PUT']);
      expect(await bucket.putIfMatch('a', body, etag)).toEqual({ written: true, etag });
      expect(await bucket.putIfMatch('a', body, '"other"')).toEqual({ written: false });
      expect(seen.slice(3).map(({ headers }) => headers['if-match'])).toEqual([
        '0123456789abcdef0123456789abcdef',
        'other',
      ]);
    });

    it('that the store has matched is not questioned again', async () => {
      let isFirst = true;
      const { open, seen } = await serve(() => {
        const answer = isFirst ? written : { status: 412, body: errorXml('PreconditionFailed') };
        isFirst = false;
        return answer;
      });
      const bucket = open();
      await bucket.putIfMatch('a', body, etag);
      expect(await bucket.putIfMatch('a', body, etag)).toEqual({ written: false });
      expect(seen.length).toBe(2);
    });

    it('is lost if the object is gone, however the store says so', async () => {
      const { open } = await serve(() => ({ status: 404, body: errorXml('NoSuchKey') }));
      expect(await open().putIfMatch('a', body, etag)).toEqual({ written: false });
    });

    it('is not lost if the bucket is missing', async () => {
      const { open } = await serve(() => ({ status: 404, body: errorXml('NoSuchBucket') }));
      expect(await failureOf(open().putIfMatch('a', body, etag))).toBeInstanceOf(NotFoundError);
    });
  });

  describe('a listing', () => {
    const page = (contents: string, more = ''): Answer => ({
      headers: { 'Content-Type': 'application/xml' },
      body: `<?xml version="1.0"?><ListBucketResult>${contents}${more}</ListBucketResult>`,
    });
    const object = (key: string): string =>
      `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>` +
      `<ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>3</Size></Contents>`;

    async function keysOf(entries: AsyncIterable<Entry>): Promise<readonly string[]> {
      const keys: string[] = [];
      for await (const entry of entries)
        keys.push(entry.kind === 'object' ? entry.key : entry.prefix);
      return keys;
    }

    it("continues with the store's token", async () => {
      const { open, seen } = await serve((_, index) =>
        index === 0
          ? page(
              object('p/a'),
              '<IsTruncated>true</IsTruncated><NextContinuationToken>t+1/=</NextContinuationToken>',
            )
          : page(object('p/b'), '<IsTruncated>false</IsTruncated>'),
      );
      expect(await keysOf(open().list('p/', { after: 'p/0' }))).toEqual(['p/a', 'p/b']);
      const queries = seen.map(({ url }) => new URL(url, 'http://x').searchParams);
      expect(queries.map((query) => query.get('prefix'))).toEqual(['p/', 'p/']);
      expect(queries[0]?.get('start-after')).toBe('p/0');
      expect(queries[1]?.get('continuation-token')).toBe('t+1/=');
    });

    it('returns each group once, and never the group its start is in, however the store treats that', async () => {
      const group = (name: string): string =>
        `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`;
      const { open } = await serve((_, index) =>
        index === 0
          ? page(
              object('p/c') + group('p/a/') + group('p/d/'),
              '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>',
            )
          : page(object('p/e') + group('p/d/')),
      );
      const listing = open().list('p/', { delimiter: '/', after: 'p/a/1' });
      expect(await keysOf(listing)).toEqual(['p/c', 'p/d/', 'p/e']);
    });

    it('returns sizes, times and digests', async () => {
      const { open } = await serve(() => page(object('p/a')));
      const entries: Entry[] = [];
      for await (const entry of open().list('p/')) entries.push(entry);
      expect(entries).toEqual([
        {
          kind: 'object',
          key: 'p/a',
          size: 3,
          modifiedAt: new Date('2026-01-01'),
          md5: '0123456789abcdef0123456789abcdef',
        },
      ]);
    });

    it('leaves out invalid keys, such as folder placeholders', async () => {
      const odd = ['p/', 'p//x', 'p/a', 'p/a/', 'p/b\\c'];
      const { open } = await serve(() => page(odd.map(object).join('')));
      expect(await keysOf(open().list('p/'))).toEqual(['p/a']);
    });

    it('that is out of order is refused, since it could not be continued', async () => {
      const { open } = await serve(() => page(object('p/b') + object('p/a')));
      await expect(keysOf(open().list('p/'))).rejects.toThrow(UnsupportedError);
    });

    it('that does not say how it continues is refused', async () => {
      const { open } = await serve((_, index) =>
        page(
          object('p/a'),
          index === 0
            ? '<IsTruncated>true</IsTruncated>'
            : '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>',
        ),
      );
      const bucket = open();
      await expect(keysOf(bucket.list('p/'))).rejects.toThrow(UnreachableError);
      // The same token for ever.
      await expect(keysOf(bucket.list('p/'))).rejects.toThrow(UnreachableError);
    });

    it('that cannot be parsed counts as no answer', async () => {
      const undated = object('p/a').replace('2026-01-01T00:00:00.000Z', 'some time ago');
      const { open } = await serve(() => page(undated));
      await expect(keysOf(open().list('p/'))).rejects.toThrow(UnreachableError);
    });

    it('of something else is refused', async () => {
      const { open } = await serve(() => ({ status: 404, body: errorXml('NoSuchBucket') }));
      await expect(keysOf(open().list('p/'))).rejects.toThrow(NotFoundError);
    });
  });

  describe("the store's clock", () => {
    it('is learned from every answer, even a refusal', async () => {
      const clock = new ManualClock();
      const ahead = 86_400_000;
      const { open, seen } = await serve(({ method }) => ({
        ...(method === 'GET' ? { status: 404, body: errorXml('NoSuchKey') } : written),
        headers: { ETag: etag, Date: new Date(clock.now() + ahead).toUTCString() },
      }));
      const bucket = open({ clock });
      await bucket.get('a');
      const apart = (await bucket.now()).getTime() - clock.now() - ahead;
      expect(Math.abs(apart)).toBeLessThan(1_000);
      clock.advance(5_000);
      const later = (await bucket.now()).getTime() - clock.now() - ahead;
      expect(later).toBe(apart);
      expect(seen.length).toBe(1);
    });

    it('costs one request if none was made yet', async () => {
      const { open, seen } = await serve(() => ({
        status: 403,
        headers: { Date: 'Thu, 01 Jan 2037 00:00:00 GMT' },
      }));
      const bucket = open();
      expect((await bucket.now()).getUTCFullYear()).toBe(2037);
      await bucket.now();
      expect(seen.map(({ method }) => method)).toEqual(['HEAD']);
    });

    it("is this machine's if the store does not report the time", async () => {
      const { open } = await serve(() => ({ ...written, isUndated: true }));
      const clock = new ManualClock();
      expect((await open({ clock }).now()).getTime()).toBe(clock.now());
    });
  });

  describe('a bucket that is missing', () => {
    const options = (endpoint: string) => ({
      bucket: 'pond',
      endpoint,
      region: 'eu-south-9',
      accessKey: 'a',
      secretKey: secret,
    });
    const missing: Answer = { status: 404, body: errorXml('NoSuchBucket') };

    it('is created in the requested region', async () => {
      const { endpoint, seen } = await serve(({ method }) => (method === 'GET' ? missing : {}));
      expect(await createS3BucketIfMissing(options(endpoint))).toBe(true);
      const made = seen.find(({ method }) => method === 'PUT');
      expect(made?.url.split('?')[0]?.replace(/\/$/, '')).toBe('/pond');
      expect(made?.body.toString()).toContain(
        '<LocationConstraint>eu-south-9</LocationConstraint>',
      );
      expect(Object.keys(made?.headers ?? {}).filter((name) => name.includes('acl'))).toEqual([]);
    });

    it('is not created if it exists', async () => {
      const { endpoint, seen } = await serve(() => ({ body: '<ListBucketResult/>' }));
      expect(await createS3BucketIfMissing(options(endpoint))).toBe(false);
      expect(seen.map(({ method }) => method)).toEqual(['GET']);
    });

    it('may be created by someone else meanwhile', async () => {
      const answers = (code: string) => (request: SeenRequest) =>
        request.method === 'GET' ? missing : { status: 409, body: errorXml(code) };
      const own = await serve(answers('BucketAlreadyOwnedByYou'));
      expect(await createS3BucketIfMissing(options(own.endpoint))).toBe(false);
      await own.stop();
      const other = await serve(answers('BucketAlreadyExists'));
      const error = await failureOf(createS3BucketIfMissing(options(other.endpoint)));
      expect(error).toBeInstanceOf(NotAllowedError);
      expect(error.message).toContain('someone else');
    });

    it('cannot be checked with wrong credentials', async () => {
      const { endpoint } = await serve(() => ({ status: 403, body: errorXml('AccessDenied') }));
      const error = await failureOf(createS3BucketIfMissing(options(endpoint)));
      expect(error).toBeInstanceOf(NotAllowedError);
    });
  });
});
