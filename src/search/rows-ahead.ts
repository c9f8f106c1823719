import type { PlacedRow } from './pack/block.js';
import type { BlockPlace, Pack } from './pack/pack.js';

/** Blocks of a pack in the bucket that are under way at once, as far as they are of usual size. */
const blocksAhead = 4;
const usualBytes = 1024 * 1024;

/** The rows of these blocks, in order. Those of a pack in the bucket are read ahead: each is one round trip. */
export async function* rowsAhead(
  pack: Pack,
  places: readonly BlockPlace[],
): AsyncGenerator<readonly PlacedRow[]> {
  const isSmall = places.every(({ block }) => pack.rawBytesOf(block) <= usualBytes);
  const most = pack.isShared && isSmall ? blocksAhead : 1;
  const ahead: Promise<readonly PlacedRow[]>[] = [];
  for (const { block } of places) {
    const rows = pack.rows(block);
    // It is awaited in its turn; until then its failure must not count as unhandled.
    rows.catch(() => undefined);
    ahead.push(rows);
    const first = ahead.length < most ? undefined : ahead.shift();
    if (first !== undefined) yield await first;
  }
  for (const rows of ahead) yield await rows;
}
