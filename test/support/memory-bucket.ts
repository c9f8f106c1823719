import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { Bucket, Conditional, Entry, ListOptions, Stored } from '../../src/bucket/bucket.js';
import { NotFoundError, UnreachableError } from '../../src/errors.js';

export type PutFate = 'applied' | 'lost' | 'applied-unanswered' | 'delayed';

export interface Hooks {
  /** Before every request. */
  readonly gate?: (request: string) => Promise<void>;
  /** What becomes of a PUT. 'delayed' fails now and is applied by `deliverDelayed`. */
  readonly fate?: () => PutFate;
}

interface StoredObject {
  readonly body: Buffer;
  readonly modifiedAt: Date;
}

/** The objects, shared by all clients of one simulated store. */
export class MemoryStore {
  readonly objects = new Map<string, StoredObject>();
  readonly delayed: (() => void)[] = [];
  /** Listings carry MD5s, as S3's do, or not, as a folder's do not. */
  readonly listsDigests: boolean;
  /** A store that accepts `If-None-Match` and ignores it: for tests that must fail. */
  ignoresConditions = false;
  /** The store's clock, milliseconds since the epoch; a test moves it. */
  nowMs = 0;

  constructor(listsDigests: boolean) {
    this.listsDigests = listsDigests;
  }

  copy(): Iterable<readonly [string, StoredObject]> {
    return [...this.objects];
  }

  restore(copy: Iterable<readonly [string, StoredObject]>): void {
    this.objects.clear();
    for (const [key, object] of copy) this.objects.set(key, object);
  }

  deliverDelayed(): void {
    for (const apply of this.delayed.splice(0)) apply();
  }

  client(hooks: Hooks = {}): Bucket {
    const gate = hooks.gate ?? (async () => undefined);
    const send = async (apply: () => Conditional): Promise<Conditional> => {
      const fate = hooks.fate?.() ?? 'applied';
      if (fate === 'applied') return apply();
      if (fate === 'applied-unanswered') apply();
      if (fate === 'delayed') this.delayed.push(apply);
      throw new UnreachableError('simulated: no answer');
    };
    const set = (key: string, body: Uint8Array): Conditional => {
      this.objects.set(key, { body: Buffer.from(body), modifiedAt: new Date(this.nowMs) });
      return { written: true, etag: etagOf(body) };
    };
    return {
      kind: 's3',
      location: 'memory',
      capabilities: { putIfAbsent: true, putIfMatch: true },
      get: async (key, { range } = {}) => {
        await gate('GET');
        const stored = this.#stored(key);
        if (stored === undefined || range === undefined) return stored;
        return { ...stored, body: stored.body.subarray(range.start, range.end + 1) };
      },
      put: async (key, body) => {
        await gate('PUT');
        await send(() => set(key, body));
        return { etag: etagOf(body) };
      },
      putIfAbsent: async (key, body) => {
        await gate('PUT');
        return send(() =>
          this.objects.has(key) && !this.ignoresConditions ? { written: false } : set(key, body),
        );
      },
      putIfMatch: async (key, body, etag) => {
        await gate('PUT');
        return send(() => (this.#stored(key)?.etag === etag ? set(key, body) : { written: false }));
      },
      putFile: async (key, path) => {
        await gate('PUT');
        const body = await readFile(path);
        await send(() => set(key, body));
        return { etag: etagOf(body) };
      },
      getFile: async (key, path) => {
        await gate('GET');
        const stored = this.#stored(key);
        if (stored === undefined) throw new NotFoundError(key);
        await writeFile(path, stored.body);
      },
      list: (prefix, options = {}) => this.#list(prefix, gate, options),
      delete: async (key) => {
        await gate('DELETE');
        this.objects.delete(key);
      },
      now: async () => new Date(this.nowMs),
      close: async () => undefined,
    };
  }

  #stored(key: string): Stored | undefined {
    const object = this.objects.get(key);
    if (object === undefined) return undefined;
    return {
      body: object.body,
      etag: etagOf(object.body),
      size: object.body.length,
      modifiedAt: object.modifiedAt,
    };
  }

  async *#list(
    prefix: string,
    gate: (request: string) => Promise<void>,
    { after = '', delimiter }: ListOptions,
  ): AsyncIterable<Entry> {
    await gate('LIST');
    const entries = [...this.objects]
      .filter(([key]) => key.startsWith(prefix) && key > after)
      .sort(([left], [right]) => (left < right ? -1 : 1));
    let folder: string | undefined;
    for (const [key, { body, modifiedAt }] of entries) {
      const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
      if (end !== -1) {
        const found = key.slice(0, end + 1);
        if (found !== folder && !after.startsWith(found)) yield { kind: 'prefix', prefix: found };
        folder = found;
        continue;
      }
      const md5 = createHash('md5').update(body).digest('hex');
      const digest = this.listsDigests ? { md5 } : {};
      yield { kind: 'object', key, size: body.length, modifiedAt, ...digest };
    }
  }
}

function etagOf(body: Uint8Array): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}
