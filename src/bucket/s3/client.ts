import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { Clock } from '../../clock.js';
import type { StoreClock } from '../store-clock.js';
import {
  assertFollowed,
  discardBody,
  followingRequest,
  isHttpAnswer,
  type RedirectMemory,
  redirectOf,
} from './gateway.js';

export type Sdk = typeof import('@aws-sdk/client-s3');

export interface S3Keys {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string | undefined;
}

export interface S3Timeouts {
  /** Milliseconds until a connection must stand. */
  readonly connectMs: number;
  /** Milliseconds without a byte in either direction after which a request is given up. */
  readonly idleMs: number;
}

export interface ClientOptions {
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly profile: string | undefined;
  /** `undefined`: where the AWS tools look for them. */
  readonly keys: S3Keys | undefined;
  readonly timeouts: S3Timeouts;
  readonly clock: Clock;
  readonly storeClock: StoreClock;
  readonly redirects: RedirectMemory;
}

/** What a request of the SDK is made with. */
export interface Wire {
  readonly sdk: Sdk;
  readonly client: S3Client;
  readonly bucket: string;
  readonly options: { readonly abortSignal?: AbortSignal };
}

/** What Amazon itself assumes where nobody names a region, and what most other stores accept. */
export const defaultRegion = 'us-east-1';

/** Redirects that lead to redirects. */
const longestRedirect = 3;

const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Costs some 80 ms, so only whoever sends a request pays for it. */
export async function loadSdk(): Promise<Sdk> {
  // It would say on every run, on stderr, that its versions of 2027 need a newer Node.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return import('@aws-sdk/client-s3');
}

export async function createClient(sdk: Sdk, options: ClientOptions): Promise<S3Client> {
  const { keys, profile, endpoint } = options;
  const config: S3ClientConfig = {
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(profile === undefined ? {} : { profile }),
    ...(keys === undefined ? {} : { credentials: credentialsOf(keys) }),
    region: await regionOf(sdk, options),
    // Retried by us: after a lost answer the SDK would send again and report the race as lost to ourselves.
    maxAttempts: 1,
    // Other stores do not know Amazon's newer checksums, and answer streams that carry them with 500 or 411.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Workerd takes six seconds to answer it.
    expectContinueHeader: false,
    logger: silent,
    requestHandler: {
      connectionTimeout: options.timeouts.connectMs,
      socketTimeout: options.timeouts.idleMs,
      logger: silent,
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

/** Without looking into any file. The SDK does not read AWS_DEFAULT_REGION, the AWS command line does. */
export function namedRegion({
  region,
  profile,
  keys,
}: Pick<ClientOptions, 'region' | 'profile' | 'keys'>): string | undefined {
  const named = region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  if (named !== undefined && named !== '') return named;
  return keys !== undefined && profile === undefined ? defaultRegion : undefined;
}

/** Named, else where the AWS tools look. */
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

/** Looks at every answer as it came over the wire, before the SDK makes an output or an error of it. */
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
