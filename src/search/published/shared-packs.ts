import type { Bucket, Key } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import type { Layout } from '../../protocol/keys.js';
import { DamagedPackError } from '../pack/bytes.js';
import { Pack, type PackSource } from '../pack/pack.js';
import { isPackName, packName } from '../pack/pack-name.js';
import { readPurgeMark } from './purge-mark.js';

/** A pack in the bucket, as listed. */
export interface ListedPack {
  readonly key: Key;
  /** The machine that wrote it. */
  readonly indexer: string;
  readonly size: number;
}

export interface SharedPack extends ListedPack {
  readonly pack: Pack;
}

const indexerPattern = /^[a-f0-9]{16}$/;
/** The machine that wrote a pack; `undefined` if this is not the key of one. */
export function indexerOf(layout: Layout, key: Key): string | undefined {
  const root = layout.searchPacks();
  if (!key.startsWith(root)) return undefined;
  const [writer = '', name = '', ...more] = key.slice(root.length).split('/');
  const isPack = more.length === 0 && indexerPattern.test(writer) && isPackName(name);
  return isPack ? writer : undefined;
}

/** More than 100 GB of transcripts have; a bucket full of planted ones must not hold up a search forever. */
const mostPacks = 5_000;
/** Footers that are held while they are unpacked. */
const atOnce = 16;
/** What is made here is far smaller. */
const mostPackBytes = 64 * 1024 * 1024;
const mostTextBytes = 128 * 1024 * 1024;
/** Enough for the footers of most packs. */
const tailBytes = 64 * 1024;

/**
 * The packs of one project in its bucket. They are named by content and never change, and each says which parts it was
 * made of, so nobody has to agree on which of them count: whoever lists them has them all.
 */
export class SharedPacks {
  readonly #bucket: Bucket;
  readonly #layout: Layout;

  constructor(bucket: Bucket, layout: Layout) {
    this.#bucket = bucket;
    this.#layout = layout;
  }

  /** Those of all machines, or of one. */
  async list(indexer?: string): Promise<readonly ListedPack[]> {
    const root = this.#layout.searchPacks();
    const prefix = indexer === undefined ? root : `${root}${indexer}/`;
    const listed: ListedPack[] = [];
    for await (const entry of this.#bucket.list(prefix)) {
      if (entry.kind !== 'object') continue;
      const writer = indexerOf(this.#layout, entry.key);
      if (writer === undefined) continue;
      listed.push({ key: entry.key, indexer: writer, size: entry.size });
      if (listed.length >= mostPacks) break;
    }
    return listed;
  }

  /** Those that can be used. What another version wrote, or is damaged, is left to its writer. */
  async open(listed?: readonly ListedPack[]): Promise<readonly SharedPack[]> {
    const openOne = async (one: ListedPack): Promise<readonly SharedPack[]> => {
      const pack = await this.#opened(one);
      return pack === undefined ? [] : [{ ...one, pack }];
    };
    const opened = await inParallel(listed ?? (await this.list()), openOne, { atOnce });
    return opened.flat();
  }

  /** `undefined`: texts may have been purged since `mark` was read, so it does not stay. */
  async write(indexer: string, bytes: Buffer, mark: string): Promise<ListedPack | undefined> {
    const key = this.#layout.searchPack(indexer, packName(bytes));
    await this.#bucket.put(key, bytes, { contentType: 'application/octet-stream' });
    const place = { bucket: this.#bucket, layout: this.#layout };
    if ((await readPurgeMark(place)) === mark) return { key, indexer, size: bytes.length };
    await this.#bucket.delete(key);
    return undefined;
  }

  /** A whole one; `undefined` if it cannot be used, or does not fit into memory. */
  async read({ key, size }: Pick<ListedPack, 'key' | 'size'>): Promise<Pack | undefined> {
    if (size > mostPackBytes) return undefined;
    const body = (await this.#bucket.get(key))?.body;
    if (body === undefined || body.length !== size) return undefined;
    const read = async (at: number, length: number) => body.subarray(at, at + length);
    const pack = await openedUnlessDamaged({ size, isShared: true, read });
    return pack === undefined || pack.textBytes > mostTextBytes ? undefined : pack;
  }

  async remove({ key }: Pick<ListedPack, 'key'>): Promise<void> {
    await this.#bucket.delete(key);
  }

  /**
   * Removes the packs of all machines that have text of one of these streams, or cannot be opened to see, until there is
   * none left: a merge may have put their text into another one meanwhile.
   */
  async forget(isMeant: (prefix: string) => boolean): Promise<number> {
    let forgotten = 0;
    const harmless = new Set<Key>();
    for (;;) {
      const unknown = (await this.list()).filter(({ key }) => !harmless.has(key));
      const isOther = ({ pack }: SharedPack) =>
        !pack.sections.some(({ prefix }) => isMeant(prefix));
      const others = new Set((await this.open(unknown)).filter(isOther).map(({ key }) => key));
      const meant = unknown.filter(({ key }) => !others.has(key));
      await inParallel(meant, (one) => this.remove(one));
      forgotten += meant.length;
      for (const key of others) harmless.add(key);
      if (meant.length === 0) return forgotten;
    }
  }

  async #opened(listed: ListedPack): Promise<Pack | undefined> {
    return openedUnlessDamaged(await this.#withTail(listed));
  }

  /** One request for a footer of usual size. */
  async #withTail({ key, size }: ListedPack): Promise<PackSource> {
    const start = Math.max(0, size - tailBytes);
    const tail = size === 0 ? none : await this.#stretch(key, start, size - start);
    const read = async (at: number, length: number): Promise<Buffer> => {
      if (length === 0) return none;
      if (at >= start && tail !== undefined) return tail.subarray(at - start, at - start + length);
      const bytes = await this.#stretch(key, at, length);
      if (bytes?.length !== length)
        throw new DamagedPackError('it is gone, or shorter than it was');
      return bytes;
    };
    return { size: tail === undefined ? 0 : size, isShared: true, read };
  }

  async #stretch(key: Key, start: number, length: number): Promise<Buffer | undefined> {
    const range = { start, end: start + length - 1 };
    return (await this.#bucket.get(key, { range }))?.body;
  }
}

const none = Buffer.alloc(0);

async function openedUnlessDamaged(source: PackSource): Promise<Pack | undefined> {
  try {
    return await Pack.open(source);
  } catch (error) {
    if (error instanceof DamagedPackError) return undefined;
    throw error;
  }
}
