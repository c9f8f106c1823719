import type { PackSection } from './footer.js';

/** A part as it was when its rows were read. */
export interface PackedPart {
  /** Its stream, from the project's folder on. */
  readonly prefix: string;
  readonly name: string;
  readonly size: number;
  /** By the store's clock. */
  readonly modifiedMs: number;
  /** '' if the store's listing has none. */
  readonly md5: string;
  readonly startLine: number;
  readonly endLine: number;
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
