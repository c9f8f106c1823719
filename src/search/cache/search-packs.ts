import type { Io } from '../../io.js';
import { DamagedPackError } from '../pack/bytes.js';
import type { Pack } from '../pack/pack.js';
import { contentOf } from '../pack/pack-content.js';
import { PackWriter } from '../pack/pack-writer.js';
import { Coverage } from './coverage.js';
import { PackFolder, type StoredPack } from './pack-folder.js';
import { PackKeeper } from './pack-keeper.js';

/** So many packs of less than this size become one. */
const mostSmall = 16;
const smallBytes = 1024 * 1024;
/** The oldest ones go first. */
const mostBytes = 2 * 1024 ** 3;

/** Of what is read: nothing, what would take a while to read again, or everything. */
export type Keep = 'nothing' | 'much' | 'everything';

interface SearchPacksOptions {
  readonly io: Io;
  readonly folder: string;
  /** The project's folder in the bucket. */
  readonly root: string;
  /** By the store's clock. */
  readonly nowMs: number;
  readonly keep: Keep;
  /** Those in the bucket. */
  readonly shared?: readonly Pack[] | undefined;
}

/** The packs of one project, for one search: those on this machine first, then those in the bucket. */
export class SearchPacks {
  readonly coverage: Coverage;
  readonly keeper: PackKeeper | undefined;
  readonly #folder: PackFolder;
  readonly #stored: readonly StoredPack[];

  private constructor(
    { root, nowMs, keep, shared = [] }: SearchPacksOptions,
    folder: PackFolder,
    stored: readonly StoredPack[],
  ) {
    this.#folder = folder;
    this.#stored = stored;
    const packs = stored.map(({ pack }) => pack);
    this.coverage = new Coverage(root, [...shared, ...packs]);
    const isThorough = keep === 'everything';
    this.keeper =
      keep === 'nothing' ? undefined : new PackKeeper({ shelf: folder, root, nowMs, isThorough });
  }

  static async open(options: SearchPacksOptions): Promise<SearchPacks> {
    const folder = new PackFolder(options.io, options.folder);
    return new SearchPacks(options, folder, await folder.open());
  }

  /**
   * Writes what was kept, and removes what is of no use. `isWhole`: every part in the bucket was
   * listed, so what was not found in a listing is gone or was rewritten.
   */
  async settle({ isWhole }: { readonly isWhole: boolean }): Promise<void> {
    await this.keeper?.close();
    const useful: StoredPack[] = [];
    for (const one of this.#stored) {
      const isUseless = one.pack.isDamaged || (isWhole && this.coverage.isStale(one.pack));
      if (isUseless) await this.#folder.remove(one.path);
      else useful.push(one);
    }
    if (this.keeper !== undefined) await this.#merge(useful.filter(isSmall));
    await this.#trim();
  }

  /** The new pack is written before the old ones go: a kill leaves both, and one counts. */
  async #merge(small: readonly StoredPack[]): Promise<void> {
    if (small.length < mostSmall) return;
    const writer = new PackWriter();
    const merged: StoredPack[] = [];
    for (const one of small) {
      try {
        for (const { part, rows } of await contentOf(one.pack)) writer.add(part, rows);
        merged.push(one);
      } catch (error) {
        if (!(error instanceof DamagedPackError)) throw error;
      }
    }
    await this.#folder.write(writer.finish());
    for (const { path } of merged) await this.#folder.remove(path);
  }

  async #trim(): Promise<void> {
    const stored = await this.#folder.sizes();
    let bytes = stored.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of stored) {
      if (bytes <= mostBytes) return;
      await this.#folder.remove(path);
      bytes -= size;
    }
  }
}

function isSmall({ size }: StoredPack): boolean {
  return size < smallBytes;
}
