import * as v from 'valibot';
import { parseDocument } from '../../protocol/documents.js';
import { type EventRefDocument, eventRefSchema, eventSchema } from '../../protocol/events.js';
import { parseStampName } from '../../protocol/keys.js';
import type { TimelineEntry } from './entry.js';
import { eventText, numberOf, stringOf } from './event-text.js';

/** An event and the object it refers to, if it says so. */
export interface RecordedEntry extends TimelineEntry {
  readonly ref: EventRefDocument | undefined;
}

/**
 * The entry for an event's object; nothing else of it is kept, because a long run has very many. `DocumentError` if
 * it is not an event.
 */
export function recordedEntry(key: string, body: Uint8Array): RecordedEntry {
  const document = parseDocument(eventSchema, key, body);
  const { type, agent, step, session_id, data } = document;
  const parsed = v.safeParse(eventRefSchema, data?.ref);
  const ref = parsed.success ? parsed.output : undefined;
  return {
    key,
    timeNs: parseStampName(key.slice(key.lastIndexOf('/') + 1))?.timeNs ?? 0n,
    type,
    agent,
    step,
    sessionId: session_id,
    to: stringOf(data?.to) ?? stringOf(data?.next_agent) ?? null,
    epoch: numberOf(data?.epoch) ?? null,
    text: eventText(document, ref?.key),
    isDerived: false,
    identity: ref === undefined ? key : identityOf(type, ref),
    ref,
  };
}

/** Identifies what happened, whatever records it. A registration has no state of its own: each is a new one. */
export function identityOf(type: string, { key, nonce, id, version }: EventRefDocument): string {
  return [type, key, nonce ?? id ?? version ?? ''].join(' ');
}

/** Of an ISO 8601 time; `undefined` for anything else. */
export function nanoseconds(at: string | null | undefined): bigint | undefined {
  const ms = Date.parse(at ?? '');
  return Number.isNaN(ms) || ms < 0 ? undefined : BigInt(Math.trunc(ms)) * 1_000_000n;
}
