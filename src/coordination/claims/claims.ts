import type { ClaimDocument } from '../../protocol/coordination.js';
import { stepId } from '../../protocol/names.js';
import { ttlSeconds } from '../agents/liveness.js';
import type { CoordinationContext } from '../context.js';
import { newNonce } from '../event-timestamp.js';
import { afterwards, writeEvent } from '../events.js';
import { contested } from './contested.js';
import { type ClaimDecision, decideClaim, type RejectReason, type TakeKind } from './decision.js';
import { isArbitrated, unknownOutcome, writeClaim } from './document.js';
import { readFolded, type StepDocuments } from './fold.js';
import type { HeldClaim, HolderFiles } from './holder-files.js';
import { settle } from './settle.js';

export interface ClaimRequest {
  readonly step: string;
  /** Milliseconds without a renewal after which others may take the step over; `null`: never. */
  readonly ttlMs: number | null;
  /** Claims a step again that is already done. */
  readonly reopen: boolean;
  /**
   * Moves a claim held under this name, here or elsewhere, to this place; its former holder is
   * fenced.
   */
  readonly mine?: boolean;
  /** A rejection leaves no event, because a waiting caller asks repeatedly. */
  readonly isWaiting?: boolean;
  /**
   * Runs alongside the first read, before anything is written; throws if the step may not be taken
   * now.
   */
  mayTake?(): Promise<void>;
  /** Runs alongside the writes that follow the claim itself. */
  alongside(outcome: ClaimResult['outcome']): Promise<unknown>;
}

export interface WonClaim {
  readonly outcome: 'claimed';
  readonly how: TakeKind;
  readonly claim: HeldClaim;
  /** The claim it replaced. */
  readonly from: ClaimDocument | undefined;
  /**
   * This machine's clocks before the write was sent: the store cannot have dated the claim earlier.
   */
  readonly sentAt: SentAt;
  /** The store did not arbitrate: another agent may believe it won too. */
  readonly isBestEffort: boolean;
}

export interface SentAt {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface RejectedClaim {
  readonly outcome: 'rejected';
  readonly reason: RejectReason;
  readonly holder: ClaimDocument;
  /** Held under this agent's name: by another process, or by an earlier win here. */
  readonly isOwnName: boolean;
  /** Made from this session or terminal. */
  readonly isHere: boolean;
}

export type ClaimResult = WonClaim | RejectedClaim;

const attempts = 16;

/**
 * Takes a step that is free or whose holder's TTL has passed. Only the caller whose write created
 * the epoch gets `claimed`, once: neither another process of the same agent nor a second call gets
 * it again.
 */
export async function acquire(
  context: CoordinationContext,
  holders: HolderFiles,
  request: ClaimRequest,
): Promise<ClaimResult> {
  const step = stepId(request.step);
  const tried: Attempt[] = [];
  const allowed = request.mayTake?.();
  // Nothing awaits it if the step is held or done anyway.
  allowed?.catch(() => undefined);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const scene = await look(context, step, request);
    const { decision, documents } = scene;
    const present = documents.claim?.document;
    // The refusal may be for our own write, sent a second time by a proxy.
    const written = tried.find(({ claim }) => claim.nonce === present?.nonce);
    if (written !== undefined && documents.claim !== undefined) {
      const { etag, document } = documents.claim;
      return win(context, holders, { ...written, etag, renewals: document.renewals }, request);
    }
    for (const lost of tried.splice(0)) await holders.remove({ step, claim: lost.claim });
    if ('reject' in decision && present !== undefined) {
      return reject(context, holders, { step, request, reason: decision.reject, holder: present });
    }
    if (!('take' in decision)) continue;
    // Whoever holds a step keeps it, whatever becomes of its needs.
    if (decision.take !== 'mine') await allowed;
    const mine = await attemptOf(context, step, request, { ...scene, decision });
    const etag = await write(context, holders, mine);
    if (etag !== undefined) return win(context, holders, { ...mine, etag, renewals: 0 }, request);
    tried.push(mine);
  }
  throw contested(step, context.layout.claim(step));
}

interface Scene {
  readonly documents: StepDocuments;
  readonly decision: ClaimDecision;
  readonly now: Date;
}

async function look(
  context: CoordinationContext,
  step: string,
  { reopen, mine = false }: ClaimRequest,
): Promise<Scene> {
  const documents = await readFolded(context, step);
  const now = await context.bucket.now();
  const { claim, status } = documents;
  const mover = mine ? context.agent : undefined;
  return { documents, now, decision: decideClaim({ claim, status, now, reopen, mover }) };
}

type TakeDecision = Extract<ClaimDecision, { readonly take: TakeKind }>;

/** A claim this invocation writes. */
interface Attempt {
  readonly step: string;
  readonly how: TakeKind;
  readonly claim: HeldClaim;
  readonly documents: StepDocuments;
  readonly sentAt: SentAt;
}

async function attemptOf(
  context: CoordinationContext,
  step: string,
  { ttlMs }: ClaimRequest,
  { decision, documents, now }: Scene & { readonly decision: TakeDecision },
): Promise<Attempt> {
  const { agent, sessionId = null, host, clock } = context;
  const before = documents.claim?.document;
  // Overwriting the claim would lose whatever its last holder did not get to write.
  if (before !== undefined && before.state !== 'held') {
    await settle(context, step, before, documents);
  }
  const claim: HeldClaim = {
    agent,
    session_id: sessionId,
    host,
    nonce: newNonce(),
    epoch: decision.epoch,
    claimed_at: now.toISOString(),
    ttl_s: ttlSeconds(ttlMs),
    state: 'held',
    renewals: 0,
  };
  const sentAt = { wallMs: clock.now(), monotonicMs: clock.monotonic() };
  return { step, how: decision.take, claim, documents, sentAt };
}

/** The ETag of the claim; `undefined` if it was refused. */
async function write(
  context: CoordinationContext,
  holders: HolderFiles,
  { step, claim, documents, sentAt }: Attempt,
): Promise<string | undefined> {
  await holders.keep({ step, claim, etag: undefined, sentAtMs: sentAt.wallMs });
  try {
    const outcome = await writeClaim(context, step, claim, documents.claim);
    return outcome.written ? outcome.etag : undefined;
  } catch (error) {
    throw unknownOutcome(error, `step ${step} was claimed`);
  }
}

async function win(
  context: CoordinationContext,
  holders: HolderFiles,
  won: Attempt & { readonly etag: string; readonly renewals: number },
  request: ClaimRequest,
): Promise<WonClaim> {
  const { step, how, documents, sentAt, etag, renewals } = won;
  const claim = { ...won.claim, renewals };
  const from = documents.claim?.document;
  const isEnded = from !== undefined && from.state !== 'held';
  await Promise.all([
    // Settling the previous claim may have changed the status that was read.
    afterwards(context, settle(context, step, claim, isEnded ? undefined : documents)),
    writeClaimEvent(context, step, claim, how, from),
    holders.keep({ step, claim, etag, sentAtMs: sentAt.wallMs }),
    holders.pruneOlder(step, claim.epoch),
    request.alongside('claimed'),
  ]);
  return { outcome: 'claimed', how, claim, from, sentAt, isBestEffort: !isArbitrated(context) };
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

interface Rejection {
  readonly step: string;
  readonly request: ClaimRequest;
  readonly reason: RejectReason;
  readonly holder: ClaimDocument;
}

/**
 * The event has a nonce of its own: a rejected claim leaves no state, and the holder's nonce
 * belongs to the holder's event.
 */
async function reject(
  context: CoordinationContext,
  holders: HolderFiles,
  { step, request, reason, holder }: Rejection,
): Promise<RejectedClaim> {
  const ref = { key: context.layout.claim(step), nonce: newNonce() };
  const { agent, epoch, nonce } = holder;
  const data = { ref, reason, holder: agent, epoch };
  const [files] = await Promise.all([
    holders.of(step),
    request.isWaiting
      ? undefined
      : writeEvent(context, { type: 'step.claim_rejected', step, data }),
    request.alongside('rejected'),
  ]);
  const isOwnName = reason === 'held' && agent === context.agent;
  const isHere = files.some(({ claim }) => claim.nonce === nonce);
  return { outcome: 'rejected', reason, holder, isOwnName, isHere };
}
