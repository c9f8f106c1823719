import type { Bucket } from '../bucket/bucket.js';

/**
 * Creates an object, or replaces the version that was read; unconditionally if the store does not
 * arbitrate. Returns whether it was written: not if somebody else was faster.
 */
export async function writeOver(
  bucket: Bucket,
  key: string,
  body: Uint8Array,
  over: string | undefined,
): Promise<boolean> {
  const { putIfAbsent, putIfMatch } = bucket.capabilities;
  if (over === undefined && putIfAbsent) return (await bucket.putIfAbsent(key, body)).written;
  if (over !== undefined && putIfMatch) return (await bucket.putIfMatch(key, body, over)).written;
  await bucket.put(key, body);
  return true;
}
