import type { Bucket } from '../../src/bucket/bucket.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { type ReadBucket, RunReader } from '../../src/replay/timeline/read.js';
import { MemoryStore } from '../support/memory-bucket.js';

export const layout = bucketLayout('demo');
const startMs = Date.parse('2026-11-23T08:00:00.000Z');

/** A key's time: so many seconds after the beginning of the run. */
export function stampAt(seconds: number): string {
  return `${BigInt(startMs + seconds * 1000) * 1_000_000n}`;
}

export function isoAt(seconds: number): string {
  return new Date(startMs + seconds * 1000).toISOString();
}

/** A bucket filled by hand, as any tool could have filled it. */
export class HandMadeBucket {
  readonly store = new MemoryStore(false);
  readonly bucket = withFolders(this.store.client());
  #events = 0;

  put(key: string, document: unknown): this {
    const body = typeof document === 'string' ? document : JSON.stringify(document);
    this.store.objects.set(`demo/${key}`, {
      body: Buffer.from(body),
      modifiedAt: new Date(startMs),
    });
    return this;
  }

  event(seconds: number, type: string, agent: string, more: object = {}): this {
    this.#events += 1;
    const id = this.#events.toString(16).padStart(8, '0');
    const event = { schema: 1, id, type, agent, at: isoAt(seconds), ...more };
    return this.put(`events/${stampAt(seconds)}_${agent}_${id}.json`, event);
  }

  read(): Promise<ReadBucket> {
    return new RunReader(this.bucket, layout).read();
  }
}

/** The simulated store lists flat. */
export function withFolders(bucket: Bucket): Bucket {
  const list: Bucket['list'] = async function* (prefix, options) {
    const folders = new Set<string>();
    for await (const entry of bucket.list(prefix)) {
      const rest = entry.kind === 'object' ? entry.key.slice(prefix.length) : '';
      const end = rest.indexOf('/');
      if (options?.delimiter === undefined || end === -1) yield entry;
      else folders.add(prefix + rest.slice(0, end + 1));
    }
    for (const folder of folders) yield { kind: 'prefix', prefix: folder };
  };
  return { ...bucket, list };
}
