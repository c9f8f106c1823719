import { createHash } from 'node:crypto';
import {
  type ClaimDocument,
  type HandoffDocument,
  maxTextLength,
  type Outcome,
  type ReviewDocument,
  type StatusDocument,
} from '../../protocol/coordination.js';
import { encodeDocument } from '../../protocol/documents.js';
import type { Layout, Stamp } from '../../protocol/keys.js';
import { isName } from '../../protocol/names.js';
import type { EventType } from '../events.js';

/**
 * An object whose key and bytes follow from a claim, so anybody may write it, any number of times.
 */
export interface FollowUp {
  readonly key: string;
  readonly body: Buffer;
}

/** The `status.json` that belongs to this claim. */
export function statusOf(claim: ClaimDocument): StatusDocument {
  const { agent, epoch, claimed_at, state, outcome } = claim;
  const about = { agent, started_at: claimed_at, epoch };
  if (state === 'released') return { status: 'pending', ...about };
  if (state !== 'done') return { status: 'in_progress', ...about };
  const status = outcome?.state ?? 'complete';
  if (status !== 'complete') return { status, ...about };
  return { status, ...about, completed_at: endedAt(claim) };
}

/** When a step was handed over or reviewed; `null` while it is not done. */
export function endedAt({ state, outcome }: ClaimDocument): string | null {
  return state === 'done' ? (outcome?.review?.at ?? outcome?.created_at ?? null) : null;
}

/** The `handoff.json` that belongs to this claim; `undefined`: it stays as it is. */
export function handoffIn({ state, outcome }: ClaimDocument): HandoffDocument | undefined {
  return (state === 'done' || state === 'released') && outcome != null ? outcome : undefined;
}

/** Mail and events of a claim that has ended, each created once and never changed. */
export function followUpsOf(layout: Layout, step: string, claim: ClaimDocument): FollowUp[] {
  const told = tellingOf(step, claim);
  if (told === undefined || claim.nonce === null) return [];
  const { by, at, type, data, mail } = told;
  const atMs = Date.parse(at ?? '');
  if (!isName(by) || !(atMs >= 0 && atMs < 9e12)) return [];
  const timeNs = BigInt(atMs) * 1_000_000n;
  const { nonce, epoch } = claim;
  const event = (after: bigint, id: string, said: object): FollowUp => ({
    key: layout.event({ timeNs: timeNs + after, agent: by, id }),
    body: encodeDocument({
      schema: 1,
      id,
      agent: by,
      at,
      step,
      ...(claim.session_id === null || by !== claim.agent ? {} : { session_id: claim.session_id }),
      ...said,
    }),
  });
  const ref = { key: refKeyOf(layout, step, type), nonce };
  const ended = event(0n, idOf(nonce, type), { type, data: { ref, epoch, ...data } });
  if (mail === undefined || !isName(mail.to)) return [ended];
  const id = mail.id ?? idOf(nonce, `${type} mail`);
  const stamp: Stamp = { timeNs, agent: by, id };
  const key = layout.message(mail.to, stamp);
  const { to, message } = mail;
  const letter = { id, from: by, to, message, sent_at: at, step };
  const sent = event(1n, idOf(nonce, `${type} sent`), {
    type: 'message.sent',
    data: { ref: { key, id }, to, message },
  });
  return [ended, { key, body: encodeDocument(letter) }, sent];
}

interface Telling {
  readonly by: string;
  readonly at: string | null;
  readonly type: EventType;
  readonly data: object;
  readonly mail: NextMail | undefined;
}

interface NextMail {
  readonly to: string;
  readonly message: string;
  readonly id?: string | undefined;
}

function tellingOf(step: string, claim: ClaimDocument): Telling | undefined {
  const { state, outcome, agent, released_at: at = null } = claim;
  if (outcome?.review != null && state !== 'held')
    return tellingOfReview(step, outcome, outcome.review);
  if (state === 'released')
    return { by: agent, at, type: 'step.released', data: {}, mail: undefined };
  return state === 'done' && outcome != null ? tellingOfOutcome(step, outcome) : undefined;
}

const endings: Readonly<Record<Outcome, EventType>> = {
  complete: 'step.completed',
  blocked: 'step.blocked',
  needs_review: 'step.needs_review',
};

function tellingOfOutcome(step: string, handoff: HandoffDocument): Telling {
  const { from_agent, created_at, state, note, next_agent, next_action, message_id } = handoff;
  const mail =
    next_agent === null || message_id === undefined
      ? undefined
      : { to: next_agent, message: mailText(step, handoff), id: message_id };
  return {
    by: from_agent ?? '',
    at: created_at,
    type: endings[state],
    data: { note, next_agent, next_action, handoff },
    mail,
  };
}

function tellingOfReview(step: string, handoff: HandoffDocument, review: ReviewDocument): Telling {
  const { by, at, verdict, note, to } = review;
  const said = note === null || note === '' ? '.' : `: ${note}`;
  const message = `Step ${step} was ${verdict} by ${by}${said}`.slice(0, 2 * maxTextLength);
  return {
    by,
    at,
    type: verdict === 'approved' ? 'step.approved' : 'step.rejected',
    data: { note, from: handoff.from_agent, handoff },
    mail: to === null ? undefined : { to, message },
  };
}

const verbs: Readonly<Record<Outcome, string>> = {
  complete: 'is complete',
  blocked: 'is blocked',
  needs_review: 'needs a review',
};

function mailText(step: string, { state, note, next_action, from_agent }: HandoffDocument): string {
  const said = [note, next_action === null ? null : `Next: ${next_action}`];
  const words = said.filter((one) => one !== null && one !== '');
  const about = `Step ${step} ${verbs[state]}, handed over by ${from_agent ?? 'its agent'}`;
  return words.length === 0 ? `${about}.` : `${about}: ${words.join(' · ')}`;
}

function refKeyOf(layout: Layout, step: string, type: EventType): string {
  return type === 'step.released' ? layout.status(step) : layout.handoff(step);
}

/** 8 hex digits derived from the claim and the kind of message. */
function idOf(nonce: string, what: string): string {
  return createHash('sha256').update(`${nonce} ${what}`).digest('hex').slice(0, 8);
}
