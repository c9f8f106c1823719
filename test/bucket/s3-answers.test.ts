import { inspect } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import {
  NotAllowedError,
  NotFoundError,
  TracecraftError,
  UnreachableError,
  UnsupportedError,
  UsageError,
} from '../../src/errors.js';
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

  describe('an answer', () => {
    const cases: readonly (readonly [number, string, new (message: string) => TracecraftError])[] =
      [
        [400, 'ExpiredToken', NotAllowedError],
        [400, 'InvalidToken', NotAllowedError],
        [401, 'Unauthorized', NotAllowedError],
        [403, 'AccessDenied', NotAllowedError],
        [403, 'InvalidAccessKeyId', NotAllowedError],
        [403, 'SignatureDoesNotMatch', NotAllowedError],
        [404, 'NoSuchBucket', NotFoundError],
        [400, 'InvalidBucketName', UsageError],
        [400, 'KeyTooLongError', UsageError],
        [301, 'PermanentRedirect', UsageError],
        [501, 'NotImplemented', UnsupportedError],
        [400, 'InvalidArgument', UnsupportedError],
        [405, 'MethodNotAllowed', UnsupportedError],
        [400, 'RequestTimeout', UnreachableError],
        [400, 'BadDigest', UnreachableError],
        [408, 'RequestTimeout', UnreachableError],
        [409, 'ConditionalRequestConflict', UnreachableError],
        [409, 'OperationAborted', UnreachableError],
        [429, 'TooManyRequests', UnreachableError],
        [500, 'InternalError', UnreachableError],
        [503, 'SlowDown', UnreachableError],
        [503, 'ServiceUnavailable', UnreachableError],
        [507, 'InsufficientStorage', UnreachableError],
      ];

    it.each(cases)('%i %s is recognised', async (status, code, kind) => {
      const { open, seen } = await serve(() => ({ status, body: errorXml(code) }));
      const bucket = open({ sessionToken: 'not-a-real-session-token' });
      const calls = [
        () => bucket.put('p/a', body),
        () => bucket.putIfAbsent('p/a', body),
        () => bucket.get('p/a'),
      ];
      for (const call of calls) {
        const error = await failureOf(call());
        expect(error).toBeInstanceOf(kind);
        expect(error.message).toContain('p/a');
        expect(error.message).toContain(code);
        expect(error.message).toContain('s3://pond at http://127.0.0.1');
        expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/not-a-real|AWS4-HMAC/);
        expect(error.retryable).toBe(kind === UnreachableError);
      }
      expect(seen[0]?.headers['x-amz-security-token']).toBe('not-a-real-session-token');
    });

    it('of 502 in HTML, from something in between, can be retried', async () => {
      const { open } = await serve(() => ({ status: 502, body: '<html>Bad Gateway</html>' }));
      expect(await failureOf(open().put('a', body))).toBeInstanceOf(UnreachableError);
    });

    it('may say when to retry', async () => {
      const { open } = await serve((_, index) => ({
        status: index === 0 ? 429 : 503,
        headers: { 'Retry-After': index === 0 ? '7' : new Date(Date.now() + 90_000).toUTCString() },
        body: errorXml('SlowDown'),
      }));
      const bucket = open();
      expect(await failureOf(bucket.put('a', body))).toMatchObject({ retryAfterMs: 7_000 });
      const second = await failureOf(bucket.put('a', body));
      if (!(second instanceof UnreachableError)) throw second;
      expect(second.retryAfterMs).toBeGreaterThan(60_000);
      expect(second.retryAfterMs).toBeLessThan(90_001);
    });

    it('about credentials lists the places searched', async () => {
      const { open } = await serve(() => ({ status: 403, body: errorXml('InvalidAccessKeyId') }));
      const { hint } = await failureOf(open().get('a'));
      for (const place of ['AWS_ACCESS_KEY_ID', '~/.aws', 'access_key', 'SSO']) {
        expect(hint).toContain(place);
      }
    });

    it('that is a login page counts as no answer', async () => {
      const page = { headers: { 'Content-Type': 'text/html' }, body: '<html><p>Log in</html>' };
      const { open } = await serve(() => page);
      const bucket = open();
      expect(await failureOf(bucket.put('a', body))).toBeInstanceOf(UnreachableError);
      expect(await failureOf(bucket.putIfAbsent('a', body))).toBeInstanceOf(UnreachableError);
      expect(await failureOf(bucket.get('a'))).toBeInstanceOf(UnreachableError);
    });

    it('whose ETag lacks its quotes gets them', async () => {
      const { open } = await serve(() => ({ headers: { ETag: etag.replaceAll('"', '') } }));
      expect(await open().put('a', body)).toEqual({ etag });
    });

    it('that ignores the range is cut to it', async () => {
      const { open } = await serve(() => ({ ...written, body: '0123456789' }));
      const range = { start: 2, end: 4 };
      expect(await open().get('a', { range })).toMatchObject({
        body: Buffer.from('234'),
        size: 10,
      });
    });
  });

  describe('a problem of this machine', () => {
    it('such as a wrong clock is corrected, and the request sent again', async () => {
      const ahead = 3_600_000;
      const { open, seen } = await serve(({ headers }) => {
        const date = new Date(Date.now() + ahead).toUTCString();
        const sent = String(headers['x-amz-date']).replace(
          /(....)(..)(..)T(..)(..)(..)Z/,
          '$1-$2-$3T$4:$5:$6Z',
        );
        const isSkewed = Math.abs(Date.parse(sent) - Date.parse(date)) > 900_000;
        return isSkewed
          ? { status: 403, headers: { Date: date }, body: errorXml('RequestTimeTooSkewed') }
          : { ...written, headers: { ...written.headers, Date: date } };
      });
      const bucket = open();
      expect(await bucket.putIfAbsent('a', body)).toEqual({ written: true, etag });
      await bucket.put('b', body);
      expect(seen.length).toBe(3);
    });

    it('that cannot be corrected is reported', async () => {
      const { open, seen } = await serve(() => ({
        status: 403,
        body: errorXml('RequestTimeTooSkewed'),
      }));
      const error = await failureOf(open().put('a', body));
      expect(error).toBeInstanceOf(NotAllowedError);
      expect(error.hint).toContain('clock');
      expect(seen.length).toBe(2);
    });

    it('such as the wrong region is corrected and remembered', async () => {
      const { open, seen } = await serve(({ headers }) =>
        headers.authorization?.includes('/eu-south-9/s3/')
          ? written
          : {
              status: 400,
              body: errorXml('AuthorizationHeaderMalformed', '<Region>eu-south-9</Region>'),
            },
      );
      const bucket = open();
      await Promise.all([bucket.put('a', body), bucket.put('b', body), bucket.get('c')]);
      expect(seen.length).toBeLessThanOrEqual(6);
      const before = seen.length;
      await bucket.put('d', body);
      expect(seen.length).toBe(before + 1);
    });

    it('such as a region nobody names is reported', async () => {
      const { open } = await serve(() => ({
        status: 301,
        headers: { 'x-amz-bucket-region': 'eu-south-9' },
        body: errorXml('PermanentRedirect'),
      }));
      const error = await failureOf(open().put('a', body));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.hint).toContain('eu-south-9');
    });

    it('such as an endpoint where nothing listens is reported', async () => {
      const gone = await startHttpStore(() => written);
      const bucket = gone.open();
      await gone.stop();
      const reopened = openS3Bucket({
        bucket: 'pond',
        endpoint: gone.endpoint,
        accessKey: 'a',
        secretKey: secret,
      });
      await bucket.close();
      const error = await failureOf(reopened.get('a'));
      expect(error).toBeInstanceOf(UnreachableError);
      expect(error.message).toContain('ECONNREFUSED');
      await reopened.close();
    });
  });
});
