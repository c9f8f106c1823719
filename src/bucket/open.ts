import { resolve } from 'node:path';
import type { Bucket, Capabilities } from './bucket.js';

/** Where a bucket is and how to get in: what a config resolves to. */
export type BucketTarget = LocalTarget | S3Target | HubTarget;

interface LocalTarget {
  readonly backend: 'local';
  /** The folder. */
  readonly root: string;
  /** It is opened to write, so asking for the time may write too. */
  readonly isForWriting?: boolean;
}

export interface S3Target {
  readonly backend: 's3';
  readonly bucket: string;
  /** Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, then Amazon. */
  readonly endpoint?: string;
  /** Default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, then us-east-1. */
  readonly region?: string;
  readonly profile?: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly sessionToken?: string;
  /** 'sdk' sends everything through the SDK. By default, small requests bypass it. */
  readonly transport?: 'sdk' | 'direct';
  /** What a probe has proven about this store, if anyone remembers. */
  readonly capabilities?: Capabilities;
}

interface HubTarget {
  readonly backend: 'hf';
  /** `user/name` */
  readonly bucket: string;
  /** Default: HF_ENDPOINT, then the Hub itself. */
  readonly endpoint?: string;
  /** Default: HF_TOKEN, HUGGING_FACE_HUB_TOKEN, then the token file. */
  readonly token?: string;
}

/** Loads only the backend it needs. Each call on the bucket is sent once; see `withRetry`. */
export async function openBucket(target: BucketTarget): Promise<Bucket> {
  if (target.backend === 'local') {
    const { openLocalBucket } = await import('./local/bucket.js');
    return openLocalBucket(target);
  }
  if (target.backend === 'hf') {
    const { openHubBucket } = await import('./hugging-face/bucket.js');
    return openHubBucket(target);
  }
  const { openS3Bucket } = await import('./s3/bucket.js');
  return openS3Bucket(target);
}

/** As `Bucket.location`, whether or not the bucket can be reached. */
export async function locationOf(target: BucketTarget): Promise<string> {
  if (target.backend === 'local') return resolve(target.root);
  const bucket = await openBucket(target);
  await bucket.close();
  return bucket.location;
}

interface CreateOptions {
  /** For stores that have visibility; 'private' by default. An existing bucket keeps what it has. */
  readonly visibility?: 'private' | 'public';
}

interface CreatedBucket {
  /** Whether it had to be created. Only you get access to a new one, unless asked otherwise. */
  readonly isNew: boolean;
  /** As read back from the store, if it has visibility. */
  readonly visibility?: 'private' | 'public';
}

export async function createBucketIfMissing(
  target: BucketTarget,
  { visibility }: CreateOptions = {},
): Promise<CreatedBucket> {
  if (target.backend === 'local') {
    const { createLocalBucketIfMissing } = await import('./local/bucket.js');
    return { isNew: await createLocalBucketIfMissing(target.root) };
  }
  if (target.backend === 'hf') {
    const { createHubBucketIfMissing } = await import('./hugging-face/bucket.js');
    return createHubBucketIfMissing(target, visibility);
  }
  const { createS3BucketIfMissing } = await import('./s3/bucket.js');
  return { isNew: await createS3BucketIfMissing(target) };
}
