import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openS3Bucket, type S3Options } from '../../src/bucket/s3/bucket.js';
import type { Transport } from '../support/s3-servers.js';

export interface SeenRequest {
  readonly method: string;
  /** As it came over the wire: path and query, still encoded. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Send no Date, which Node would add. */
  readonly isUndated?: boolean;
}

export interface HttpStore {
  readonly endpoint: string;
  readonly seen: readonly SeenRequest[];
  open(options?: Partial<S3Options>): Bucket;
  stop(): Promise<void>;
}

export const secret = 'not-a-real-secret-key';

/** Answers as it is told, and remembers what it was asked: for what no real server does when asked to. */
export async function startHttpStore(
  answer: (request: SeenRequest, index: number) => Answer,
  via: Transport['via'] = {},
): Promise<HttpStore> {
  const seen: SeenRequest[] = [];
  const buckets: Bucket[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    incoming.toArray().then(
      (chunks) => {
        const request = { method, url, headers, body: Buffer.concat(chunks) };
        const {
          status = 200,
          headers: said = {},
          body = '',
          isUndated = false,
        } = answer(request, seen.push(request) - 1);
        if (isUndated) outgoing.sendDate = false;
        outgoing.writeHead(status, said).end(body);
      },
      () => outgoing.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    endpoint,
    seen,
    open: (options = {}) => {
      const keys = { accessKey: 'AKIDEXAMPLE', secretKey: secret };
      const bucket = openS3Bucket({
        bucket: 'pond',
        endpoint,
        region: 'us-east-1',
        ...keys,
        ...via,
        ...options,
      });
      buckets.push(bucket);
      return bucket;
    },
    stop: async () => {
      await Promise.all(buckets.map((bucket) => bucket.close()));
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function errorXml(code: string, more = ''): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>about ${code}</Message>${more}</Error>`;
}
