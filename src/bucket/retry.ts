import type { Clock } from '../clock.js';
import { TracecraftError, UnreachableError } from '../errors.js';
import { throwIfAborted } from './aborted.js';
import type {
  Bucket,
  CallOptions,
  Conditional,
  Entry,
  Etag,
  Key,
  ListOptions,
  Prefix,
  PutOptions,
} from './bucket.js';
import { compareKeys } from './key.js';

export interface RetryOptions {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random?: () => number;
  /** Per operation, including the first. */
  readonly attempts: number;
  /** The nth pause is random below `baseMs` · 2ⁿ⁻¹ and `maxMs`. */
  readonly baseMs: number;
  readonly maxMs: number;
}

/** For a command someone waits for: about ten seconds at most, unless the store asks for more. */
export const patientRetry = { attempts: 6, baseMs: 250, maxMs: 4_000 } as const;

/** A longer wish of the store is reported to the caller, not waited out. */
const longestWishMs = 60_000;

interface Retry {
  readonly bucket: Bucket;
  readonly options: RetryOptions;
}

/**
 * The same bucket, retrying failures that may pass. After a lost answer, a conditional write reads back: what is
 * stored tells whether it was applied, so its result is as definite as an answer. That requires bodies that differ (a
 * nonce in each): an equal body is taken for our own.
 */
export function withRetry(bucket: Bucket, options: RetryOptions): Bucket {
  const retry: Retry = { bucket, options };
  const again = <T>(step: () => Promise<T>, call?: CallOptions): Promise<T> =>
    persist(options, step, call?.signal);
  return {
    kind: bucket.kind,
    location: bucket.location,
    capabilities: bucket.capabilities,
    get: (key, call) => again(() => bucket.get(key, call), call),
    put: (key, body, call) => again(() => bucket.put(key, body, call), call),
    putIfAbsent: (key, body, call) =>
      resolveRefusal(retry, { key, body, call, expected: undefined }, () =>
        bucket.putIfAbsent(key, body, call),
      ),
    putIfMatch: (key, body, etag, call) =>
      resolveRefusal(retry, { key, body, call, expected: etag }, () =>
        bucket.putIfMatch(key, body, etag, call),
      ),
    putFile: (key, path, onProgress) => again(() => bucket.putFile(key, path, onProgress)),
    getFile: (key, path, onProgress) => again(() => bucket.getFile(key, path, onProgress)),
    list: (prefix, call) => persistentList(retry, prefix, call),
    delete: (key, call) => again(() => bucket.delete(key, call), call),
    now: () => again(() => bucket.now()),
    close: () => bucket.close(),
  };
}

/** For operations that may be repeated whatever happened to the last attempt. */
async function persist<T>(
  options: RetryOptions,
  step: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await step();
    } catch (error) {
      await pauseOrThrow(options, error, attempt, signal);
    }
  }
}

interface ConditionalWrite {
  readonly key: Key;
  readonly body: Uint8Array;
  readonly call: PutOptions | undefined;
  /** The ETag to replace; `undefined` if there must be nothing. */
  readonly expected: Etag | undefined;
}

async function resolveRefusal(
  retry: Retry,
  write: ConditionalWrite,
  send: () => Promise<Conditional>,
): Promise<Conditional> {
  const signal = write.call?.signal;
  let mayBeApplied = false;
  for (let attempt = 1; ; attempt += 1) {
    let failure: unknown;
    try {
      const outcome = await send();
      // A first "no" is definite. A later one may answer our own write, applied before its answer was lost.
      if (outcome.written || !mayBeApplied) return outcome;
      return (await readBack(retry, write)) ?? { written: false };
    } catch (error) {
      if (!isRetryable(error)) throw error;
      failure = error;
    }
    throwIfAborted(signal);
    mayBeApplied = true;
    const resolved = await readBack(retry, write).catch((error: unknown) => {
      // A store that is down cannot be read either; the original failure says more.
      throw isRetryable(error) ? failure : error;
    });
    if (resolved !== undefined) return resolved;
    await pauseOrThrow(retry.options, failure, attempt, signal);
  }
}

/** The fate of a write whose answer was lost: done, lost, or `undefined` if nothing changed. */
async function readBack(
  { bucket, options }: Retry,
  { key, body, call, expected }: ConditionalWrite,
): Promise<Conditional | undefined> {
  const signal = call?.signal;
  const reading = signal === undefined ? {} : { signal };
  const present = await persist(options, () => bucket.get(key, reading), signal);
  if (present === undefined) return expected === undefined ? undefined : { written: false };
  if (present.body.equals(body)) return { written: true, etag: present.etag };
  return present.etag === expected ? undefined : { written: false };
}

/** Resumes after the last entry handed out; every entry that arrives resets the retry budget. */
async function* persistentList(
  { bucket, options }: Retry,
  prefix: Prefix,
  request: ListOptions = {},
): AsyncGenerator<Entry> {
  let after = request.after;
  for (let attempt = 1; ; attempt += 1) {
    const seen = after;
    try {
      for await (const entry of bucket.list(prefix, withAfter(request, after))) {
        const name = entry.kind === 'object' ? entry.key : entry.prefix;
        if (seen !== undefined && compareKeys(name, seen) <= 0) continue;
        after = name;
        attempt = 1;
        yield entry;
      }
      return;
    } catch (error) {
      await pauseOrThrow(options, error, attempt, request.signal);
    }
  }
}

function withAfter(request: ListOptions, after: Key | undefined): ListOptions {
  return after === undefined ? request : { ...request, after };
}

async function pauseOrThrow(
  { clock, random = Math.random, attempts, baseMs, maxMs }: RetryOptions,
  error: unknown,
  attempt: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (!isRetryable(error) || attempt >= attempts || signal?.aborted === true) throw error;
  const wishMs = error instanceof UnreachableError ? (error.retryAfterMs ?? 0) : 0;
  if (wishMs > longestWishMs) throw error;
  const jitterMs = random() * Math.min(maxMs, baseMs * 2 ** (attempt - 1));
  await clock.sleep(Math.max(jitterMs, wishMs), signal);
  throwIfAborted(signal);
}

function isRetryable(error: unknown): boolean {
  return error instanceof TracecraftError && error.retryable;
}
