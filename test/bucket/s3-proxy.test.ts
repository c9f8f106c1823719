import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { UnreachableError, UsageError } from '../../src/errors.js';
import { type ForwardProxy, startForwardProxy } from '../support/forward-proxy.js';
import { transports } from '../support/s3-servers.js';
import { selfSigned } from '../support/self-signed.js';
import { type HttpStore, startHttpStore } from './http-store.js';

const etag = '"0123456789abcdef0123456789abcdef"';
const password = 'not-a-real-p%40ss';
/** Nobody can resolve it, except the proxy. */
const host = 'store.invalid';

beforeEach(() => {
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY']) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toLowerCase(), undefined);
  }
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.doUnmock('../../src/bucket/s3/proxy-agent.js');
});

describe.each(transports)('a store behind a proxy, $by', ({ via }) => {
  let store: HttpStore;
  let proxy: ForwardProxy;
  let endpoint: string;

  beforeEach(async () => {
    store = await startHttpStore(() => ({ headers: { ETag: etag } }), via);
    proxy = await startForwardProxy({ credentials: `me:${decodeURIComponent(password)}` });
    endpoint = `http://${host}:${new URL(store.endpoint).port}`;
  });

  afterEach(async () => {
    await store.stop();
    await proxy.stop();
  });

  it('gets plain requests through HTTP_PROXY, signed for the store, on one connection', async () => {
    vi.stubEnv('HTTP_PROXY', `http://me:${password}@127.0.0.1:${proxy.port}`);
    const bucket = store.open({ endpoint });
    await bucket.put('p/a b', Buffer.from('1'));
    await bucket.put('p/c', Buffer.from('2'));
    expect(proxy.seen.map(({ method, target }) => `${method} ${target.split('?')[0]}`)).toEqual([
      `PUT ${endpoint}/pond/p/a%20b`,
      `PUT ${endpoint}/pond/p/c`,
    ]);
    expect(store.seen.map(({ headers }) => headers.host)).toEqual([
      new URL(endpoint).host,
      new URL(endpoint).host,
    ]);
    expect(store.seen[1]?.body.toString()).toBe('2');
  });

  it('is reached directly if NO_PROXY names it', async () => {
    vi.stubEnv('http_proxy', `http://127.0.0.1:${proxy.port}`);
    vi.stubEnv('no_proxy', 'example.com,127.0.0.1');
    await store.open().put('a', Buffer.from('1'));
    expect(store.seen).toHaveLength(1);
    expect(proxy.seen).toEqual([]);
  });

  it('gets nothing if the proxy refuses, and the hint names the proxy', async () => {
    vi.stubEnv('HTTP_PROXY', `http://me:wrong@127.0.0.1:${proxy.port}`);
    const error = await failureOf(store.open({ endpoint }));
    expect(error).toMatchObject({ kind: 'not-allowed', hint: expect.stringMatching(/HTTP_PROXY/) });
    expect(store.seen).toEqual([]);
  });

  it('gets nothing if no proxy is named and the host name does not resolve', async () => {
    await expect(store.open({ endpoint }).put('a', Buffer.from('1'))).rejects.toThrow(
      UnreachableError,
    );
    expect(proxy.seen).toEqual([]);
  });

  it('is unreachable through a missing proxy, which is named without its password', async () => {
    const { port } = proxy;
    await proxy.stop();
    vi.stubEnv('HTTP_PROXY', `http://me:${password}@127.0.0.1:${port}`);
    const error = await failureOf(store.open({ endpoint }));
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toContain(`the proxy 127.0.0.1:${port}`);
    expect(`${error.message} ${error.stack} ${error.cause}`).not.toContain(password);
  });

  it.each(['socks5://127.0.0.1:1080', 'http://['])('is not contacted through %j', async (named) => {
    vi.stubEnv('ALL_PROXY', named);
    const error = await failureOf(store.open({ endpoint }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/proxy/);
  });

  describe('with TLS', () => {
    let secure: { readonly port: number; readonly urls: string[]; stop(): Promise<void> };

    beforeEach(async () => {
      secure = await startTlsStore();
      // Trust in a certificate made just now cannot be given to a process that already runs.
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    });

    afterEach(() => secure.stop());

    const open = () => store.open({ endpoint: `https://${host}:${secure.port}` });

    it.each(['http://', ''])(
      'is reached by CONNECT through HTTPS_PROXY=%suser…',
      async (scheme) => {
        vi.stubEnv('HTTPS_PROXY', `${scheme}me:${password}@127.0.0.1:${proxy.port}`);
        await Promise.all([1, 2, 3].map((n) => open().put(`p/${n}`, Buffer.from('1'))));
        expect(secure.urls.sort()).toEqual(
          [1, 2, 3].map((n) => expect.stringContaining(`/pond/p/${n}`)),
        );
        expect(proxy.seen[0]).toMatchObject({
          method: 'CONNECT',
          target: `${host}:${secure.port}`,
        });
      },
    );

    it('is unreachable if the proxy refuses, and the proxy is named as the cause', async () => {
      vi.stubEnv('HTTPS_PROXY', `http://me:wrong@127.0.0.1:${proxy.port}`);
      const error = await failureOf(open());
      expect(error).toBeInstanceOf(UnreachableError);
      expect(error.message).toMatch(/proxy 127\.0\.0\.1:\d+ refused to connect \(HTTP 407\)/);
      expect(secure.urls).toEqual([]);
    });

    it('is given up if the proxy does not answer', async () => {
      const silent = await startForwardProxy({ isSilent: true });
      vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${silent.port}`);
      const timeouts = { connectMs: 200 };
      const bucket = store.open({ endpoint: `https://${host}:${secure.port}`, timeouts });
      const error = await failureOf(bucket);
      expect(error).toBeInstanceOf(UnreachableError);
      // The SDK has a timer of its own.
      expect(error.message).toMatch(
        /proxy.*no connection within 0\.2 s|not establish a connection/,
      );
      await silent.stop();
    });
  });
});

// Last, since modules imported anew have error classes of their own.
describe.each(transports)('$by', ({ via }) => {
  it('loads no proxy library unless a proxy is named', async () => {
    vi.resetModules();
    const store = await startHttpStore(() => ({ headers: { ETag: etag } }));
    let isLoaded = false;
    vi.doMock('../../src/bucket/s3/proxy-agent.js', (original) => {
      isLoaded = true;
      return original();
    });
    const fresh = await import('../../src/bucket/s3/bucket.js');
    const keys = { accessKey: 'AKIDEXAMPLE', secretKey: 'not-a-real-secret-key' };
    const options = { bucket: 'pond', endpoint: store.endpoint, ...keys, ...via };
    const direct = fresh.openS3Bucket(options);
    await direct.put('a', Buffer.from('1'));
    expect(isLoaded).toBe(false);
    vi.stubEnv('NO_PROXY', '*');
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1');
    const proxied = fresh.openS3Bucket(options);
    await proxied.put('a', Buffer.from('1'));
    expect(isLoaded).toBe(true);
    await Promise.all([direct.close(), proxied.close(), store.stop()]);
  });
});

async function failureOf(bucket: Bucket): Promise<Error> {
  const error = await bucket.put('a', Buffer.from('1')).then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('no error');
  return error;
}

async function startTlsStore() {
  const urls: string[] = [];
  const server = createServer(await selfSigned(host), (incoming, outgoing) => {
    urls.push(incoming.url ?? '');
    incoming.resume().once('end', () => outgoing.writeHead(200, { ETag: etag }).end());
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    urls,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
