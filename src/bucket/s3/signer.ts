import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { homeFolder } from '../../system-user.js';
import { namedRegion, type S3Keys } from './client.js';
import type { Signer } from './signature.js';

/** Where requests go, as far as the config says. */
interface S3Place {
  readonly endpoint: string | undefined;
  readonly profile: string | undefined;
  /** Default: wherever the AWS tools look. */
  readonly keys: S3Keys | undefined;
}

/**
 * Keys and region if they are known without the SDK: they come from the config or from variables, and no file could
 * override them. `undefined` wherever the SDK might decide otherwise.
 */
export function signerWithoutSdk(
  place: S3Place & { readonly region: string | undefined },
): Signer | undefined {
  const keys = place.keys ?? ambientKeys(place);
  const region = namedRegion(place);
  if (keys === undefined || region === undefined || !isPlainPlace(place)) return undefined;
  return { ...keys, sessionToken: keys.sessionToken, region };
}

/** The keys and region the SDK found. It renews credentials that expire. */
export async function foundSigner(
  { endpoint }: S3Place,
  client: S3Client | undefined,
): Promise<Signer | undefined> {
  if (client === undefined) return undefined;
  const { config } = client;
  if (endpoint === undefined) {
    const isSpecial =
      config.isCustomEndpoint === true ||
      (await config.useFipsEndpoint()) ||
      (await config.useDualstackEndpoint());
    if (isSpecial) return undefined;
  }
  const { accessKeyId, secretAccessKey, sessionToken } = await config.credentials();
  const region = await config.region();
  return { accessKey: accessKeyId, secretKey: secretAccessKey, sessionToken, region };
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html; a profile takes precedence. */
function ambientKeys({ profile }: S3Place): S3Keys | undefined {
  const { env } = process;
  const accessKey = env.AWS_ACCESS_KEY_ID;
  const secretKey = env.AWS_SECRET_ACCESS_KEY;
  if (!accessKey || !secretKey || profile !== undefined) return undefined;
  if (env.AWS_PROFILE || env.AWS_CREDENTIAL_SCOPE || env.AWS_CREDENTIAL_EXPIRATION) {
    return undefined;
  }
  return { accessKey, secretKey, sessionToken: env.AWS_SESSION_TOKEN || undefined };
}

/** Amazon's own address depends on settings that only the SDK reads: FIPS, dual stack, an endpoint in a file. */
function isPlainPlace({ endpoint }: S3Place): boolean {
  if (endpoint !== undefined) return true;
  const { env } = process;
  if (env.AWS_USE_FIPS_ENDPOINT || env.AWS_USE_DUALSTACK_ENDPOINT) return false;
  return !existsSync(env.AWS_CONFIG_FILE || join(homeFolder(env), '.aws', 'config'));
}
