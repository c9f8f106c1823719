import * as v from 'valibot';
import type { ObjectEntry } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import { type HandoffDocument, handoffSchema } from '../../protocol/coordination.js';
import { DocumentError, parseDocument } from '../../protocol/documents.js';
import { parseStampName } from '../../protocol/keys.js';
import type { StorePlace } from './document.js';

/** The part of an event that says how an epoch of a step ended. */
const endingSchema = v.object({
  step: v.string(),
  data: v.object({ handoff: handoffSchema }),
});

/** Events are far smaller; a planted one must not fill the memory. */
const maxEventBytes = 4 * 1024 * 1024;
const batch = 48;

/**
 * An earlier holder's handoff: the event of each ending contains it in full. Reads from the newest
 * back.
 */
export async function readPastHandoff(
  { bucket, layout }: StorePlace,
  step: string,
  epoch: number,
): Promise<HandoffDocument | undefined> {
  const events: ObjectEntry[] = [];
  for await (const entry of bucket.list(layout.events())) {
    if (entry.kind !== 'object' || entry.size > maxEventBytes) continue;
    if (parseStampName(entry.key.slice(layout.events().length)) !== undefined) events.push(entry);
  }
  for (let end = events.length; end > 0; end -= batch) {
    const some = events.slice(Math.max(0, end - batch), end).reverse();
    const read = await inParallel(some, async ({ key }) => {
      const stored = await bucket.get(key);
      return stored === undefined ? undefined : handoffIn(key, stored.body, step);
    });
    const found = read.find((one) => one?.epoch === epoch);
    if (found !== undefined) return found;
  }
  return undefined;
}

function handoffIn(key: string, body: Buffer, step: string): HandoffDocument | undefined {
  try {
    const event = parseDocument(endingSchema, key, body);
    return event.step === step ? event.data.handoff : undefined;
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}
