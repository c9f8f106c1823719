import type { Bucket } from '../bucket/bucket.js';
import type { Layout } from '../protocol/keys.js';
import type { Head } from './chain.js';
import { encodeMeta, metaDocument } from './meta.js';
import type { SessionRef } from './stream.js';
import type { StreamMirror } from './stream-mirror.js';

export interface SessionMirrorContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly agent: string | null;
  readonly host: string;
  readonly redactorVersion: string;
}

/** One session: the mirrors of its streams, and the `meta.json` that sums them up. */
export class SessionMirror {
  readonly ref: SessionRef;
  readonly #context: SessionMirrorContext;
  readonly #streams = new Map<string, StreamMirror>();
  #written: string | undefined;

  constructor(context: SessionMirrorContext, ref: SessionRef) {
    this.#context = context;
    this.ref = ref;
  }

  /** By name; '' is the main stream. */
  get streams(): ReadonlyMap<string, StreamMirror> {
    return this.#streams;
  }

  add(name: string, stream: StreamMirror): void {
    this.#streams.set(name, stream);
  }

  /** Puts `meta.json` when it would say something new. `endedAt` (ISO 8601 UTC) is for who knows that it ended. */
  async writeMeta(endedAt?: string): Promise<void> {
    for (const stream of this.#streams.values()) await stream.load();
    const main = this.#streams.get('');
    const further = new Map<string, Head>();
    for (const [name, stream] of this.#streams) {
      if (name !== '' && stream.head !== undefined) further.set(name, stream.head);
    }
    const { bucket, layout, agent, host, redactorVersion } = this.#context;
    const facts = main?.facts ?? [...this.#streams.values()][0]?.facts ?? {};
    const document = metaDocument({
      session: this.ref,
      agent,
      host,
      sourcePath: main?.source.source ?? null,
      redactorVersion,
      facts: endedAt === undefined ? facts : { ...facts, endedAt },
      main: main?.head,
      further,
    });
    const isEmpty = document.part_count === 0 && document.streams.every((s) => s.part_count === 0);
    const encoded = encodeMeta(document);
    const text = encoded.toString('utf8');
    if (isEmpty || text === this.#written) return;
    const key = layout.meta(this.ref.harness, this.ref.id);
    await bucket.put(key, encoded, { contentType: 'application/json' });
    this.#written = text;
  }
}
