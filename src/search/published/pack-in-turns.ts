import type { Redactor } from '../../redact/redact.js';
import { DamagedPackError } from '../pack/bytes.js';
import type { Pack } from '../pack/pack.js';
import { contentOf } from '../pack/pack-content.js';
import { PackWriter } from '../pack/pack-writer.js';
import { longestText, rowsIn } from '../packed-rows.js';
import type { ConfirmedPart } from './sent-part.js';

/** Lets everything else in the process go first. */
export type Turn = () => Promise<void>;

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

/** What these packs hold, as one; parts that several of them have, once. */
export async function mergeInTurns(
  packs: readonly Pack[],
  turn: Turn,
): Promise<{ readonly bytes: Buffer; readonly merged: readonly Pack[] }> {
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
        await inTurns(writer.adding(part, rows), turn);
      }
      merged.push(pack);
    } catch (error) {
      if (!(error instanceof DamagedPackError)) throw error;
    }
  }
  return { bytes: await inTurns(writer.finishing(), turn), merged };
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

async function inTurns<Result>(steps: Generator<undefined, Result>, turn: Turn): Promise<Result> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await turn();
  }
}
