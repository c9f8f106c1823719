import type { Key, ObjectEntry } from '../../bucket/bucket.js';
import type { PackSection } from './footer.js';

/** A part as it was when its rows were read. */
export interface PackedPart {
  /** Its stream, from the project's folder on. */
  readonly prefix: string;
  readonly name: string;
  readonly size: number;
  /** By the store's clock; 0 where the MD5 tells, and nobody asked. */
  readonly modifiedMs: number;
  /** '' if the store's listing has none. */
  readonly md5: string;
  readonly startLine: number;
  readonly endLine: number;
}

interface PlacedPart {
  readonly key: Key;
  readonly startLine: number;
  readonly endLine: number;
}

/** The time of a part that was not listed. */
export const untold = new Date(0);

/** As it is listed. `root` is the project's folder in the bucket. */
export function packedPart(
  root: string,
  { key, startLine, endLine }: PlacedPart,
  { size, modifiedAt, md5 = '' }: ObjectEntry,
): PackedPart {
  const cut = key.lastIndexOf('/') + 1;
  const [prefix, name] = [key.slice(root.length, cut), key.slice(cut)];
  return { prefix, name, size, modifiedMs: modifiedAt.getTime(), md5, startLine, endLine };
}

export function partsOf(section: PackSection): readonly PackedPart[] {
  const { prefix, start, names, sizes, times, md5s, ends } = section;
  return names.map((name, at) => ({
    prefix,
    name,
    size: sizes[at] ?? 0,
    modifiedMs: times[at] ?? 0,
    md5: md5s[at] ?? '',
    startLine: ends[at - 1] ?? start,
    endLine: ends[at] ?? start,
  }));
}
