import { setMaxListeners } from 'node:events';
import type { Bucket, CallOptions } from './bucket.js';

/**
 * The same bucket, except that every call, including the waits between attempts, also ends when
 * `signal` aborts.
 */
export function stoppable(bucket: Bucket, signal: AbortSignal): Bucket {
  // Every call in flight listens; with more than ten, Node would warn of a leak.
  setMaxListeners(0, signal);
  const both = <Options extends CallOptions>(options: Options | undefined) => ({
    ...options,
    signal: options?.signal === undefined ? signal : AbortSignal.any([options.signal, signal]),
  });
  return {
    kind: bucket.kind,
    location: bucket.location,
    capabilities: bucket.capabilities,
    get: (key, options) => bucket.get(key, both(options)),
    put: (key, body, options) => bucket.put(key, body, both(options)),
    putIfAbsent: (key, body, options) => bucket.putIfAbsent(key, body, both(options)),
    putIfMatch: (key, body, etag, options) => bucket.putIfMatch(key, body, etag, both(options)),
    putFile: (key, path, options) => bucket.putFile(key, path, both(options)),
    getFile: (key, path, options) => bucket.getFile(key, path, both(options)),
    list: (prefix, options) => bucket.list(prefix, both(options)),
    delete: (key, options) => bucket.delete(key, both(options)),
    now: (options) => bucket.now(both(options)),
    close: () => bucket.close(),
  };
}
