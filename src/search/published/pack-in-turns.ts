import type { Redactor } from '../../redact/redact.js';
import type { PlacedRow } from '../pack/block.js';
import { PackWriter } from '../pack/pack-writer.js';
import { inTurns, type Turn } from '../pack/turns.js';
import { longestText, rowsIn } from '../packed-rows.js';
import type { ConfirmedPart } from './sent-part.js';

/** Rows of a larger part are read twice rather than held. */
const mostHeldBytes = 256 * 1024;

/** Parts of one stream follow one another. `undefined`: nothing of it can be packed. */
export async function packInTurns(
  parts: readonly ConfirmedPart[],
  redactor: Pick<Redactor, 'redact'>,
  turn: Turn,
): Promise<Buffer | undefined> {
  const writer = new PackWriter();
  let stream = '';
  for (const { sent, part } of parts) {
    if (part.prefix !== stream) await inTurns(writer.closingStreams(), turn);
    stream = part.prefix;
    const rows = rowsOf(sent);
    if (await inTurns(checking(rows, redactor), turn)) {
      await inTurns(writer.adding(part, rows), turn);
    }
  }
  return writer.parts === 0 ? undefined : inTurns(writer.finishing(), turn);
}

function rowsOf({ harness, body, startLine }: ConfirmedPart['sent']): Iterable<PlacedRow> {
  if (body.length <= mostHeldBytes) return [...rowsIn(harness, body, startLine)];
  return { [Symbol.iterator]: () => rowsIn(harness, body, startLine) };
}

/**
 * Whether they may be packed, row by row. A text may show a secret that its JSON hid. Such a part is not packed: a search
 * reads it, and the text of a pack is never any other than that of the part.
 */
function* checking(
  rows: Iterable<PlacedRow>,
  redactor: Pick<Redactor, 'redact'>,
): Generator<undefined, boolean> {
  for (const { text } of rows) {
    if (text.length > longestText) return false;
    if (redactor.redact(Buffer.from(text)).counts !== undefined) return false;
    yield;
  }
  return true;
}
