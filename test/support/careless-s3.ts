import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CarelessStore {
  readonly endpoint: string;
  /** Milliseconds that its clock is ahead. */
  skewMs: number;
  stop(): Promise<void>;
}

/**
 * A store as some are: it takes `If-None-Match` and `If-Match` and ignores them, and lets anybody read. Of one bucket, in
 * memory; enough of S3 for what is asked of it here.
 */
export async function startCarelessS3(): Promise<CarelessStore> {
  const objects = new Map<string, Buffer>();
  const store = { skewMs: 0 };
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '', 'http://store');
    const [, , ...rest] = url.pathname.split('/');
    const key = decodeURIComponent(rest.join('/'));
    outgoing.setHeader('date', new Date(Date.now() + store.skewMs).toUTCString());
    incoming.toArray().then((chunks) => {
      const { status, body = Buffer.alloc(0) } = answer(incoming.method ?? '', key, url, chunks);
      const etag = createHash('md5').update(body).digest('hex');
      outgoing.writeHead(status, { etag: `"${etag}"`, 'last-modified': new Date().toUTCString() });
      outgoing.end(incoming.method === 'GET' ? body : undefined);
    });
  });

  function answer(method: string, key: string, url: URL, chunks: readonly Buffer[]) {
    if (key === '') return { status: 200, body: Buffer.from(listing(url)) };
    if (method === 'PUT') {
      const body = Buffer.concat(chunks);
      objects.set(key, body);
      return { status: 200, body };
    }
    const body = objects.get(key);
    if (method === 'DELETE') objects.delete(key);
    if (method === 'DELETE') return { status: 204 };
    return body === undefined
      ? { status: 404, body: Buffer.from('<Error><Code>NoSuchKey</Code></Error>') }
      : { status: 200, body };
  }

  function listing(url: URL): string {
    const prefix = url.searchParams.get('prefix') ?? '';
    const isShallow = url.searchParams.get('delimiter') === '/';
    const found = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    const isGroup = (key: string) => isShallow && key.slice(prefix.length).includes('/');
    const groups = new Set(
      found.filter(isGroup).map((key) => key.slice(0, key.indexOf('/', prefix.length) + 1)),
    );
    const contents = found
      .filter((key) => !isGroup(key))
      .map(
        (key) =>
          `<Contents><Key>${key}</Key><Size>${objects.get(key)?.length}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`,
      );
    const prefixes = [...groups].map(
      (group) => `<CommonPrefixes><Prefix>${group}</Prefix></CommonPrefixes>`,
    );
    return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}${prefixes.join('')}</ListBucketResult>`;
  }

  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(store, {
    endpoint: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
