import type { Bucket, Conditional, Etag, Key, PutOptions } from './bucket.js';

/** What `writeOver` needs of a bucket. */
type Arbiter = Pick<Bucket, 'capabilities' | 'put' | 'putIfAbsent' | 'putIfMatch'>;

/**
 * Creates an object (`over` is `undefined`), or replaces the version that was read. Not written: somebody else was faster.
 * A store that does not arbitrate is written to unconditionally.
 */
export async function writeOver(
  bucket: Arbiter,
  key: Key,
  body: Uint8Array,
  over: Etag | undefined,
  options?: PutOptions,
): Promise<Conditional> {
  const { putIfAbsent, putIfMatch } = bucket.capabilities;
  if (over === undefined && putIfAbsent) return bucket.putIfAbsent(key, body, options);
  if (over !== undefined && putIfMatch) return bucket.putIfMatch(key, body, over, options);
  return { written: true, ...(await bucket.put(key, body, options)) };
}
