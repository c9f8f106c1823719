import type { Bucket, Capabilities } from './bucket.js';

/** Where a bucket is and how to get in: what a config comes down to. */
export type BucketTarget = LocalTarget | S3Target | HubTarget;

export interface LocalTarget {
  readonly backend: 'local';
  /** The folder. */
  readonly root: string;
}

export interface S3Target {
  readonly backend: 's3';
  readonly bucket: string;
  /** Without one: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else Amazon. */
  readonly endpoint?: string;
  /** Without one: AWS_REGION, AWS_DEFAULT_REGION, the profile's, else us-east-1. */
  readonly region?: string;
  readonly profile?: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly sessionToken?: string;
  /** 'sdk': everything goes through it. Left out: what can do without does. */
  readonly transport?: 'sdk';
  /** What a probe of this store has proven, where somebody remembers it. */
  readonly capabilities?: Capabilities;
}

export interface HubTarget {
  readonly backend: 'hf';
  /** `user/name` */
  readonly bucket: string;
  /** Without one: HF_ENDPOINT, else the Hub itself. */
  readonly endpoint?: string;
  /** Without one: HF_TOKEN, HUGGING_FACE_HUB_TOKEN, else the token file. */
  readonly token?: string;
}

/** Loads the one backend that is needed. Each call of the bucket is sent once: see `withRetry`. */
export async function openBucket(target: BucketTarget): Promise<Bucket> {
  if (target.backend === 'local') {
    const { openLocalBucket } = await import('./local/bucket.js');
    return openLocalBucket({ root: target.root });
  }
  if (target.backend === 'hf') {
    const { openHubBucket } = await import('./hugging-face/bucket.js');
    return openHubBucket(target);
  }
  const { openS3Bucket } = await import('./s3/bucket.js');
  return openS3Bucket(target);
}

export interface CreateOptions {
  /** Where the store has such a thing; 'private' unless said otherwise. A bucket that is there keeps what it has. */
  readonly visibility?: 'private' | 'public';
}

export interface CreatedBucket {
  /** Whether it had to be made. Nobody else is given access to a new one, unless asked for. */
  readonly isNew: boolean;
  /** As read back from the store, where it has such a thing. */
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
