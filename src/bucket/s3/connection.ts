import type { Clock } from '../../clock.js';
import { UnreachableError, UsageError } from '../../errors.js';
import { throwIfAborted } from '../aborted.js';
import { createStoreClock, type StoreClock } from '../store-clock.js';
import type { S3Keys, S3Timeouts, Wire } from './client.js';
import { failureOf, type S3Failure } from './errors.js';
import { type RedirectMemory, rememberRedirects } from './gateway.js';
import type { S3Requests } from './requests.js';
import { Transports } from './transports.js';

export interface ConnectionOptions {
  readonly bucket: string;
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  readonly accessKey?: string | undefined;
  readonly secretKey?: string | undefined;
  readonly sessionToken?: string | undefined;
  readonly timeouts?: Partial<S3Timeouts> | undefined;
  /** 'sdk' sends everything through the SDK. By default, 'direct', small requests bypass it. */
  readonly transport?: 'sdk' | 'direct' | undefined;
}

export interface Call {
  /** What is being done, for messages: "read p/agents/a.json". */
  readonly action: string;
  readonly signal?: AbortSignal | undefined;
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: S3Failure };

export interface S3Connection {
  readonly bucket: string;
  /** Safe to print. */
  readonly location: string;
  readonly endpoint: string | undefined;
  readonly clock: Clock;
  readonly storeClock: StoreClock;
  readonly redirects: RedirectMemory;
  /**
   * Sends one request, once. It is resent only if the store refused it for a reason that has been fixed meanwhile
   * (our clock, the region), so it cannot have been applied. Failures are values, for callers that can interpret
   * them.
   */
  ask<T>(call: Call, request: (requests: S3Requests) => Promise<T>): Promise<Answer<T>>;
  /** Like `ask`, for callers that expect success. */
  send<T>(call: Call, request: (requests: S3Requests) => Promise<T>): Promise<T>;
  /** Like `ask`, for what only the SDK can do. */
  askSdk<T>(call: Call, request: (wire: Wire) => Promise<T>): Promise<Answer<T>>;
  close(): Promise<void>;
}

const defaultTimeouts: S3Timeouts = { connectMs: 5_000, idleMs: 30_000 };

/** Sends nothing and loads no SDK yet. `UsageError` for impossible names. */
export function openConnection(options: ConnectionOptions, clock: Clock): S3Connection {
  const bucket = checkBucketName(options.bucket);
  const endpoint = endpointOf(options);
  const location = describe(bucket, endpoint);
  const storeClock = createStoreClock(clock);
  const redirects = rememberRedirects(endpoint);
  const transports = new Transports({
    bucket,
    endpoint,
    region: options.region,
    profile: options.profile,
    keys: keysOf(options),
    transport: options.transport ?? 'direct',
    timeouts: { ...defaultTimeouts, ...options.timeouts },
    clock,
    storeClock,
    redirects,
  });

  const attempt = async <T>(call: Call, send: () => Promise<T>): Promise<Answer<T>> => {
    for (let isLast = false; ; isLast = true) {
      const used = transports.region;
      try {
        throwIfAborted(call.signal);
        return { ok: true, value: await send() };
      } catch (error) {
        const failure = failureOf(error, { ...call, location });
        if (isLast || !isCured(transports, failure, used)) return { ok: false, failure };
      }
    }
  };
  const ask: S3Connection['ask'] = (call, request) =>
    attempt(call, () => transports.send(request, call.signal));
  const askSdk: S3Connection['askSdk'] = (call, request) =>
    attempt(call, async () => request(await transports.wire(call.signal)));
  const send: S3Connection['send'] = async (call, request) => {
    const answer = await ask(call, request);
    if (answer.ok) return answer.value;
    throw answer.failure.error;
  };
  const close = () => transports.close();
  return { bucket, location, endpoint, clock, storeClock, redirects, ask, send, askSdk, close };
}

/** Whether the cause of the refusal is gone. The SDK has already adopted the store's time from the answer. */
function isCured(
  transports: Transports,
  { status, code, region: named }: S3Failure,
  used: string | undefined,
): boolean {
  if (code === 'RequestTimeTooSkewed') return true;
  if (status !== 301 && status !== 400) return false;
  // Another request, refused at the same time, has already corrected it.
  if (transports.region !== used) return true;
  if (named === undefined || named === transports.region) return false;
  transports.moveTo(named);
  return true;
}

/** For an answer without the fields every S3 store sends. */
export function notS3(location: string, what: string): UnreachableError {
  return new UnreachableError(`${location} answered without ${what}`, {
    hint: 'Is the endpoint really an S3 one, or is there a login page in between?',
  });
}

function checkBucketName(bucket: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket) || bucket.startsWith('arn:')) return bucket;
  throw new UsageError(`not a usable bucket name: ${JSON.stringify(bucket.slice(0, 100))}`, {
    hint: 'S3 bucket names have 3 to 63 characters: a-z, 0-9, dots and hyphens.',
  });
}

/**
 * The config's, otherwise what the AWS tools use:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
function endpointOf({ endpoint }: ConnectionOptions): string | undefined {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS } =
    process.env;
  const isIgnored = AWS_IGNORE_CONFIGURED_ENDPOINT_URLS?.toLowerCase() === 'true';
  const ambient = isIgnored ? undefined : AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL;
  const named = endpoint || ambient || undefined;
  if (named === undefined) return undefined;
  const url = URL.canParse(named) ? new URL(named) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new UsageError(
      'the S3 endpoint is not an http or https address without user and password',
      {
        hint: 'Correct endpoint in the config, or AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL.',
      },
    );
  }
  return named.replace(/\/+$/, '');
}

function describe(bucket: string, endpoint: string | undefined): string {
  if (endpoint === undefined) return `s3://${bucket}`;
  const { origin, pathname } = new URL(endpoint);
  return `s3://${bucket} at ${origin}${pathname === '/' ? '' : pathname}`;
}

function keysOf(options: ConnectionOptions): S3Keys | undefined {
  const { accessKey, secretKey, sessionToken } = options;
  if (accessKey !== undefined && secretKey !== undefined) {
    return { accessKey, secretKey, sessionToken };
  }
  if (accessKey !== undefined || secretKey !== undefined) {
    throw new UsageError('access_key and secret_key go together: one of them is missing');
  }
  return undefined;
}
