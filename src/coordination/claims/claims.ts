import type { ClaimDocument } from '../../protocol/coordination.js';
import { stepId } from '../../protocol/names.js';
import { readHeartbeat } from '../agents/agents.js';
import { ttlSeconds } from '../agents/liveness.js';
import type { CoordinationContext } from '../context.js';
import { newNonce } from '../event-timestamp.js';
import { afterwards, writeEvent } from '../events.js';
import { contested } from './contested.js';
import { type ClaimDecision, decideClaim, type RejectReason, type TakeKind } from './decision.js';
import { isArbitrated, parseStatus, type ReadClaim, readClaim, writeClaim } from './document.js';
import { project, type SeenProjections } from './projections.js';
import type { ClaimTokens } from './tokens.js';

export interface ClaimRequest {
  readonly step: string;
  /** Milliseconds without a sign of life after which others may take the step over; `null`: never. */
  readonly ttlMs: number | null;
  readonly reopen: boolean;
  /** Done at the same time as what is written after the claim itself. */
  beside(outcome: ClaimResult['outcome']): Promise<unknown>;
}

export type ClaimResult =
  | {
      readonly outcome: 'claimed';
      readonly how: TakeKind | 'renewed';
      readonly claim: ClaimDocument;
      /** Whose it was before. */
      readonly from: ClaimDocument | undefined;
      /** The store did not arbitrate: another one may believe the same. */
      readonly isBestEffort: boolean;
    }
  | { readonly outcome: 'rejected'; readonly reason: RejectReason; readonly holder: ClaimDocument };

const attempts = 16;

/**
 * Takes a step that is free, or whose holder gave no sign of life for its TTL. One of any number who try at once gets it: the
 * store decides by its conditional writes. The others learn who did.
 */
export async function acquire(
  context: CoordinationContext,
  held: ClaimTokens,
  request: ClaimRequest,
): Promise<ClaimResult> {
  const step = stepId(request.step);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const scene = await look(context, step, request.reopen);
    const { decision, present } = scene;
    if ('reject' in decision && (await isOurs(held, step, decision, present))) {
      const result = await renew(context, step, request, present);
      if (result !== undefined) return result;
      continue;
    }
    if ('reject' in decision && scene.present !== undefined) {
      return reject(context, step, request, decision.reject, scene.present.document);
    }
    if ('take' in decision) {
      const result = await take(context, held, { step, request, decision, scene });
      if (result !== undefined) return result;
    }
  }
  throw contested(step, context.layout.claim(step));
}

/** Whoever asks for what they hold already keeps it. */
async function isOurs(
  held: ClaimTokens,
  step: string,
  decision: { readonly reject: RejectReason },
  present: ReadClaim | undefined,
): Promise<boolean> {
  const nonce = present?.document.nonce;
  if (decision.reject !== 'held' || nonce == null) return false;
  return (await held.of(step)).has(nonce);
}

/** The same claim, written anew with the TTL that is wished now. `undefined` when it was changed meanwhile. */
async function renew(
  context: CoordinationContext,
  step: string,
  request: ClaimRequest,
  present: ReadClaim | undefined,
): Promise<ClaimResult | undefined> {
  if (present === undefined) return undefined;
  const claim: ClaimDocument = { ...present.document, ttl_s: ttlSeconds(request.ttlMs) };
  if (!(await writeClaim(context, step, claim, present)).written) return undefined;
  const ref = { key: context.layout.claim(step), nonce: claim.nonce };
  const data = { ref, epoch: claim.epoch, ttl_s: claim.ttl_s };
  await Promise.all([
    afterwards(context, project(context, step, claim)),
    writeEvent(context, { type: 'step.renewed', step, data }),
    request.beside('claimed'),
  ]);
  const isBestEffort = !isArbitrated(context);
  return { outcome: 'claimed', how: 'renewed', claim, from: undefined, isBestEffort };
}

interface Scene {
  readonly present: ReadClaim | undefined;
  readonly seen: SeenProjections;
  readonly decision: ClaimDecision;
  readonly now: Date;
}

async function look(context: CoordinationContext, step: string, reopen: boolean): Promise<Scene> {
  const { bucket, layout } = context;
  const [present, stored] = await Promise.all([
    readClaim(context, step),
    bucket.get(layout.status(step)),
  ]);
  const now = await bucket.now();
  const status = parseStatus(context, step, stored);
  const scene = { claim: present, status, now, reopen, heartbeat: undefined };
  const seen = { status: stored };
  const decision = decideClaim(scene);
  const needsHeartbeat = 'take' in decision && decision.take === 'expired';
  if (!needsHeartbeat || present === undefined) return { present, seen, decision, now };
  const heartbeat = await readHeartbeat(context, present.document.agent);
  return { present, seen, decision: decideClaim({ ...scene, heartbeat }), now };
}

interface Taking {
  readonly step: string;
  readonly request: ClaimRequest;
  readonly decision: Extract<ClaimDecision, { readonly take: TakeKind }>;
  readonly scene: Scene;
}

/** `undefined` when somebody else was faster. */
async function take(
  context: CoordinationContext,
  held: ClaimTokens,
  { step, request, decision, scene }: Taking,
): Promise<ClaimResult | undefined> {
  const { agent, sessionId = null, host } = context;
  const { present, seen, now } = scene;
  // What the last one left of its handoff is in the claim alone if it was stopped too early.
  if (present?.document.state === 'done') await project(context, step, present.document);
  const nonce = newNonce();
  const claim: ClaimDocument = {
    agent,
    session_id: sessionId,
    host,
    nonce,
    epoch: decision.epoch,
    claimed_at: now.toISOString(),
    ttl_s: ttlSeconds(request.ttlMs),
    state: 'held',
  };
  await held.add(step, nonce);
  const { written } = await writeClaim(context, step, claim, present);
  if (!written) {
    await held.remove(step, nonce);
    return undefined;
  }
  const isReopened = present?.document.state === 'done';
  await Promise.all([
    afterwards(context, project(context, step, claim, isReopened ? {} : seen)),
    writeClaimEvent(context, step, claim, decision.take, present?.document),
    held.keepOnly(step, nonce),
    request.beside('claimed'),
  ]);
  return {
    outcome: 'claimed',
    how: decision.take,
    claim,
    from: present?.document,
    isBestEffort: !isArbitrated(context),
  };
}

async function writeClaimEvent(
  context: CoordinationContext,
  step: string,
  { epoch, nonce, ttl_s }: ClaimDocument,
  how: TakeKind,
  from: ClaimDocument | undefined,
): Promise<void> {
  const ref = { key: context.layout.claim(step), nonce };
  const before = from === undefined ? {} : { from: { agent: from.agent, epoch: from.epoch } };
  await writeEvent(context, {
    type: how === 'expired' ? 'step.taken_over' : 'step.claimed',
    step,
    data: { ref, epoch, ttl_s, how, ...before },
  });
}

/** The event has a nonce of its own: no state came of what was rejected, and the holder's belongs to the holder's event. */
async function reject(
  context: CoordinationContext,
  step: string,
  request: ClaimRequest,
  reason: RejectReason,
  holder: ClaimDocument,
): Promise<ClaimResult> {
  const ref = { key: context.layout.claim(step), nonce: newNonce() };
  const { agent, epoch } = holder;
  await Promise.all([
    writeEvent(context, {
      type: 'step.claim_rejected',
      step,
      data: { ref, reason, holder: agent, epoch },
    }),
    request.beside('rejected'),
  ]);
  return { outcome: 'rejected', reason, holder };
}
