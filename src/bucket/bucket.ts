/**
 * One object store, whoever runs it. Keys are whole keys (`<project>/…`), built by `src/protocol`; a backend refuses a key
 * that its own medium could misread, and never interprets one.
 *
 * Contract, held by `test/bucket/contract.ts` for every backend:
 * - A write is visible to every later `get` and `list`, whole or not at all.
 * - `putIfAbsent` and `putIfMatch` are arbitrated by the store: of any number of concurrent callers, in any number of
 *   processes, one gets `written: true`. Losing is a value. They are sent once: a caller that got an error does not know
 *   whether it was applied (`withRetry` reads back). The body must carry a nonce where two callers must be told apart.
 * - Absence is `undefined`; everything else that goes wrong is a `TracecraftError`: `UnreachableError` may be retried,
 *   `NotAllowedError` may not, `UsageError` names a key that cannot be used.
 * - Reading, listing and deleting are idempotent. Deleting what is not there succeeds.
 * - Plain writes and deletions are not arbitrated: on some stores (Ceph 16) a `putIfMatch` of the same moment undoes them. A
 *   key that several may write at once is written by conditional writes alone, and retired by one.
 */
export interface Bucket {
  readonly kind: BucketKind;
  /** Safe to print: no credential in it. */
  readonly location: string;
  /** What the store itself arbitrates, as proven by a probe. There is no conditional delete: many stores ignore it. */
  readonly capabilities: Capabilities;
  get(key: Key, options?: GetOptions): Promise<Stored | undefined>;
  put(key: Key, body: Uint8Array, options?: PutOptions): Promise<Written>;
  putIfAbsent(key: Key, body: Uint8Array, options?: PutOptions): Promise<Conditional>;
  putIfMatch(key: Key, body: Uint8Array, etag: Etag, options?: PutOptions): Promise<Conditional>;
  /** Streams a file of any size with flat memory; multipart past 16 MiB. `onProgress` gets the bytes sent so far. */
  putFile(key: Key, path: string, onProgress?: (bytes: number) => void): Promise<Written>;
  /** Into a temporary file beside `path`, size checked, then renamed over it. `NotFoundError` when there is no such key. */
  getFile(key: Key, path: string, onProgress?: (bytes: number) => void): Promise<void>;
  /**
   * Lexical order of the keys' UTF-8 bytes. With a delimiter, keys that share the next segment become one `prefix` entry; one
   * that `after` itself lies in is not listed, so that a listing can go on after any entry.
   */
  list(prefix: Prefix, options?: ListOptions): AsyncIterable<Entry>;
  delete(key: Key, options?: CallOptions): Promise<void>;
  /** The store's clock, learnt from its answers (one cheap request if none was seen yet). */
  now(): Promise<Date>;
  /** Frees sockets and timers. The bucket is not used afterwards. */
  close(): Promise<void>;
}

export type BucketKind = 'local' | 's3' | 'hf';
export type Key = string;
export type Prefix = string;
/** Opaque; comes from this bucket and goes back to it unchanged. */
export type Etag = string;

export interface Capabilities {
  readonly putIfAbsent: boolean;
  readonly putIfMatch: boolean;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface GetOptions extends CallOptions {
  /** Byte positions, both inclusive, `end` clamped to the object; a `start` past its end gives an empty body. */
  readonly range?: { readonly start: number; readonly end: number };
}

export interface PutOptions extends CallOptions {
  readonly contentType?: string;
}

export interface ListOptions extends CallOptions {
  /** Only keys strictly after this one. */
  readonly after?: Key;
  readonly delimiter?: '/';
}

export interface Stored {
  readonly body: Buffer;
  readonly etag: Etag;
  /** Bytes of the whole object, also when a range was asked for. */
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
  /** Lower-case hex MD5 of the content where the store's listing may carry it; a hint for a cheap comparison, never a proof of difference. */
  readonly md5?: string;
}

export interface PrefixEntry {
  readonly kind: 'prefix';
  /** Ends with the delimiter. */
  readonly prefix: Prefix;
}
