import type { Agent, IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import type { Clock } from '../../clock.js';
import type { Digests } from '../digests.js';
import type { StoreClock } from '../store-clock.js';
import { amazonHost } from './amazon-host.js';
import type { S3Timeouts } from './client.js';
import type { RedirectMemory } from './gateway.js';
import { S3Refusal } from './http-error.js';
import { proxyAgents } from './proxy.js';
import {
  contentMd5,
  type Described,
  type Fetched,
  type Page,
  type S3Requests,
} from './requests.js';
import { encodeSegment, type Signer, signed } from './signature.js';

export interface DirectOptions {
  readonly bucket: string;
  readonly endpoint: string | undefined;
  readonly timeouts: S3Timeouts;
  readonly clock: Clock;
  readonly storeClock: StoreClock;
  readonly redirects: RedirectMemory;
}

/** Needs the SDK. Nothing was written, so it may be sent again. */
export class NeedsSdk extends Error {}

const maxSockets = 96;
/** The parts of a backlog included: to load the SDK for them costs as much as to redact 50 MB. */
const mostBytes = 16 * 1024 * 1024;

/**
 * Small requests without the SDK: signed here and sent by node:http, for a third of the work and without the time it
 * takes to load the SDK (docs/adr/0009). Throws `NeedsSdk` for anything it is not certain about.
 */
export class DirectClient {
  readonly #options: DirectOptions;
  #channel: Promise<Channel> | undefined;

  constructor(options: DirectOptions) {
    this.#options = options;
  }

  /** `undefined` if the bucket's address does not simply follow from its name. */
  requests(signer: Signer, signal: AbortSignal | undefined): S3Requests | undefined {
    const place = this.#placeOf(signer.region);
    if (place === undefined) return undefined;
    const send = (what: Sending) => this.#send(place, what, signer, signal);
    const { redirects } = this.#options;
    return {
      get: async (key, range) => {
        if (redirects.redirects) throw new NeedsSdk('this store redirects');
        return fetched(await send({ method: 'GET', key, headers: { range } }));
      },
      head: async (key) => described(await send({ method: 'HEAD', key })),
      headBucket: async () => {
        await send({ method: 'HEAD' });
      },
      put: async ({ key, body, contentType, digests, ifNoneMatch, ifMatch }) => {
        if (body.length > mostBytes) throw new NeedsSdk('large');
        const headers = {
          'content-md5': contentMd5(body, digests),
          'content-type': contentType,
          'if-none-match': ifNoneMatch,
          'if-match': ifMatch,
        };
        return (await send({ method: 'PUT', key, headers, body, digests })).headers.etag;
      },
      delete: async (key) => {
        await send({ method: 'DELETE', key });
      },
      list: async ({ prefix, delimiter, after, token }) => {
        const query = {
          'list-type': '2',
          prefix,
          delimiter,
          'start-after': after,
          'continuation-token': token,
        };
        return pageOf(await send({ method: 'GET', query }));
      },
    };
  }

  async close(): Promise<void> {
    (await this.#channel)?.agent.destroy();
  }

  #placeOf(region: string): RequestTarget | undefined {
    const { bucket, endpoint } = this.#options;
    if (endpoint !== undefined) {
      const { protocol, hostname, port, host, pathname } = new URL(endpoint);
      const path = `${pathname.replace(/\/$/, '')}/${encodeSegment(bucket)}`;
      return { isSecure: protocol === 'https:', hostname, port, host, path };
    }
    const host = amazonHost(bucket, region);
    if (host === undefined) return undefined;
    return { isSecure: true, hostname: host, port: '', host, path: '' };
  }

  async #send(
    place: RequestTarget,
    { method, key, query = {}, headers = {}, body, digests }: Sending,
    signer: Signer,
    signal: AbortSignal | undefined,
  ): Promise<Answered> {
    const { clock, storeClock } = this.#options;
    const length: Given = body === undefined ? {} : { 'content-length': String(body.length) };
    const { target, headers: sent } = signed(
      {
        method,
        host: place.host,
        path: `${place.path}/${key === undefined ? '' : key.split('/').map(encodeSegment).join('/')}`,
        query: Object.entries(given(query)),
        headers: given({ ...headers, ...length }),
        body,
        sha256: digests?.sha256,
      },
      signer,
      new Date(storeClock.read() ?? clock.now()),
    );
    const answer = await this.#exchange(place, { method, target, headers: sent, body, signal });
    const { status } = answer;
    if (status >= 300 && status < 400) throw new NeedsSdk(`answered ${status}`);
    if (status < 200 || status >= 300) throw new S3Refusal(status, answer.headers, answer.body);
    return answer;
  }

  async #exchange(
    { isSecure, hostname, port }: RequestTarget,
    { method, target, headers, body, signal }: Exchange,
  ): Promise<Answered> {
    const { clock, storeClock, timeouts } = this.#options;
    this.#channel ??= openChannel(isSecure, timeouts);
    const { start, agent } = await this.#channel;
    const sentAt = clock.monotonic();
    return new Promise((resolve, reject) => {
      const outgoing = start(
        {
          method,
          hostname: hostname.replace(/^\[|\]$/g, ''),
          ...(port === '' ? {} : { port: Number(port) }),
          path: target,
          headers,
          agent,
          timeout: timeouts.idleMs,
          ...(signal === undefined ? {} : { signal }),
        },
        (incoming) => {
          storeClock.observe(incoming.headers.date, sentAt, clock.monotonic());
          const [status, answered] = [incoming.statusCode ?? 0, headersOf(incoming)];
          const length = method === 'HEAD' ? '0' : answered['content-length'];
          bodyOf(incoming, Number(length)).then(
            (whole) => resolve({ status, headers: answered, body: whole }),
            reject,
          );
        },
      );
      const giveUp = (what: string) => () => outgoing.destroy(timedOut(what));
      outgoing.once('timeout', giveUp(`no data for ${timeouts.idleMs / 1000} s`));
      outgoing.once('error', reject);
      outgoing.once('socket', (socket) => {
        if (!socket.connecting) return;
        const what = `no connection within ${timeouts.connectMs / 1000} s`;
        const timer = setTimeout(giveUp(what), timeouts.connectMs);
        const stop = (): void => clearTimeout(timer);
        socket.once(isSecure ? 'secureConnect' : 'connect', stop).once('close', stop);
      });
      outgoing.end(body);
    });
  }
}

/** A longer body is received in pieces, whatever its sender says. */
const mostExpected = 64 * 1024 * 1024;

/** Where the length is known, straight into one buffer: half the work of keeping the pieces and joining them. */
async function bodyOf(incoming: IncomingMessage, length: number): Promise<Buffer> {
  if (!(length <= mostExpected)) return Buffer.concat(await incoming.toArray());
  const body = Buffer.allocUnsafe(length);
  let received = 0;
  incoming.on('data', (piece: Buffer) => {
    received += piece.copy(body, received);
  });
  await finished(incoming);
  return body.subarray(0, received);
}

/** Loads TLS only when needed. */
async function openChannel(isSecure: boolean, { connectMs }: S3Timeouts): Promise<Channel> {
  const { request: start, Agent } = await (isSecure ? import('node:https') : import('node:http'));
  const pooling = { keepAlive: true, maxSockets };
  const agents = await proxyAgents({ ...pooling, connectMs });
  if (agents === undefined) return { start, agent: new Agent(pooling) };
  return { start, agent: isSecure ? agents.httpsAgent : agents.httpAgent };
}

interface Channel {
  readonly start: typeof import('node:http').request;
  readonly agent: Agent;
}

interface RequestTarget {
  readonly isSecure: boolean;
  readonly hostname: string;
  /** '' is the protocol's default. */
  readonly port: string;
  readonly host: string;
  /** What precedes the key. */
  readonly path: string;
}

type Given = Readonly<Record<string, string | undefined>>;

interface Sending {
  readonly method: string;
  /** Omitted: the bucket itself. */
  readonly key?: string;
  readonly query?: Given;
  readonly headers?: Given;
  readonly body?: Buffer;
  readonly digests?: Digests | undefined;
}

interface Exchange {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  readonly signal: AbortSignal | undefined;
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

function given(some: Given): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of Object.entries(some)) if (value !== undefined) all[name] = value;
  return all;
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) all[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return all;
}

function timedOut(what: string): Error {
  return Object.assign(new Error(what), { name: 'TimeoutError', code: 'ETIMEDOUT' });
}

function fetched({ headers, body }: Answered): Fetched {
  const { size: length, ...rest } = described({ status: 0, headers, body });
  return { ...rest, body, length, range: headers['content-range'] };
}

function described({ headers }: Answered): Described {
  const length = headers['content-length'];
  return {
    etag: headers.etag,
    modifiedAt: dateOf(headers['last-modified']),
    size: length === undefined || !/^\d+$/.test(length) ? undefined : Number(length),
  };
}

async function pageOf({ body }: Answered): Promise<Page> {
  const { readPage } = await import('./page.js');
  return readPage(body);
}

function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
