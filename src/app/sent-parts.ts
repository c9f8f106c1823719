import type { Bucket, Etag, Key } from '../bucket/bucket.js';
import { nameOf, type ShippedPart } from '../mirror/checkpoint.js';
import type { SessionRef } from '../mirror/stream.js';
import type { Layout } from '../protocol/keys.js';
import { parsePartName } from '../protocol/parts.js';
import type { SentPart } from '../search/published/sent-part.js';

/** More are never between a put and what the mirror says about it. */
const mostBodies = 64;

/**
 * Sees the parts that a mirror puts, without the mirror's knowing: bodies pass through its bucket, and it says of each
 * part afterwards which lines it has.
 */
export class SentParts {
  /** For the mirror, instead of the one given. */
  readonly bucket: Bucket;
  readonly #layout: Layout;
  readonly #take: (part: SentPart) => void;
  readonly #held = new Map<Key, Pick<SentPart, 'body' | 'etag'>>();

  constructor(bucket: Bucket, layout: Layout, take: (part: SentPart) => void) {
    this.#layout = layout;
    this.#take = take;
    this.bucket = {
      ...bucket,
      put: async (key, body, options) => {
        const written = await bucket.put(key, body, options);
        this.#hold(key, body, written.etag);
        return written;
      },
      putIfAbsent: async (key, body, options) => {
        const outcome = await bucket.putIfAbsent(key, body, options);
        if (outcome.written) this.#hold(key, body, outcome.etag);
        return outcome;
      },
    };
  }

  /** The mirror counts a part as sent. */
  told({ harness, id }: SessionRef, stream: string, part: ShippedPart): void {
    const key = this.#layout.stream(harness, id, stream) + nameOf(part);
    const held = this.#held.get(key);
    if (!this.#held.delete(key) || held === undefined) return;
    const { startLine, endLine } = part;
    this.#take({ harness, key, startLine, endLine, ...held });
  }

  #hold(key: Key, bytes: Uint8Array, etag: Etag): void {
    if (parsePartName(key.slice(key.lastIndexOf('/') + 1)) === undefined) return;
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#held.set(key, { body, etag });
    const [oldest] = this.#held.keys();
    if (this.#held.size > mostBodies && oldest !== undefined) this.#held.delete(oldest);
  }
}
