import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a request does, told from its method and query. */
export type S3RequestKind =
  | 'GET'
  | 'HEAD'
  | 'PUT'
  | 'DELETE'
  | 'LIST'
  | 'HEAD-BUCKET'
  | 'CREATE-BUCKET'
  | 'BEGIN-UPLOAD'
  | 'UPLOAD-PART'
  | 'COMPLETE-UPLOAD'
  | 'ABORT-UPLOAD'
  | 'OTHER';

export interface S3ProxyRequest {
  readonly kind: S3RequestKind;
  readonly method: string;
  /** Decoded; '' for requests of a bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** How many requests of its kind came before it. */
  readonly index: number;
}

export interface S3ProxyAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/**
 * What becomes of a request; `undefined` forwards it. `when: 'before'`: the server never sees it. 'after': the server has
 * applied it and answered, but that answer is not passed on.
 */
export type S3Fault =
  | { readonly fault: 'answer'; readonly when: 'before' | 'after'; readonly answer: S3ProxyAnswer }
  | { readonly fault: 'reset'; readonly when: 'before' | 'after' }
  /** No answer, ever; the connection stays open. */
  | { readonly fault: 'stall'; readonly when: 'before' | 'after' }
  /** The server's answer, cut off after so many bytes of its body. */
  | { readonly fault: 'cut'; readonly afterBytes: number }
  /** Sent to the server a second time, as some load balancers do; the second answer is passed on. */
  | { readonly fault: 'twice' }
  /** The server's answer, with another ETag. */
  | { readonly fault: 'restamp'; readonly etag: string };

export interface S3ProxyOptions {
  /** May wait: requests are held until it has decided, e.g. to let several go at the same moment. */
  readonly onRequest?: (
    request: S3ProxyRequest,
  ) => S3Fault | undefined | Promise<S3Fault | undefined>;
}

export interface S3Proxy {
  /** To be used in the place of the server's own. */
  readonly endpoint: string;
  /** Requests so far, by kind. */
  counts(): Readonly<Partial<Record<S3RequestKind, number>>>;
  /** Forgets what was counted. */
  reset(): void;
  stop(): Promise<void>;
}

/** Stands between a client and an S3 server on this machine: counts requests, and fails them as told. */
export async function startS3Proxy(
  upstream: string,
  { onRequest = () => undefined }: S3ProxyOptions = {},
): Promise<S3Proxy> {
  const target = new URL(upstream);
  const base = target.pathname.replace(/\/$/, '');
  const counts = new Map<S3RequestKind, number>();

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await incoming.toArray());
    const seen = describe(incoming, base, body, counts);
    const fault = await onRequest(seen);
    if (fault !== undefined && 'when' in fault && fault.when === 'before') {
      apply(fault, outgoing);
      return;
    }
    if (fault?.fault === 'twice') await forward(target, incoming, body);
    const answer = await forward(target, incoming, body);
    if (fault === undefined || fault.fault === 'twice') {
      reply(outgoing, answer);
    } else if (fault.fault === 'cut') {
      cut(outgoing, answer, fault.afterBytes);
    } else if (fault.fault === 'restamp') {
      reply(outgoing, restamped(answer, fault.etag));
    } else {
      apply(fault, outgoing);
    }
  };

  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}${base}`,
    counts: () => Object.fromEntries(counts),
    reset: () => counts.clear(),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function describe(
  { method = 'GET', url = '/', headers }: IncomingMessage,
  base: string,
  body: Buffer,
  counts: Map<S3RequestKind, number>,
): S3ProxyRequest {
  const { pathname, searchParams: query } = new URL(url, 'http://proxy');
  const [, ...segments] = pathname.slice(base.length + 1).split('/');
  const key = segments.map(decodeURIComponent).join('/');
  const kind = kindOf(method, key, query);
  const index = counts.get(kind) ?? 0;
  counts.set(kind, index + 1);
  return { kind, method, key, query, headers, body, index };
}

function kindOf(method: string, key: string, query: URLSearchParams): S3RequestKind {
  if (method === 'POST' && query.has('uploads')) return 'BEGIN-UPLOAD';
  if (query.has('uploadId')) {
    if (method === 'PUT') return 'UPLOAD-PART';
    if (method === 'POST') return 'COMPLETE-UPLOAD';
    if (method === 'DELETE') return 'ABORT-UPLOAD';
  }
  if (key === '') {
    if (method === 'GET' && query.has('list-type')) return 'LIST';
    if (method === 'HEAD') return 'HEAD-BUCKET';
    return method === 'PUT' ? 'CREATE-BUCKET' : 'OTHER';
  }
  return method === 'GET' || method === 'HEAD' || method === 'PUT' || method === 'DELETE'
    ? method
    : 'OTHER';
}

interface Forwarded {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** With the headers as they came: the signature covers them, the name of the host included. */
function forward(target: URL, incoming: IncomingMessage, body: Buffer): Promise<Forwarded> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: target.hostname,
        port: target.port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
        agent: false,
      },
      (answer) => {
        answer.toArray().then((chunks) => {
          const { statusCode: status = 502, rawHeaders } = answer;
          resolve({ status, rawHeaders, body: Buffer.concat(chunks) });
        }, reject);
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

function reply(outgoing: ServerResponse, { status, rawHeaders, body }: Forwarded): void {
  outgoing.writeHead(status, withoutTransport(rawHeaders));
  outgoing.end(body);
}

function restamped(answer: Forwarded, etag: string): Forwarded {
  const isEtag = (_: string, at: number): boolean =>
    at % 2 === 1 && /^etag$/i.test(answer.rawHeaders[at - 1] ?? '');
  const rawHeaders = answer.rawHeaders.map((one, at) => (isEtag(one, at) ? etag : one));
  return { ...answer, rawHeaders };
}

function cut(outgoing: ServerResponse, answer: Forwarded, afterBytes: number): void {
  outgoing.writeHead(answer.status, withoutTransport(answer.rawHeaders));
  outgoing.write(answer.body.subarray(0, afterBytes), () => outgoing.destroy());
}

function apply(fault: Extract<S3Fault, { when: string }>, outgoing: ServerResponse): void {
  if (fault.fault === 'stall') return;
  if (fault.fault === 'reset') {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  const { status, headers = {}, body = '' } = fault.answer;
  outgoing.writeHead(status, headers);
  outgoing.end(body);
}

/** What concerns the connection to the server, not ours to the client. */
function withoutTransport(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (/^(connection|keep-alive|transfer-encoding)$/i.test(name)) continue;
    kept.push(name, value);
  }
  return kept;
}
