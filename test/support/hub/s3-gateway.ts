import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openS3Bucket } from '../../../src/bucket/s3/bucket.js';
import { startR2 } from '../r2.js';
import { type S3Fault, type S3ProxyRequest, startS3Proxy } from '../s3-proxy.js';

export interface HubGateway {
  /** With a path before the bucket's name, as a namespace is on `https://s3.hf.co/<namespace>`. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** Headers of each request to where reads are sent on to. */
  readonly followed: readonly IncomingMessage['headers'][];
  /** What a gateway that knows no such thing would have choked on. */
  readonly refused: readonly string[];
  stop(): Promise<void>;
}

/**
 * The S3 gateway of the Hub as https://huggingface.co/docs/hub/storage-buckets-s3 tells of it, before the R2 simulator: reads
 * are answered with 302 to signed addresses of another server, which take no credentials; of Amazon's newer checksums it
 * knows nothing; conditions are honoured on PutObject.
 */
export async function startHubGateway(): Promise<HubGateway> {
  const server = await startR2();
  const origin = openS3Bucket(server);
  const tickets = new Map<string, string>();
  const followed: IncomingMessage['headers'][] = [];
  const refused: string[] = [];

  const elsewhere = createServer((incoming, outgoing) => {
    followed.push(incoming.headers);
    const { pathname } = new URL(incoming.url ?? '/', 'http://content');
    const key = tickets.get(pathname.slice(1));
    if (key === undefined || incoming.headers.authorization !== undefined) {
      outgoing.writeHead(400).end('Only one auth mechanism allowed');
      return;
    }
    const range = rangeOf(incoming.headers.range);
    origin.get(key, range === undefined ? {} : { range }).then(
      (stored) => {
        const { body = Buffer.alloc(0), size = 0 } = stored ?? {};
        if (range === undefined) {
          outgoing.writeHead(200, { 'content-length': body.length }).end(body);
          return;
        }
        const last = range.start + body.length - 1;
        const headers = {
          'content-length': body.length,
          'content-range': `bytes ${range.start}-${last}/${size}`,
        };
        outgoing.writeHead(body.length === 0 ? 416 : 206, headers).end(body);
      },
      () => outgoing.destroy(),
    );
  });
  elsewhere.listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  // The name differs, and so does the origin.
  const content = `http://localhost:${(elsewhere.address() as AddressInfo).port}`;

  const onRequest = async ({
    kind,
    key,
    headers,
  }: S3ProxyRequest): Promise<S3Fault | undefined> => {
    const unknown = Object.keys(headers).filter((name) =>
      /^x-amz-(checksum|trailer|sdk-checksum)/.test(name),
    );
    if (unknown.length > 0 || /aws-chunked/.test(headers['content-encoding'] ?? '')) {
      refused.push(`${kind} ${key} ${unknown.join(' ')}`);
      return { fault: 'answer', when: 'before', answer: { status: 500 } };
    }
    if (kind !== 'GET' || (await origin.get(key, firstByte)) === undefined) return undefined;
    const ticket = randomBytes(12).toString('hex');
    tickets.set(ticket, key);
    const location = `${content}/${ticket}?X-Amz-Signature=${ticket}`;
    return {
      fault: 'answer',
      when: 'before',
      answer: { status: 302, headers: { location } },
    };
  };
  const gateway = await startS3Proxy(server.endpoint, { onRequest });

  const { bucket, accessKey, secretKey, region } = server;
  return {
    endpoint: gateway.endpoint,
    bucket,
    accessKey,
    secretKey,
    region,
    followed,
    refused,
    stop: async () => {
      await gateway.stop();
      elsewhere.closeAllConnections();
      elsewhere.close();
      await origin.close();
      await server.stop();
    },
  };
}

/** Enough to know whether there is something. */
const firstByte = { range: { start: 0, end: 0 } };

function rangeOf(header = ''): { readonly start: number; readonly end: number } | undefined {
  const range = /^bytes=(\d+)-(\d+)$/.exec(header);
  return range === null ? undefined : { start: Number(range[1]), end: Number(range[2]) };
}
