import type { Bucket } from '../bucket/bucket.js';

/** A bucket whose clock shows story time. */
export function recordingBucket(bucket: Bucket, now: () => Date): Bucket {
  return {
    kind: bucket.kind,
    location: bucket.location,
    capabilities: bucket.capabilities,
    get: (key, options) => bucket.get(key, options),
    put: (key, body, options) => bucket.put(key, body, options),
    putIfAbsent: (key, body, options) => bucket.putIfAbsent(key, body, options),
    putIfMatch: (key, body, etag, options) => bucket.putIfMatch(key, body, etag, options),
    putFile: (key, path, options) => bucket.putFile(key, path, options),
    getFile: (key, path, options) => bucket.getFile(key, path, options),
    list: (prefix, options) => bucket.list(prefix, options),
    delete: (key, options) => bucket.delete(key, options),
    now: async () => now(),
    close: () => bucket.close(),
  };
}
