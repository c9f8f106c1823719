import { DamagedPackError } from './bytes.js';
import type { Pack } from './pack.js';
import { contentOf } from './pack-content.js';
import { PackWriter } from './pack-writer.js';

/** Small packs become one: so many, or so much of them, and no more than fits into memory together. */
const smallBytes = 1024 * 1024;
const mostSmall = 16;
const mergedBytes = 2 * 1024 * 1024;

interface Sized {
  readonly size: number;
}

/** Which of these packs are to become one: the smallest; none as long as there are few small ones. */
export function chosenForMerge<One extends Sized>(packs: readonly One[]): readonly One[] {
  const small = packs.filter(isSmall).sort((left, right) => left.size - right.size);
  const bytes = small.reduce((sum, { size }) => sum + size, 0);
  if (small.length < mostSmall && bytes < mergedBytes) return [];
  const chosen: One[] = [];
  let sum = 0;
  for (const one of small) {
    sum += one.size;
    if (sum > mergedBytes && chosen.length > 1) break;
    chosen.push(one);
  }
  return chosen;
}

export function isSmall({ size }: Sized): boolean {
  return size < smallBytes;
}

export interface Merged {
  readonly bytes: Buffer;
  /** Those that can go once it is written; the others are damaged. */
  readonly packs: readonly Pack[];
}

/** What these packs hold, as one, a block per step; parts that several of them have, once. */
export async function* merging(packs: readonly Pack[]): AsyncGenerator<undefined, Merged> {
  const writer = new PackWriter();
  const merged: Pack[] = [];
  const known = new Set<string>();
  for (const pack of packs) {
    try {
      for (const { part, rows } of await contentOf(pack)) {
        const { prefix, name, modifiedMs, md5 } = part;
        const identity = [prefix, name, modifiedMs, md5].join('\n');
        if (known.has(identity)) continue;
        known.add(identity);
        yield* writer.adding(part, rows);
      }
      merged.push(pack);
    } catch (error) {
      if (!(error instanceof DamagedPackError)) throw error;
    }
  }
  return { bytes: yield* writer.finishing(), packs: merged };
}
