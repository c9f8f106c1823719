import type { Bucket, Capabilities } from './bucket.js';

/** Where a bucket is and how to get in: what a config comes down to. */
export type BucketTarget = LocalTarget | S3Target;

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
  /** False: never take credentials of the environment, of profiles or of the machine; there must be keys. */
  readonly ambientCredentials?: boolean;
  /** What a probe of this store has proven, where somebody remembers it. */
  readonly capabilities?: Capabilities;
}

/** Loads the one backend that is needed. Each call of the bucket is sent once: see `withRetry`. */
export async function openBucket(target: BucketTarget): Promise<Bucket> {
  if (target.backend === 'local') {
    const { openLocalBucket } = await import('./local.js');
    return openLocalBucket({ root: target.root });
  }
  const { openS3Bucket } = await import('./s3.js');
  return openS3Bucket(target);
}

/** Whether it had to be made. Nobody else is given access to a new one. */
export async function createBucketIfMissing(target: BucketTarget): Promise<boolean> {
  if (target.backend === 'local') {
    const { createLocalBucketIfMissing } = await import('./local.js');
    return createLocalBucketIfMissing(target.root);
  }
  const { createS3BucketIfMissing } = await import('./s3.js');
  return createS3BucketIfMissing(target);
}
