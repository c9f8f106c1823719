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
  Written,
} from './bucket.js';
import { Digests } from './digests.js';
import { Entries, pagesOf } from './entries.js';
import { quotedMd5 } from './etag.js';
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

/** If the store asks for a longer pause, that is reported to the caller, not waited out. */
const longestWishMs = 60_000;

interface Retry {
  readonly bucket: Bucket;
  readonly options: RetryOptions;
  readonly etags: EtagTrust;
}

/** Whether answers to PUT carry the ETag that reads return; `undefined` until that had to be checked. */
interface EtagTrust {
  isTrue: boolean | undefined;
}

/**
 * The same bucket, retrying failures that may pass, with conditional writes whose result is final:
 * - `written: true`: it was applied. The ETag is the one that reads return.
 * - `written: false`: somebody else won, and nothing of ours was applied.
 * - `UnreachableError`: nobody knows.
 *
 * No single answer settles that: a lost answer may hide a win, and a 412 may be the answer to our
 * own write, sent a second time by a proxy. So every error and every refusal is followed by a read:
 * our bytes mean written, the expected ETag means send again, anything else means lost. That
 * requires bodies that differ (a nonce in each): an equal body is taken for our own.
 */
export function withRetry(bucket: Bucket, options: RetryOptions): Bucket {
  const retry: Retry = { bucket, options, etags: { isTrue: undefined } };
  const again = <T>(step: () => Promise<T>, call?: CallOptions): Promise<T> =>
    persist(options, step, call?.signal);
  return {
    kind: bucket.kind,
    location: bucket.location,
    capabilities: bucket.capabilities,
    get: (key, call) => again(() => bucket.get(key, call), call),
    put: (key, body, call) => again(() => bucket.put(key, body, call), call),
    putIfAbsent: (key, body, call) =>
      writeConditionally(retry, { key, body, call, expected: undefined }, () =>
        bucket.putIfAbsent(key, body, call),
      ),
    putIfMatch: (key, body, etag, call) =>
      writeConditionally(retry, { key, body, call, expected: etag }, () =>
        bucket.putIfMatch(key, body, etag, call),
      ),
    putFile: (key, path, call) => again(() => bucket.putFile(key, path, call), call),
    getFile: (key, path, call) => again(() => bucket.getFile(key, path, call), call),
    list: (prefix, call) => persistentList(retry, prefix, call),
    delete: (key, call) => again(() => bucket.delete(key, call), call),
    now: (call) => again(() => bucket.now(call), call),
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

async function writeConditionally(
  retry: Retry,
  write: ConditionalWrite,
  send: () => Promise<Conditional>,
): Promise<Conditional> {
  const signal = write.call?.signal;
  for (let attempt = 1; ; attempt += 1) {
    let failure: unknown;
    try {
      const outcome = await send();
      if (outcome.written) return { written: true, etag: await confirmEtag(retry, write, outcome) };
      failure = refusedForNoReason(retry.bucket, write.key);
    } catch (error) {
      if (!isRetryable(error)) throw error;
      failure = error;
    }
    throwIfAborted(signal);
    const resolved = await readBack(retry, write).catch((error: unknown) => {
      // A store that is down cannot be read either; the original failure says more.
      throw isRetryable(error) ? failure : error;
    });
    if (resolved !== undefined) return resolved;
    await pauseOrThrow(retry.options, failure, attempt, signal);
  }
}

/** The fate of a write whose answer proves nothing: done, lost, or `undefined` if nothing changed. */
async function readBack(
  retry: Retry,
  { key, body, call, expected }: ConditionalWrite,
): Promise<Conditional | undefined> {
  const present = await read(retry, key, call?.signal);
  if (present === undefined) return expected === undefined ? undefined : { written: false };
  if (present.body.equals(body)) return { written: true, etag: present.etag };
  return present.etag === expected ? undefined : { written: false };
}

/**
 * An ETag other than the content's MD5 comes from a store that encrypts, or from a proxy that makes it up; a made-up one
 * would make our own next write look lost. Comparing the first with what a read returns tells how to treat the rest.
 */
async function confirmEtag(
  retry: Retry,
  { key, body, call }: ConditionalWrite,
  { etag }: Written,
): Promise<Etag> {
  const { etags } = retry;
  if (etags.isTrue === true) return etag;
  const { md5 } = call?.digests ?? new Digests(body);
  if (etag === quotedMd5(md5)) return etag;
  // It is written, even if it cannot be read.
  const present = await read(retry, key, call?.signal).catch(() => undefined);
  if (present?.body.equals(body) !== true) return etag;
  etags.isTrue ??= present.etag === etag;
  return present.etag;
}

function read({ bucket, options }: Retry, key: Key, signal: AbortSignal | undefined) {
  const reading = signal === undefined ? {} : { signal };
  return persist(options, () => bucket.get(key, reading), signal);
}

/** The store says the condition fails; a read says it holds. */
function refusedForNoReason({ location }: Bucket, key: Key): UnreachableError {
  return new UnreachableError(
    `not known whether ${key} was written: ${location} refused it and holds nothing newer`,
    { hint: 'Try again. If it keeps failing, "tracecraft doctor" shows what this store supports.' },
  );
}

/** Resumes after the last entry handed out; every entry that arrives resets the retry budget. */
function persistentList(retry: Retry, prefix: Prefix, request?: ListOptions): Entries {
  return new Entries(persistentPages(retry, prefix, request));
}

async function* persistentPages(
  { bucket, options }: Retry,
  prefix: Prefix,
  request: ListOptions = {},
): AsyncGenerator<readonly Entry[]> {
  let after = request.after;
  for (let attempt = 1; ; attempt += 1) {
    const seen = after;
    try {
      for await (const page of pagesOf(bucket.list(prefix, withAfter(request, after)))) {
        const last = page.at(-1);
        const first = page[0];
        if (first === undefined || last === undefined) continue;
        const some =
          seen === undefined || compareKeys(nameOf(first), seen) > 0
            ? page
            : page.filter((one) => compareKeys(nameOf(one), seen) > 0);
        if (some.length > 0) after = nameOf(last);
        attempt = 1;
        yield some;
      }
      return;
    } catch (error) {
      await pauseOrThrow(options, error, attempt, request.signal);
    }
  }
}

function nameOf(entry: Entry): string {
  return entry.kind === 'object' ? entry.key : entry.prefix;
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
