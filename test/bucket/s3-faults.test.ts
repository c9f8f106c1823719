import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { patientRetry, withRetry } from '../../src/bucket/retry.js';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { systemClock } from '../../src/clock.js';
import { NotAllowedError, UnreachableError } from '../../src/errors.js';
import { EagerClock } from '../support/eager-clock.js';
import {
  type S3Fault,
  type S3Proxy,
  type S3ProxyRequest,
  startS3Proxy,
} from '../support/s3-proxy.js';
import { type S3Server, s3Servers, transports } from '../support/s3-servers.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { isUnfinished } from '../support/unfinished-uploads.js';

const mine = Buffer.from('{"nonce": "mine"}');
const mebibyte = 1024 * 1024;
/** What counts as silence here: far more than a server on this machine takes. */
const stallMs = 1_000;

const cases = s3Servers().flatMap((server) => transports.map((one) => ({ ...server, ...one })));

describe.each(cases)('faults on the way to $name $by', ({ start, via }) => {
  let server: S3Server;
  let proxy: S3Proxy;
  let onRequest: (request: S3ProxyRequest) => S3Fault | undefined | Promise<S3Fault | undefined>;
  /** Straight to the server. */
  let others: Bucket;
  /** Through the proxy, without and with retries. */
  let plain: Bucket;
  let bucket: Bucket;
  let clock: EagerClock;
  let key: string;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;

  beforeAll(async () => {
    server = await start();
    proxy = await startS3Proxy(server.endpoint, { onRequest: (request) => onRequest(request) });
    // The server may end a connection that was idle for long.
    others = withRetry(openS3Bucket(server), { clock: systemClock, ...patientRetry });
    folder = await createTemporaryFolder();
  });

  afterAll(async () => {
    await others?.close();
    await proxy?.stop();
    await server?.stop();
    await folder?.remove();
  });

  beforeEach(() => {
    onRequest = () => undefined;
    proxy.reset();
    clock = new EagerClock(Date.now());
    key = `faults-${randomBytes(6).toString('hex')}/object`;
    open();
  });

  afterEach(async () => {
    await others.delete(key);
    await bucket.close();
  });

  const open = (idleMs?: number): void => {
    const timeouts = idleMs === undefined ? {} : { idleMs };
    plain = openS3Bucket({ ...server, endpoint: proxy.endpoint, clock, timeouts, ...via });
    bucket = withRetry(plain, { clock, attempts: 5, baseMs: 10, maxMs: 100 });
  };

  /** The first request of a kind fails like this; the others pass. */
  const failFirst = (kind: S3ProxyRequest['kind'], fault: S3Fault): void => {
    if (fault.fault === 'stall') open(stallMs);
    let isFirst = true;
    onRequest = (request) => {
      if (request.kind !== kind || !isFirst) return undefined;
      isFirst = false;
      return fault;
    };
  };
  const answer = (status: number, headers: Record<string, string> = {}) => ({ status, headers });

  const lostAnswers: readonly (readonly [string, S3Fault])[] = [
    ['the connection is reset after it was applied', { fault: 'reset', when: 'after' }],
    [
      '500 is answered although it was applied',
      { fault: 'answer', when: 'after', answer: answer(500) },
    ],
    [
      '503 is answered although it was applied',
      { fault: 'answer', when: 'after', answer: answer(503) },
    ],
    ['no answer comes though it was applied', { fault: 'stall', when: 'after' }],
  ];
  const lostRequests: readonly (readonly [string, S3Fault])[] = [
    ['the connection is reset before it arrives', { fault: 'reset', when: 'before' }],
    ['409 is answered', { fault: 'answer', when: 'before', answer: answer(409) }],
    ['429 is answered', { fault: 'answer', when: 'before', answer: answer(429) }],
    ['503 is answered', { fault: 'answer', when: 'before', answer: answer(503) }],
    ['no answer comes', { fault: 'stall', when: 'before' }],
  ];

  describe('creating', () => {
    it.each(lostAnswers)('is won when %s', async (_, fault) => {
      failFirst('PUT', fault);
      expect(await bucket.putIfAbsent(key, mine)).toEqual({
        written: true,
        etag: (await others.get(key))?.etag,
      });
      expect(proxy.counts()).toEqual({ PUT: 1, GET: 1 });
    });

    it.each(lostRequests)('is sent again when %s', async (_, fault) => {
      failFirst('PUT', fault);
      expect(await bucket.putIfAbsent(key, mine)).toMatchObject({ written: true });
      expect((await others.get(key))?.body).toEqual(mine);
      expect(proxy.counts()).toEqual({ PUT: 2, GET: 1 });
    });

    it.each([...lostAnswers, ...lostRequests])('is lost to another when %s', async (_, fault) => {
      await others.put(key, Buffer.from('theirs'));
      failFirst('PUT', fault);
      expect(await bucket.putIfAbsent(key, mine)).toEqual({ written: false });
    });

    it('takes one request if won, and another to read if lost', async () => {
      expect(await bucket.putIfAbsent(key, mine)).toMatchObject({ written: true });
      expect(proxy.counts()).toEqual({ PUT: 1 });
      expect(await bucket.putIfAbsent(key, Buffer.from('late'))).toEqual({ written: false });
      expect(proxy.counts()).toEqual({ PUT: 2, GET: 1 });
    });

    it('is won if a proxy sends it twice and the winner hears "no"', async () => {
      failFirst('PUT', { fault: 'twice' });
      expect(await bucket.putIfAbsent(key, mine)).toEqual({
        written: true,
        etag: (await others.get(key))?.etag,
      });
      expect(proxy.counts()).toEqual({ PUT: 1, GET: 1 });
    });
  });

  describe('replacing', () => {
    let etag: string;

    beforeEach(async () => {
      ({ etag } = await others.put(key, Buffer.from('before')));
    });

    it.each(lostAnswers)('is won when %s', async (_, fault) => {
      // On a store that wants no quotes the first PUT is refused, so the fault meets one that would be taken.
      const warmUp = `${key}-warm-up`;
      const { etag: first } = await plain.put(warmUp, Buffer.from('1'));
      await plain.putIfMatch(warmUp, Buffer.from('2'), first);
      failFirst('PUT', fault);
      expect(await bucket.putIfMatch(key, mine, etag)).toMatchObject({ written: true });
      expect((await others.get(key))?.body).toEqual(mine);
      await others.delete(warmUp);
    });

    it.each(lostRequests)('is sent again when %s', async (_, fault) => {
      failFirst('PUT', fault);
      expect(await bucket.putIfMatch(key, mine, etag)).toMatchObject({ written: true });
      expect((await others.get(key))?.body).toEqual(mine);
    });

    it('is won if a proxy sends it twice and the winner hears "no"', async () => {
      failFirst('PUT', { fault: 'twice' });
      expect(await bucket.putIfMatch(key, mine, etag)).toEqual({
        written: true,
        etag: (await others.get(key))?.etag,
      });
      failFirst('PUT', { fault: 'twice' });
      const late = await bucket.putIfMatch(key, Buffer.from('late'), etag);
      expect(late).toEqual({ written: false });
    });

    it('uses the ETag of reads if a proxy makes up others', async () => {
      let invented = 0;
      onRequest = ({ kind }) => {
        if (kind !== 'PUT') return undefined;
        invented += 1;
        return { fault: 'restamp', etag: `"${String(invented).padStart(32, '0')}"` };
      };
      let last = etag;
      for (const text of ['1', '2', '3']) {
        const outcome = await bucket.putIfMatch(key, Buffer.from(text), last);
        if (!outcome.written) expect.unreachable();
        expect(outcome.etag).toBe((await others.get(key))?.etag);
        last = outcome.etag;
      }
    });

    it("takes one request once the store's ETags are known", async () => {
      const first = await bucket.putIfMatch(key, mine, etag);
      proxy.reset();
      const second = await bucket.putIfMatch(
        key,
        Buffer.from('2'),
        first.written ? first.etag : '',
      );
      expect(second).toMatchObject({ written: true });
      expect(proxy.counts()).toEqual({ PUT: 1 });
      expect(await bucket.putIfMatch(key, Buffer.from('3'), etag)).toEqual({ written: false });
      expect(proxy.counts()).toEqual({ PUT: 2, GET: 1 });
    });
  });

  describe('without retries', () => {
    it('a refusal says when to retry', async () => {
      const busy = answer(503, { 'retry-after': '3' });
      failFirst('PUT', { fault: 'answer', when: 'before', answer: busy });
      await expect(plain.put(key, mine)).rejects.toMatchObject({ retryAfterMs: 3_000 });
      failFirst('PUT', { fault: 'answer', when: 'before', answer: busy });
      clock.sleeps.length = 0;
      await bucket.put(key, mine);
      expect(clock.sleeps).toEqual([3_000]);
    });

    it('a silent store causes an error', async () => {
      open(stallMs);
      onRequest = () => ({ fault: 'stall', when: 'before' });
      await expect(plain.get(key)).rejects.toThrow(UnreachableError);
      await expect(plain.list('x')[Symbol.asyncIterator]().next()).rejects.toThrow(
        UnreachableError,
      );
    });

    it('a caller that aborts is not kept waiting', async () => {
      const stop = new AbortController();
      const patient = openS3Bucket({ ...server, endpoint: proxy.endpoint });
      onRequest = () => {
        stop.abort();
        return { fault: 'stall', when: 'before' };
      };
      const retrying = withRetry(patient, { clock, attempts: 5, baseMs: 10, maxMs: 100 });
      await expect(retrying.put(key, mine, { signal: stop.signal })).rejects.toThrow(/stopped/);
      expect(proxy.counts()).toEqual({ PUT: 1 });
      await patient.close();
    });
  });

  it('failed reads, writes, listings and deletions are retried', async () => {
    for (const kind of ['PUT', 'GET', 'LIST', 'DELETE'] as const) {
      failFirst(kind, { fault: 'reset', when: 'after' });
      if (kind === 'PUT') await bucket.put(key, mine);
      if (kind === 'GET') expect((await bucket.get(key))?.body).toEqual(mine);
      if (kind === 'LIST') {
        for await (const entry of bucket.list(key)) expect(entry).toMatchObject({ key });
      }
      if (kind === 'DELETE') await bucket.delete(key);
    }
    expect(proxy.counts()).toEqual({ PUT: 2, GET: 2, LIST: 2, DELETE: 2 });
  });

  describe('files', () => {
    const path = (name: string): string => join(folder.path, name);

    it('that arrive truncated replace nothing, and are complete in the end', async () => {
      const content = randomBytes(300_000);
      await others.put(key, content);
      await writeFile(path('kept'), 'kept');
      failFirst('GET', { fault: 'cut', afterBytes: 100_000 });
      await expect(plain.getFile(key, path('kept'))).rejects.toThrow(UnreachableError);
      expect(await readFile(path('kept'), 'utf8')).toBe('kept');
      failFirst('GET', { fault: 'cut', afterBytes: 100_000 });
      await bucket.getFile(key, path('kept'));
      expect((await readFile(path('kept'))).equals(content)).toBe(true);
      expect(await readdir(folder.path)).toEqual(['kept']);
    });

    it('that arrive altered are rejected', async () => {
      const { etag } = await others.put(key, Buffer.from('what was meant'));
      failFirst('GET', {
        fault: 'answer',
        when: 'before',
        answer: { status: 200, headers: { etag, 'content-length': '14' }, body: 'what was Meant' },
      });
      await expect(plain.getFile(key, path('kept'))).rejects.toThrow(/damaged/);
      await bucket.getFile(key, path('kept'));
      expect(await readFile(path('kept'), 'utf8')).toBe('what was meant');
    });

    it('whose upload is aborted leave no parts behind, not even parts that arrive later', async () => {
      await writeFile(path('big'), randomBytes(5 * 16 * mebibyte));
      const stop = new AbortController();
      let late: () => void = () => undefined;
      const arrived = new Promise<void>((resolve) => {
        late = resolve;
      });
      let uploadId = '';
      onRequest = async ({ kind, query, index }) => {
        if (kind === 'UPLOAD-PART' && query.get('partNumber') === '3') {
          uploadId = query.get('uploadId') ?? '';
          stop.abort();
          // On its way when the upload is aborted; the proxy passes it on all the same.
          await arrived;
        }
        if (kind === 'ABORT-UPLOAD' && index === 0) late();
        return undefined;
      };
      const { signal } = stop;
      const sending = plain.putFile(key, path('big'), { signal });
      await expect(sending).rejects.toThrow('stopped');
      expect(proxy.counts()['COMPLETE-UPLOAD']).toBeUndefined();
      expect(await isUnfinished(server, { key, uploadId })).toBe(false);
      expect(await others.get(key)).toBeUndefined();
    });

    it('of many parts send at most four at once, and resend only the failed part', async () => {
      const parts = 6;
      const content = randomBytes((parts - 1) * 16 * mebibyte + 5);
      await writeFile(path('big'), content);
      let onWire = 0;
      let most = 0;
      let hasFailed = false;
      let letGo = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      onRequest = async ({ kind, query }) => {
        if (kind !== 'UPLOAD-PART') return undefined;
        onWire += 1;
        most = Math.max(most, onWire);
        if (onWire === 4) {
          // Time enough for a fifth to come, if there were one.
          for (let look = 0; look < 50; look += 1) await others.get(key);
          letGo();
        }
        await held;
        onWire -= 1;
        if (query.get('partNumber') !== '2' || hasFailed) return undefined;
        hasFailed = true;
        return { fault: 'reset', when: 'before' };
      };
      const { etag } = await plain.putFile(key, path('big'));
      expect(most).toBe(4);
      expect(proxy.counts()).toEqual({
        'BEGIN-UPLOAD': 1,
        'UPLOAD-PART': parts + 1,
        'COMPLETE-UPLOAD': 1,
      });
      expect((await others.get(key))?.etag).toBe(etag);
      await others.getFile(key, path('copy'));
      expect((await readFile(path('copy'))).equals(content)).toBe(true);
    }, 60_000);

    it('are complete if only the answer to their completion was lost', async () => {
      await writeFile(path('big'), randomBytes(17 * mebibyte));
      failFirst('COMPLETE-UPLOAD', { fault: 'reset', when: 'after' });
      const { etag } = await plain.putFile(key, path('big'));
      expect((await others.get(key))?.etag).toBe(etag);
      expect(proxy.counts()).toMatchObject({ 'BEGIN-UPLOAD': 1, 'UPLOAD-PART': 2 });
    }, 60_000);

    it('are completed again if the completion never arrived', async () => {
      await writeFile(path('big'), randomBytes(17 * mebibyte));
      failFirst('COMPLETE-UPLOAD', { fault: 'answer', when: 'before', answer: answer(503) });
      await plain.putFile(key, path('big'));
      expect(proxy.counts()).toMatchObject({ 'UPLOAD-PART': 2, 'COMPLETE-UPLOAD': 2 });
      expect(await others.get(key, { range: { start: 0, end: 0 } })).toMatchObject({
        size: 17 * mebibyte,
      });
    }, 60_000);

    it('that cannot be sent leave no parts behind', async () => {
      await writeFile(path('big'), randomBytes(17 * mebibyte));
      onRequest = ({ kind }) =>
        kind === 'UPLOAD-PART'
          ? { fault: 'answer', when: 'before', answer: answer(403) }
          : undefined;
      await expect(bucket.putFile(key, path('big'))).rejects.toThrow(NotAllowedError);
      expect(proxy.counts()).toMatchObject({ 'BEGIN-UPLOAD': 1, 'ABORT-UPLOAD': 1 });
      expect(await others.get(key)).toBeUndefined();
    }, 60_000);
  });
});
