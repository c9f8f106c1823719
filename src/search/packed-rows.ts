import { completeLines } from '../mirror/lines.js';
import { type PlacedRow, shortId } from './pack/block.js';
import { rowIn } from './row.js';

/** A part larger than this is read faster than it is packed. */
export const mostPartBytes = 32 * 1024 * 1024;
/** Cutting up a longer text takes too much memory. */
export const longestText = 1024 * 1024;
/** What was written just now may be written again within the same tick of the store's clock. */
export const settledMs = 2_000;

/** What a pack holds of a part. */
export function* rowsIn(harness: string, body: Buffer, startLine: number): Generator<PlacedRow> {
  for (const [line, bytes] of completeLines(body).entries()) {
    const row = rowIn(harness, bytes.toString('utf8', 0, bytes.length - 1));
    if (row === undefined) continue;
    const id = row.id === undefined ? undefined : shortId(row.id);
    yield { ...row, id, line: startLine + line };
  }
}
