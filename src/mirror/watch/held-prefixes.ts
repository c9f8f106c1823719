import type { Bucket, Prefix } from '../../bucket/bucket.js';
import type { Layout } from '../../protocol/keys.js';

/** Which sessions the bucket holds something of: two shallow listings per harness, made once and only if somebody asks. */
export class HeldPrefixes {
  readonly #bucket: Bucket;
  readonly #layout: Layout;
  readonly #byHarness = new Map<string, Promise<ReadonlySet<Prefix>>>();

  constructor({ bucket, layout }: { readonly bucket: Bucket; readonly layout: Layout }) {
    this.#bucket = bucket;
    this.#layout = layout;
  }

  of(harness: string): Promise<ReadonlySet<Prefix>> {
    const known = this.#byHarness.get(harness);
    if (known !== undefined) return known;
    const asked = this.#list(harness);
    this.#byHarness.set(harness, asked);
    asked.catch(() => this.#byHarness.delete(harness));
    return asked;
  }

  async #list(harness: string): Promise<ReadonlySet<Prefix>> {
    const held = new Set<Prefix>();
    const { sessions, furtherStreams } = this.#layout;
    for (const prefix of [sessions(harness), furtherStreams(harness)]) {
      for await (const entry of this.#bucket.list(prefix, { delimiter: '/' })) {
        if (entry.kind === 'prefix') held.add(entry.prefix);
      }
    }
    return held;
  }
}
