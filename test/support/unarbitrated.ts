import type { Bucket } from '../../src/bucket/bucket.js';
import { UnsupportedError } from '../../src/errors.js';

/** The same bucket as one that takes every write and arbitrates nothing, as plain Hugging Face does. */
export function unarbitrated(bucket: Bucket): Bucket {
  const refuse = async (): Promise<never> => {
    throw new UnsupportedError('no conditional writes here');
  };
  return {
    ...bucket,
    capabilities: { putIfAbsent: false, putIfMatch: false },
    putIfAbsent: refuse,
    putIfMatch: refuse,
  };
}
