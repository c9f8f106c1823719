import type { Matcher } from './matcher.js';
import type { BlockPlace, Pack } from './pack/pack.js';

/** By block, 1 where it may be. */
interface Candidates {
  readonly match: Uint8Array;
  readonly terms: readonly Uint8Array[];
}

/** Consecutive lines of a stream that one section of a pack has. */
export interface CoveredLines {
  readonly pack: Pack;
  readonly section: number;
  readonly start: number;
  end: number;
}

/** Which blocks of a pack one query has to look through; each pack's dictionary is read once. */
export class PackQuery {
  readonly #matcher: Pick<Matcher, 'needs' | 'isAny'>;
  readonly #known = new Map<Pack, Promise<Candidates>>();

  constructor(matcher: Pick<Matcher, 'needs' | 'isAny'>) {
    this.#matcher = matcher;
  }

  /** Blocks in which a row may match, in the order of their lines. */
  async matches(lines: CoveredLines): Promise<readonly BlockPlace[]> {
    const { match } = await this.#candidates(lines.pack);
    return blocksOf(lines, match);
  }

  /** Blocks in which one term of the query may be. */
  async holding(term: number, lines: CoveredLines): Promise<readonly BlockPlace[]> {
    const { terms } = await this.#candidates(lines.pack);
    return blocksOf(lines, terms[term]);
  }

  #candidates(pack: Pack): Promise<Candidates> {
    const known = this.#known.get(pack) ?? this.#look(pack);
    this.#known.set(pack, known);
    return known;
  }

  async #look(pack: Pack): Promise<Candidates> {
    const { needs, isAny } = this.#matcher;
    const terms = await Promise.all(needs.map((one) => pack.blocksWith(one)));
    const [first = new Uint8Array(0), ...others] = terms;
    const match = first.map((mark, block) => {
      const marks = [mark, ...others.map((other) => other[block] ?? 0)];
      return isAny ? Math.max(...marks) : Math.min(...marks);
    });
    return { match, terms };
  }
}

function blocksOf(
  { pack, section, start, end }: CoveredLines,
  isMarked: Uint8Array | undefined,
): readonly BlockPlace[] {
  return pack
    .blocksOf(section)
    .filter((place) => place.first < end && place.end > start && isMarked?.[place.block] === 1);
}
