import { encodeDocument } from '../protocol/documents.js';
import type { CoordinationContext } from './context.js';
import { newStamp, type StampedMoment } from './event-timestamp.js';

export type EventType =
  | 'agent.registered'
  | 'step.claimed'
  | 'step.claim_rejected'
  | 'step.taken_over'
  | 'step.released'
  | 'step.completed'
  | 'step.blocked'
  | 'step.needs_review'
  | 'step.approved'
  | 'step.rejected'
  | 'step.planned'
  | 'step.edited'
  | 'step.removed'
  | 'memory.set'
  | 'memory.deleted'
  | 'message.sent'
  | 'message.broadcast'
  | 'artifact.uploaded'
  | 'session.started'
  | 'session.ended'
  | 'session.removed'
  | 'session.restored'
  | 'secrets.redacted';

/** The state object an event describes, and which version of it. */
export interface EventRef {
  readonly key: string;
  readonly nonce?: string | null;
  readonly id?: string;
  readonly version?: number;
}

export interface NewEvent {
  readonly type: EventType;
  readonly step?: string;
  readonly data: { readonly ref: EventRef } & Readonly<Record<string, unknown>>;
}

/**
 * One immutable object under a key of its own: no event overwrites another. It is written after the state it
 * describes, so a reader that finds a state without an event knows that its writer was stopped in between.
 */
export function writeEvent(context: Recorder, event: NewEvent): Promise<void> {
  return afterwards(context, putEvent(context, event));
}

type Recorder = Pick<
  CoordinationContext,
  'bucket' | 'layout' | 'agent' | 'sessionId' | 'stamps' | 'onUnrecorded'
>;

/**
 * Work after the operation itself has succeeded: a failure is reported, not thrown, if someone
 * listens.
 */
export async function afterwards(
  { onUnrecorded }: Pick<CoordinationContext, 'onUnrecorded'>,
  work: Promise<void>,
): Promise<void> {
  if (onUnrecorded === undefined) return work;
  try {
    await work;
  } catch (error) {
    onUnrecorded(error instanceof Error ? error : new Error(String(error)));
  }
}

async function putEvent(context: Recorder, event: NewEvent): Promise<void> {
  await putEventAt(context, event, await newStamp(context));
}

/** For a moment that is recorded elsewhere: however often it is written, there is one event. */
export async function putEventAt(
  { bucket, layout, sessionId }: Omit<Recorder, 'agent'>,
  { type, step, data }: NewEvent,
  { stamp, at }: StampedMoment,
): Promise<void> {
  const { agent } = stamp;
  const event = {
    schema: 1,
    id: stamp.id,
    type,
    agent,
    at,
    ...(step === undefined ? {} : { step }),
    ...(sessionId === undefined ? {} : { session_id: sessionId }),
    data,
  };
  await bucket.put(layout.event(stamp), encodeDocument(event));
}
