import type { ObjectEntry } from '../../bucket/bucket.js';
import type { Pack } from '../pack/pack.js';
import { type PackedPart, partsOf } from '../pack/packed-part.js';

/** A part whose rows are in a pack. */
export interface CoveredPart extends PackedPart {
  readonly pack: Pack;
  readonly section: number;
  /** It was found in a listing as it was. */
  isListed: boolean;
}

/**
 * Which parts the packs of this machine cover. A part is covered only if it is listed as it was when
 * its rows were read: one that was rewritten since, e.g. because a secret was taken out, is not.
 */
export class Coverage {
  readonly #root: string;
  /** By stream and name; of one part there may be several, in several packs. */
  readonly #parts = new Map<string, Map<string, CoveredPart[]>>();
  readonly #byPack = new Map<Pack, CoveredPart[]>();

  /** Of two packs that cover a part, the later one counts. `root` is the project's folder in the bucket. */
  constructor(root: string, packs: readonly Pack[]) {
    this.#root = root;
    for (const pack of packs) this.#add(pack);
  }

  of({ key, size, modifiedAt, md5 = '' }: ObjectEntry): CoveredPart | undefined {
    const cut = key.lastIndexOf('/') + 1;
    const known = this.#parts.get(key.slice(this.#root.length, cut))?.get(key.slice(cut));
    const part = known?.findLast(
      (one) =>
        !one.pack.isDamaged &&
        one.size === size &&
        one.md5 === md5 &&
        (md5 !== '' || one.modifiedMs === modifiedAt.getTime()),
    );
    if (part !== undefined) part.isListed = true;
    return part;
  }

  /** How many lines a covered part has. */
  linesOf(entry: ObjectEntry): number | undefined {
    const part = this.of(entry);
    return part && part.endLine - part.startLine;
  }

  /**
   * Whether a pack has text that the bucket has no more, or that another pack has as well. Only
   * after everything was listed.
   */
  isStale(pack: Pack): boolean {
    return this.#byPack.get(pack)?.some(({ isListed }) => !isListed) === true;
  }

  #add(pack: Pack): void {
    const all: CoveredPart[] = [];
    for (const [section, columns] of pack.sections.entries()) {
      const parts = this.#parts.get(columns.prefix) ?? new Map<string, CoveredPart[]>();
      this.#parts.set(columns.prefix, parts);
      for (const part of partsOf(columns)) {
        const covered = { ...part, pack, section, isListed: false };
        const others = parts.get(part.name);
        if (others === undefined) parts.set(part.name, [covered]);
        else others.push(covered);
        all.push(covered);
      }
    }
    this.#byPack.set(pack, all);
  }
}
