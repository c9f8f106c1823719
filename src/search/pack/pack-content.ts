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
  for (const section of pack.sections.keys()) {
    for await (const one of contentOfSection(pack, section)) content.push(one);
  }
  return content;
}

/** What a section was made of, a block at a time. */
export async function* contentOfSection(
  pack: Pack,
  section: number,
): AsyncGenerator<PartContent, void> {
  const columns = pack.sections[section];
  if (columns === undefined) return;
  const blocks = pack.blocksOf(section)[Symbol.iterator]();
  let ahead: readonly PlacedRow[] = [];
  let next = 0;
  for (const part of partsOf(columns)) {
    const rows: PlacedRow[] = [];
    for (;;) {
      for (; next < ahead.length; next += 1) {
        const row = ahead[next];
        if (row === undefined || row.line >= part.endLine) break;
        rows.push(row);
      }
      if (next < ahead.length) break;
      const block = blocks.next();
      if (block.done) break;
      ahead = await pack.rows(block.value.block);
      next = 0;
    }
    yield { part, rows };
  }
}
