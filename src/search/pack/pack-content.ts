import type { PlacedRow } from './block.js';
import type { Pack } from './pack.js';
import { type PackedPart, partsOf } from './packed-part.js';

interface PartContent {
  readonly part: PackedPart;
  readonly rows: readonly PlacedRow[];
}

/** Everything that a pack was made of. */
export async function contentOf(pack: Pack): Promise<readonly PartContent[]> {
  const content: PartContent[] = [];
  for (const [section, columns] of pack.sections.entries()) {
    const rows: PlacedRow[] = [];
    for (const { block } of pack.blocksOf(section)) {
      for (const row of await pack.rows(block)) rows.push(row);
    }
    let next = 0;
    for (const part of partsOf(columns)) {
      const from = next;
      while (next < rows.length && (rows[next]?.line ?? 0) < part.endLine) next += 1;
      content.push({ part, rows: rows.slice(from, next) });
    }
  }
  return content;
}
