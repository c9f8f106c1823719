import { DamagedPackError } from './bytes.js';
import type { Pack } from './pack.js';
import { contentOfSection } from './pack-content.js';
import { PackWriter } from './pack-writer.js';
import type { PackedPart } from './packed-part.js';

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

interface Source {
  readonly pack: Pack;
  readonly section: number;
}

/**
 * What these packs hold, as one, step by step and stream by stream, so that little of it is in memory at a time; parts that
 * several of them have, once.
 */
export async function* merging(packs: readonly Pack[]): AsyncGenerator<undefined, Merged> {
  const writer = new PackWriter();
  const damaged = new Set<Pack>();
  const known = new Set<string>();
  for (const sources of byStream(packs)) {
    for (const { pack, section } of sources) {
      if (damaged.has(pack)) continue;
      try {
        for await (const { part, rows } of contentOfSection(pack, section)) {
          const identity = identityOf(part);
          if (known.has(identity)) continue;
          known.add(identity);
          yield* writer.adding(part, rows);
        }
      } catch (error) {
        if (!(error instanceof DamagedPackError)) throw error;
        damaged.add(pack);
      }
    }
    yield* writer.closingStreams();
  }
  const merged = packs.filter((pack) => !damaged.has(pack));
  return { bytes: yield* writer.finishing(), packs: merged };
}

function byStream(packs: readonly Pack[]): Iterable<readonly Source[]> {
  const streams = new Map<string, Source[]>();
  for (const pack of packs) {
    for (const [section, { prefix }] of pack.sections.entries()) {
      const known = streams.get(prefix);
      if (known === undefined) streams.set(prefix, [{ pack, section }]);
      else known.push({ pack, section });
    }
  }
  for (const sources of streams.values())
    sources.sort((left, right) => startOf(left) - startOf(right));
  return streams.values();
}

function startOf({ pack, section }: Source): number {
  return pack.sections[section]?.start ?? 0;
}

/** The MD5 says everything, where it is known. */
function identityOf({ prefix, name, modifiedMs, md5 }: PackedPart): string {
  return [prefix, name, md5 === '' ? modifiedMs : md5].join('\n');
}
