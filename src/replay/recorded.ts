import * as v from 'valibot';
import { type EventDocument, type EventRefDocument, eventRefSchema } from '../protocol/events.js';
import type { Stamped } from './bucket-state.js';
import type { TimelineEntry } from './entry.js';
import { numberOf, stringOf, tellEvent } from './telling.js';

/** An event with what it refers to, as far as it says so. */
export interface RecordedEntry extends TimelineEntry {
  readonly ref: EventRefDocument | undefined;
}

export function entryOf({ key, document, timeNs }: Stamped<EventDocument>): RecordedEntry {
  const { type, agent, step, session_id, data } = document;
  const parsed = v.safeParse(eventRefSchema, data?.ref);
  const ref = parsed.success ? parsed.output : undefined;
  return {
    key,
    timeNs,
    type,
    agent,
    step,
    sessionId: session_id,
    to: stringOf(data?.to) ?? stringOf(data?.next_agent) ?? null,
    epoch: numberOf(data?.epoch) ?? null,
    text: tellEvent(document, ref?.key),
    isDerived: false,
    identity: ref === undefined ? key : identityOf(type, ref),
    ref,
  };
}

/** Of what happened, whoever tells it. A registration has no state of its own: each is another one. */
export function identityOf(type: string, { key, nonce, id, version }: EventRefDocument): string {
  return [type, key, nonce ?? id ?? version ?? ''].join(' ');
}

/** Of an ISO 8601 time; `undefined` for what is none. */
export function nanoseconds(at: string | null | undefined): bigint | undefined {
  const ms = Date.parse(at ?? '');
  return Number.isNaN(ms) || ms < 0 ? undefined : BigInt(Math.trunc(ms)) * 1_000_000n;
}
