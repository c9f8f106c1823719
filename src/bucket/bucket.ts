import type { Digests } from './digests.js';

/**
 * One object store, whoever runs it. Keys are whole keys (`<project>/…`), built by `src/protocol`; a backend refuses
 * a key that its medium could misread, and never interprets one.
 *
 * The contract, which `test/bucket/contract.ts` checks for every backend:
 * - A write is visible to every later `get` and `list`, whole or not at all.
 * - The store arbitrates `putIfAbsent` and `putIfMatch`: of any number of concurrent callers in any number of
 *   processes, one gets `written: true`. Losing is a value. Both are sent once: a caller that gets an error does not
 *   know whether the write was applied (`withRetry` reads back). Bodies need a nonce where two callers must be told
 *   apart.
 * - Absence is `undefined`. Everything else is a `TracecraftError`: `UnreachableError` may be retried,
 *   `NotAllowedError` may not, `UsageError` names an unusable key.
 * - Reading, listing and deleting are idempotent. Deleting a missing key succeeds.
 * - Plain writes and deletes are not arbitrated: on some stores (Ceph 16) a concurrent `putIfMatch` undoes them. A
 *   key with several writers is written, and retired, by conditional writes only.
 */
export interface Bucket {
  readonly kind: BucketKind;
  /** Safe to print: holds no credentials. */
  readonly location: string;
  /** What the store arbitrates, as proven by a probe. There is no conditional delete, because many stores ignore it. */
  readonly capabilities: Capabilities;
  get(key: Key, options?: GetOptions): Promise<Stored | undefined>;
  put(key: Key, body: Uint8Array, options?: PutOptions): Promise<Written>;
  putIfAbsent(key: Key, body: Uint8Array, options?: PutOptions): Promise<Conditional>;
  putIfMatch(key: Key, body: Uint8Array, etag: Etag, options?: PutOptions): Promise<Conditional>;
  /** Streams a file of any size in constant memory; multipart above 16 MiB. `onProgress` gets the bytes sent so far. */
  putFile(key: Key, path: string, options?: TransferOptions): Promise<Written>;
  /**
   * Writes a temporary file beside `path`, checks its size, renames it over `path`. `NotFoundError` if the key is
   * missing.
   */
  getFile(key: Key, path: string, options?: TransferOptions): Promise<void>;
  /**
   * In lexical order of the keys' UTF-8 bytes. With a delimiter, keys that share the next segment become one `prefix`
   * entry; the prefix that contains `after` is not listed, so a listing can resume after any entry.
   */
  list(prefix: Prefix, options?: ListOptions): AsyncIterable<Entry>;
  delete(key: Key, options?: CallOptions): Promise<void>;
  /** The store's clock, learnt from its answers (costs one cheap request if there was none yet). */
  now(options?: CallOptions): Promise<Date>;
  /** Frees sockets and timers. Do not use the bucket afterwards. */
  close(): Promise<void>;
}

export type BucketKind = 'local' | 's3' | 'hf';
export type Key = string;
export type Prefix = string;
/** Opaque: comes from this bucket and is passed back unchanged. */
export type Etag = string;

export interface Capabilities {
  readonly putIfAbsent: boolean;
  readonly putIfMatch: boolean;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface GetOptions extends CallOptions {
  /** Byte positions, both inclusive. `end` is clamped to the object; a `start` past the end gives an empty body. */
  readonly range?: { readonly start: number; readonly end: number };
  /**
   * The most bytes that are wanted. Of a larger object only the size counts; body and ETag may be empty. Not together
   * with a range.
   */
  readonly atMost?: number;
}

export interface PutOptions extends CallOptions {
  readonly contentType?: string;
  /** Of the body, if the caller has them. */
  readonly digests?: Digests;
}

export interface TransferOptions extends CallOptions {
  /** Called with the number of bytes transferred so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

export interface ListOptions extends CallOptions {
  /** Only keys strictly after this one. */
  readonly after?: Key;
  readonly delimiter?: '/';
  /**
   * Lets the backend look up an object's size and time only when they are first read. If the object is gone by then,
   * its size is 0 and its time the epoch.
   */
  readonly detailsOnDemand?: boolean;
}

export interface Stored {
  readonly body: Buffer;
  readonly etag: Etag;
  /** Size of the whole object in bytes, even if only a range was read. */
  readonly size: number;
  /** By the store's clock. */
  readonly modifiedAt: Date;
}

export interface Written {
  readonly etag: Etag;
}

export type Conditional =
  | { readonly written: true; readonly etag: Etag }
  | { readonly written: false };

export type Entry = ObjectEntry | PrefixEntry;

export interface ObjectEntry {
  readonly kind: 'object';
  readonly key: Key;
  readonly size: number;
  readonly modifiedAt: Date;
  /** Lower-case hex MD5 of the content, if the store's listing has it: a cheap hint, never proof of a difference. */
  readonly md5?: string;
}

export interface PrefixEntry {
  readonly kind: 'prefix';
  /** Ends with the delimiter. */
  readonly prefix: Prefix;
}
