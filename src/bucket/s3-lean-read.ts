import { createHash, createHmac } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../clock.js';
import type { Key } from './bucket.js';
import type { StoreClock } from './store-clock.js';

export interface LeanOptions {
  readonly bucket: string;
  readonly endpoint: string | undefined;
  readonly clock: Clock;
  readonly storeClock: StoreClock;
  /** Milliseconds without a byte after which a request is given up. */
  readonly idleMs: number;
}

export type LeanAnswer =
  | {
      readonly found: true;
      readonly body: Buffer;
      readonly etag: string | undefined;
      readonly modifiedAt: Date | undefined;
    }
  | { readonly found: false };

const emptySha256 = createHash('sha256').update('').digest('hex');
const maxSockets = 96;
/** Amazon's ordinary partition, whose host names follow from the region. */
const ordinaryRegion = /^[a-z]{2}-[a-z]+-\d$/;

/**
 * Whole small objects, read with one signed request each and nothing else: the SDK's pipeline costs three times the work of
 * the request itself, which tells where a thousand are read (docs/adr/0009). Only what is plain is answered here; for all
 * else (a redirect, a refusal, a fault) the answer is `undefined`, and the SDK is to be asked.
 */
export class LeanReader {
  readonly #options: LeanOptions;
  readonly #agents = {
    http: new HttpAgent({ keepAlive: true, maxSockets }),
    https: new HttpsAgent({ keepAlive: true, maxSockets }),
  };
  #key: { readonly of: string; readonly key: Buffer } | undefined;

  constructor(options: LeanOptions) {
    this.#options = options;
  }

  /** Only once the store has answered the SDK: then its clock, its region and the credentials are known to be right. */
  async get(key: Key, client: S3Client, signal?: AbortSignal): Promise<LeanAnswer | undefined> {
    const nowMs = this.#options.storeClock.read();
    if (nowMs === undefined || signal?.aborted) return undefined;
    const region = await client.config.region();
    const url = this.#urlOf(key, region);
    if (url === undefined) return undefined;
    const { accessKeyId, secretAccessKey, sessionToken } = await client.config.credentials();
    const headers = this.#signed(url, new Date(nowMs), {
      region,
      accessKeyId,
      secretAccessKey,
      sessionToken,
    });
    try {
      return await this.#fetch(url, headers, signal);
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #urlOf(key: Key, region: string): RequestUrl | undefined {
    const { bucket, endpoint } = this.#options;
    const path = key.split('/').map(encodeSegment).join('/');
    if (endpoint !== undefined) {
      const { protocol, hostname, port, host, pathname } = new URL(endpoint);
      const base = pathname.replace(/\/$/, '');
      return { protocol, hostname, port, host, path: `${base}/${encodeSegment(bucket)}/${path}` };
    }
    if (!ordinaryRegion.test(region) || !/^[a-z0-9-]+$/.test(bucket)) return undefined;
    const host = `${bucket}.s3.${region}.amazonaws.com`;
    return { protocol: 'https:', hostname: host, port: '', host, path: `/${path}` };
  }

  /** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
  #signed({ host, path }: RequestUrl, now: Date, keys: SigningKeys): Record<string, string> {
    const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
    const scope = `${time.slice(0, 8)}/${keys.region}/s3/aws4_request`;
    const token = keys.sessionToken;
    const headers: Record<string, string> = {
      host,
      'x-amz-content-sha256': emptySha256,
      'x-amz-date': time,
      ...(token === undefined ? {} : { 'x-amz-security-token': token }),
    };
    const names = Object.keys(headers).join(';');
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value.trim()}\n`);
    const canonical = `GET\n${path}\n\n${lines.join('')}\n${names}\n${emptySha256}`;
    const digest = createHash('sha256').update(canonical).digest('hex');
    const signature = createHmac('sha256', this.#signingKey(scope, keys))
      .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`)
      .digest('hex');
    const credential = `${keys.accessKeyId}/${scope}`;
    return {
      ...headers,
      authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
    };
  }

  /** The same for a whole day. */
  #signingKey(scope: string, { secretAccessKey }: SigningKeys): Buffer {
    const of = `${scope}\n${secretAccessKey}`;
    if (this.#key?.of === of) return this.#key.key;
    const key = scope
      .split('/')
      .reduce<Buffer>(
        (above, part) => createHmac('sha256', above).update(part).digest(),
        Buffer.from(`AWS4${secretAccessKey}`),
      );
    this.#key = { of, key };
    return key;
  }

  #fetch(
    { protocol, hostname, port, path }: RequestUrl,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<LeanAnswer | undefined> {
    const { clock, storeClock, idleMs } = this.#options;
    const isSecure = protocol === 'https:';
    const send = isSecure ? httpsRequest : httpRequest;
    const options = {
      hostname: hostname.replace(/^\[|\]$/g, ''),
      ...(port === '' ? {} : { port: Number(port) }),
      path,
      headers,
      agent: isSecure ? this.#agents.https : this.#agents.http,
      timeout: idleMs,
      ...(signal === undefined ? {} : { signal }),
    };
    const sentAt = clock.monotonic();
    return new Promise((resolve, reject) => {
      const outgoing = send(options, (answer) => {
        storeClock.observe(answer.headers.date, sentAt, clock.monotonic());
        answer.toArray().then((chunks) => resolve(answerOf(answer, Buffer.concat(chunks))), reject);
      });
      outgoing.once('timeout', () => outgoing.destroy(new Error('no answer')));
      outgoing.once('error', reject);
      outgoing.end();
    });
  }
}

interface RequestUrl {
  readonly protocol: string;
  readonly hostname: string;
  /** '' is the protocol's own. */
  readonly port: string;
  readonly host: string;
  /** Encoded: this very text is signed and sent. */
  readonly path: string;
}

interface SigningKeys {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

function answerOf(answer: IncomingMessage, body: Buffer): LeanAnswer | undefined {
  const { statusCode, headers, complete } = answer;
  if (statusCode === 404 && body.includes('<Code>NoSuchKey</Code>')) return { found: false };
  const length = headers['content-length'];
  const isWhole = complete && (length === undefined || Number(length) === body.length);
  if (statusCode !== 200 || !isWhole) return undefined;
  const modified = new Date(headers['last-modified'] ?? Number.NaN);
  return {
    found: true,
    body,
    etag: headers.etag,
    modifiedAt: Number.isNaN(modified.getTime()) ? undefined : modified,
  };
}

/** All but the unreserved characters of RFC 3986, as the signature wants it. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
