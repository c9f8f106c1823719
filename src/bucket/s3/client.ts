import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { Clock } from '../../clock.js';
import type { StoreClock } from '../store-clock.js';
import { defaultRegion } from './amazon-host.js';
import {
  assertFollowed,
  discardBody,
  followingRequest,
  isHttpAnswer,
  type RedirectMemory,
  redirectOf,
} from './gateway.js';
import { proxyAgents } from './proxy.js';

export type Sdk = typeof import('@aws-sdk/client-s3');

export interface S3Keys {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string | undefined;
}

export interface S3Timeouts {
  /** Milliseconds to establish a connection. */
  readonly connectMs: number;
  /** Milliseconds of silence, in either direction, after which a request is abandoned. */
  readonly idleMs: number;
}

interface ClientOptions {
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly profile: string | undefined;
  /** Default: wherever the AWS tools look. */
  readonly keys: S3Keys | undefined;
  readonly timeouts: S3Timeouts;
  readonly clock: Clock;
  readonly storeClock: StoreClock;
  readonly redirects: RedirectMemory;
}

/** Options of an SDK request. */
export interface Wire {
  readonly sdk: Sdk;
  readonly client: S3Client;
  readonly bucket: string;
  readonly options: { readonly abortSignal?: AbortSignal };
}

/** The SDK's own default. */
const maxSockets = 50;
/** Redirects that lead to redirects. */
const longestRedirect = 3;

const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Costs about 80 ms, so only requests pay for it. */
export async function loadSdk(): Promise<Sdk> {
  // Otherwise the SDK prints on every run that its 2027 versions need a newer Node.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return import('@aws-sdk/client-s3');
}

export async function createClient(sdk: Sdk, options: ClientOptions): Promise<S3Client> {
  const { keys, profile, endpoint, timeouts } = options;
  const agents = await proxyAgents({ keepAlive: true, maxSockets, connectMs: timeouts.connectMs });
  const config: S3ClientConfig = {
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(profile === undefined ? {} : { profile }),
    ...(keys === undefined ? {} : { credentials: credentialsOf(keys) }),
    region: await regionOf(sdk, options),
    // We retry ourselves: after a lost answer the SDK would resend and report that we lost the race to ourselves.
    maxAttempts: 1,
    // Other stores do not know Amazon's newer checksums, and answer streams that carry them with 500 or 411.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Workerd takes six seconds to answer it.
    expectContinueHeader: false,
    logger: silent,
    requestHandler: {
      connectionTimeout: timeouts.connectMs,
      socketTimeout: timeouts.idleMs,
      logger: silent,
      ...agents,
    },
  };
  const client = new sdk.S3Client(config);
  watchAnswers(client, options);
  return client;
}

function credentialsOf({ accessKey, secretKey, sessionToken }: S3Keys) {
  return {
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
}

/** Without reading any file. The AWS command line honours AWS_DEFAULT_REGION; the SDK does not. */
export function namedRegion({
  region,
  profile,
  keys,
}: Pick<ClientOptions, 'region' | 'profile' | 'keys'>): string | undefined {
  const named = region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  if (named !== undefined && named !== '') return named;
  return keys !== undefined && profile === undefined ? defaultRegion : undefined;
}

/** The named profile, otherwise wherever the AWS tools look. */
async function regionOf(sdk: Sdk, options: ClientOptions): Promise<string> {
  const { profile } = options;
  const named = namedRegion(options);
  if (named !== undefined) return named;
  const inquirer = new sdk.S3Client(profile === undefined ? {} : { profile });
  try {
    return await inquirer.config.region();
  } catch {
    return defaultRegion;
  } finally {
    inquirer.destroy();
  }
}

/** Sees every answer as received, before the SDK turns it into an output or an error. */
function watchAnswers(client: S3Client, options: ClientOptions): void {
  const { clock, storeClock, redirects, endpoint } = options;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const sentAt = clock.monotonic();
      let result = await next(args);
      if (isHttpAnswer(result.response)) {
        storeClock.observe(result.response.headers.date, sentAt, clock.monotonic());
      }
      if (context.commandName !== 'GetObjectCommand') return result;
      const range = 'Range' in args.input ? args.input.Range : undefined;
      let target = redirectOf(result.response, endpoint);
      for (let hop = 0; target !== undefined; hop += 1) {
        redirects.redirects = true;
        discardBody(result.response);
        result = await next({ ...args, request: followingRequest(target, range) });
        const further = hop < longestRedirect ? redirectOf(result.response, endpoint) : undefined;
        if (further === undefined) assertFollowed(result.response, target);
        target = further;
      }
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'watchAnswers' },
  );
}

function nothing(): void {}
