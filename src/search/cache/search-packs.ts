import type { Io } from '../../io.js';
import { chosenForMerge, merging } from '../pack/merge-packs.js';
import type { Pack } from '../pack/pack.js';
import { inTurns } from '../pack/turns.js';
import { Coverage } from './coverage.js';
import { PackFolder, type StoredPack } from './pack-folder.js';
import { PackKeeper } from './pack-keeper.js';

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
  /** What may be kept; beyond it the oldest ones go. Default: 2 GB. */
  readonly mostBytes?: number;
}

/** The packs of one project, for one search: those on this machine first, then those in the bucket. */
export class SearchPacks {
  readonly coverage: Coverage;
  readonly keeper: PackKeeper | undefined;
  readonly #folder: PackFolder;
  readonly #stored: readonly StoredPack[];
  readonly #mostBytes: number;

  private constructor(
    { root, nowMs, keep, shared = [], mostBytes: most = mostBytes }: SearchPacksOptions,
    folder: PackFolder,
    stored: readonly StoredPack[],
  ) {
    this.#folder = folder;
    this.#mostBytes = most;
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
    if (this.keeper !== undefined) await this.#merge(useful);
    await this.#trim();
  }

  /** The new pack is written before the old ones go: a kill leaves both, and one counts. */
  async #merge(useful: readonly StoredPack[]): Promise<void> {
    const chosen = chosenForMerge(useful);
    if (chosen.length === 0) return;
    const { bytes, packs } = await inTurns(merging(chosen.map(({ pack }) => pack)));
    const written = await this.#folder.write(bytes);
    for (const { pack, path } of chosen) {
      if (packs.includes(pack) && path !== written) await this.#folder.remove(path);
    }
  }

  async #trim(): Promise<void> {
    const stored = await this.#folder.sizes();
    let bytes = stored.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of stored) {
      if (bytes <= this.#mostBytes) return;
      await this.#folder.remove(path);
      bytes -= size;
    }
  }
}
