import type { Bucket } from '../../src/bucket/bucket.js';

/** What is counted: calls of the interface, not what a backend makes of them (a long listing is several requests). */
export type Operation =
  | 'get'
  | 'put'
  | 'putIfAbsent'
  | 'putIfMatch'
  | 'putFile'
  | 'getFile'
  | 'list'
  | 'delete'
  | 'now';

export interface CountingBucket extends Bucket {
  /** How many of each so far; a copy. */
  counts(): Readonly<Record<Operation, number>>;
}

/** The same bucket, counting. Inside `withRetry` it counts every attempt, around it what callers asked for. */
export function withCounts(bucket: Bucket): CountingBucket {
  const counts: Record<Operation, number> = {
    get: 0,
    put: 0,
    putIfAbsent: 0,
    putIfMatch: 0,
    putFile: 0,
    getFile: 0,
    list: 0,
    delete: 0,
    now: 0,
  };
  const count = <T>(operation: Operation, call: () => T): T => {
    counts[operation] += 1;
    return call();
  };
  return {
    kind: bucket.kind,
    location: bucket.location,
    capabilities: bucket.capabilities,
    get: (...call) => count('get', () => bucket.get(...call)),
    put: (...call) => count('put', () => bucket.put(...call)),
    putIfAbsent: (...call) => count('putIfAbsent', () => bucket.putIfAbsent(...call)),
    putIfMatch: (...call) => count('putIfMatch', () => bucket.putIfMatch(...call)),
    putFile: (...call) => count('putFile', () => bucket.putFile(...call)),
    getFile: (...call) => count('getFile', () => bucket.getFile(...call)),
    list: (...call) => count('list', () => bucket.list(...call)),
    delete: (...call) => count('delete', () => bucket.delete(...call)),
    now: (...call) => count('now', () => bucket.now(...call)),
    close: () => bucket.close(),
    counts: () => ({ ...counts }),
  };
}
