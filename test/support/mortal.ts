import type { Bucket } from '../../src/bucket/bucket.js';
import type { Io, OpenFile } from '../../src/io.js';

/** How a process ends at one of its calls. */
export type Death =
  /** The call is never made. */
  | 'before'
  /** It is made, and its answer never read. */
  | 'after'
  /** Of a write to the disk, half is there; any other call is never made. */
  | 'torn'
  /** A write to the bucket is on its way, and arrives when `arrive` is called; any other call is never made. */
  | 'on-its-way';

interface Call<T> {
  readonly make: () => Promise<T>;
  readonly tear?: () => Promise<unknown>;
  readonly isUpload?: boolean;
}

/**
 * A process whose calls of the disk and of the bucket are counted, and which is dead from the call `deathAt` on: nothing that
 * it does after that has an effect, and none of its calls ever comes back.
 */
export class Mortal {
  /** Calls so far, by name. */
  readonly calls: string[] = [];
  /** Resolves after its death, when all that it had under way has come to rest. */
  readonly died: Promise<void>;
  readonly #deathAt: number;
  readonly #death: Death;
  readonly #files = new Set<OpenFile>();
  readonly #underWay = new Set<Promise<unknown>>();
  #die: () => void = () => undefined;
  #late: () => Promise<unknown> = async () => undefined;
  #isDead = false;

  constructor(deathAt: number = Number.POSITIVE_INFINITY, death: Death = 'before') {
    this.#deathAt = deathAt;
    this.#death = death;
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  /** What was on its way at the death reaches the bucket. */
  arrive(): Promise<unknown> {
    return this.#late();
  }

  io(base: Io): Io {
    const half = (data: string | Uint8Array): Buffer =>
      Buffer.from(data).subarray(0, data.length / 2);
    return {
      stat: (path) => this.#call('stat', { make: () => base.stat(path) }),
      readdir: (path) => this.#call('readdir', { make: () => base.readdir(path) }),
      readFile: (path) => this.#call('readFile', { make: () => base.readFile(path) }),
      remove: (path) => this.#call('remove', { make: () => base.remove(path) }),
      open: async (path) => {
        const make = async (): Promise<OpenFile | undefined> => {
          const file = await base.open(path);
          if (this.#isDead) await file?.close();
          return file;
        };
        const file = await this.#call('open', { make });
        return file === undefined ? undefined : this.#opened(file);
      },
      replaceFile: (path, data) =>
        this.#call('replaceFile', {
          make: () => base.replaceFile(path, data),
          tear: () => base.replaceFile(`${path}.tmp-1-1`, half(data)),
        }),
      appendFile: (path, data) =>
        this.#call('appendFile', {
          make: () => base.appendFile(path, data),
          tear: () => base.appendFile(path, half(data).toString()),
        }),
    };
  }

  bucket(base: Bucket): Bucket {
    const upload = <T>(name: string, make: () => Promise<T>): Promise<T> =>
      this.#call(name, { make, isUpload: true });
    return {
      ...base,
      get: (key, options) => this.#call('GET', { make: () => base.get(key, options) }),
      put: (key, body, options) => upload('PUT', () => base.put(key, body, options)),
      putIfAbsent: (key, body, options) =>
        upload('PUT-IF-ABSENT', () => base.putIfAbsent(key, body, options)),
      putIfMatch: (key, body, etag, options) =>
        upload('PUT-IF-MATCH', () => base.putIfMatch(key, body, etag, options)),
      delete: (key, options) => this.#call('DELETE', { make: () => base.delete(key, options) }),
      list: (prefix, options) => this.#list(() => base.list(prefix, options)),
    };
  }

  async *#list<T>(make: () => AsyncIterable<T>): AsyncIterable<T> {
    const entries: T[] = [];
    await this.#call('LIST', {
      make: async () => {
        for await (const entry of make()) entries.push(entry);
      },
    });
    yield* entries;
  }

  #opened(file: OpenFile): OpenFile {
    this.#files.add(file);
    return {
      stat: () => this.#call('fstat', { make: () => file.stat() }),
      read: (into, position) => this.#call('read', { make: () => file.read(into, position) }),
      close: async () => {
        if (this.#files.delete(file)) await file.close();
      },
    };
  }

  async #call<T>(name: string, call: Call<T>): Promise<T> {
    if (this.#isDead) return never();
    const isTheLast = this.calls.length === this.#deathAt;
    this.calls.push(name);
    if (!isTheLast) {
      const [made] = await Promise.allSettled([this.#noted(call.make())]);
      if (this.#isDead) return never();
      if (made.status === 'rejected') throw made.reason;
      return made.value;
    }
    this.#isDead = true;
    await this.#lastCall(call);
    await Promise.allSettled(this.#underWay);
    for (const file of this.#files) await file.close();
    this.#die();
    return never();
  }

  async #lastCall<T>({ make, tear, isUpload = false }: Call<T>): Promise<void> {
    if (this.#death === 'after') await make().catch(() => undefined);
    if (this.#death === 'torn') await tear?.();
    if (this.#death === 'on-its-way' && isUpload) this.#late = () => make().catch(() => undefined);
  }

  #noted<T>(made: Promise<T>): Promise<T> {
    this.#underWay.add(made);
    const forget = (): void => {
      this.#underWay.delete(made);
    };
    made.then(forget, forget);
    return made;
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
