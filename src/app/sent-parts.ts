import type { Bucket, Key } from '../bucket/bucket.js';
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
  readonly #bodies = new Map<Key, Buffer>();

  constructor(bucket: Bucket, layout: Layout, take: (part: SentPart) => void) {
    this.#layout = layout;
    this.#take = take;
    this.bucket = {
      ...bucket,
      put: async (key, body, options) => {
        const written = await bucket.put(key, body, options);
        this.#hold(key, body);
        return written;
      },
      putIfAbsent: async (key, body, options) => {
        const outcome = await bucket.putIfAbsent(key, body, options);
        if (outcome.written) this.#hold(key, body);
        return outcome;
      },
    };
  }

  /** The mirror counts a part as sent. */
  told({ harness, id }: SessionRef, stream: string, part: ShippedPart): void {
    const key = this.#layout.stream(harness, id, stream) + nameOf(part);
    const body = this.#bodies.get(key);
    if (!this.#bodies.delete(key) || body === undefined) return;
    const { startLine, endLine } = part;
    this.#take({ harness, key, startLine, endLine, body });
  }

  #hold(key: Key, body: Uint8Array): void {
    if (parsePartName(key.slice(key.lastIndexOf('/') + 1)) === undefined) return;
    this.#bodies.set(key, Buffer.from(body.buffer, body.byteOffset, body.byteLength));
    const [oldest] = this.#bodies.keys();
    if (this.#bodies.size > mostBodies && oldest !== undefined) this.#bodies.delete(oldest);
  }
}
