import type { Key } from './bucket.js';
import type { BucketTarget, S3Target } from './open.js';
import { amazonHost, defaultRegion } from './s3/amazon-host.js';

/** Whether anyone can read; 'unknown' if that cannot be determined from here. */
type Exposure = 'private' | 'public' | 'unknown';

const timeoutMs = 10_000;

/**
 * Who can read the bucket. For the Hub: ask it. For S3: request an object without a signature, which is the truth
 * whatever policies and lists say. For a folder: its mode.
 *
 * @param key of an existing object
 */
export async function exposureOf(target: BucketTarget, key: Key): Promise<Exposure> {
  if (target.backend === 'local') {
    const { stat } = await import('node:fs/promises');
    if (process.platform === 'win32') return 'unknown';
    return ((await stat(target.root)).mode & 0o077) === 0 ? 'private' : 'public';
  }
  if (target.backend === 'hf') {
    const { hubVisibility } = await import('./hugging-face/bucket.js');
    return (await hubVisibility(target)) ?? 'unknown';
  }
  return askUnsigned(target, key);
}

async function askUnsigned(target: S3Target, key: Key): Promise<Exposure> {
  const endpoint =
    target.endpoint || process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL;
  const base =
    endpoint === undefined
      ? amazonAddress(target)
      : `${endpoint.replace(/\/+$/, '')}/${encodeURIComponent(target.bucket)}`;
  if (base === undefined) return 'unknown';
  const path = key.split('/').map(encodeURIComponent).join('/');
  try {
    const answer = await fetch(`${base}/${path}`, { signal: AbortSignal.timeout(timeoutMs) });
    await answer.body?.cancel();
    if (answer.ok) return 'public';
    return answer.status === 401 || answer.status === 403 ? 'private' : 'unknown';
  } catch {
    return 'unknown';
  }
}

function amazonAddress({ bucket, region = defaultRegion }: S3Target): string | undefined {
  const host = amazonHost(bucket, region);
  return host === undefined ? undefined : `https://${host}`;
}
