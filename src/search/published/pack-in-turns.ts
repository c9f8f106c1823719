import type { Redactor } from '../../redact/redact.js';
import { PackWriter } from '../pack/pack-writer.js';
import { inTurns, type Turn } from '../pack/turns.js';
import { longestText, rowsIn } from '../packed-rows.js';
import type { ConfirmedPart } from './sent-part.js';

/** So much of a part is looked at in one go. */
const stepBytes = 64 * 1024;

/** `undefined`: nothing of it can be packed. */
export async function packInTurns(
  parts: readonly ConfirmedPart[],
  redactor: Pick<Redactor, 'redact'>,
  turn: Turn,
): Promise<Buffer | undefined> {
  const writer = new PackWriter();
  for (const { sent, part } of parts) {
    const { harness, body, startLine } = sent;
    if (!(await isFit(sent, redactor, turn))) continue;
    await inTurns(writer.adding(part, rowsIn(harness, body, startLine)), turn);
  }
  return writer.parts === 0 ? undefined : inTurns(writer.finishing(), turn);
}

/**
 * A text may show a secret that its JSON hid. Such a part is not packed: a search reads it, and the text of a pack is
 * never any other than that of the part.
 */
async function isFit(
  { harness, body, startLine }: ConfirmedPart['sent'],
  redactor: Pick<Redactor, 'redact'>,
  turn: Turn,
): Promise<boolean> {
  let seen = 0;
  for (const { text } of rowsIn(harness, body, startLine)) {
    if (text.length > longestText) return false;
    if (redactor.redact(Buffer.from(text)).counts !== undefined) return false;
    seen += text.length;
    if (seen < stepBytes) continue;
    seen = 0;
    await turn();
  }
  return true;
}
