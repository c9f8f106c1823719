import { LostError, NotFoundError } from '../../errors.js';
import type { ClaimDocument, HandoffDocument, Outcome } from '../../protocol/coordination.js';
import { stepId } from '../../protocol/names.js';
import type { CoordinationContext } from '../context.js';
import { newId, newNonce } from '../event-timestamp.js';
import { afterwards, type EventType, writeEvent } from '../events.js';
import { sendMail } from '../mail/mailbox.js';
import { contested } from './contested.js';
import { isDone } from './decision.js';
import { parseStatus, type ReadClaim, readClaim, writeClaim } from './document.js';
import { ownershipOf } from './ownership.js';
import { project } from './projections.js';
import type { ClaimTokens } from './tokens.js';

export interface EndRequest {
  readonly step: string;
  /** The claim that the caller says is theirs, for one made elsewhere. */
  readonly epoch?: number | undefined;
  /** Whoever holds it: it is taken over and ended at once. */
  readonly force?: boolean | undefined;
}

/** What the holder says to whoever is next. */
export interface Report {
  readonly outcome: Outcome;
  readonly note?: string | undefined;
  readonly nextAgent?: string | undefined;
  readonly nextAction?: string | undefined;
  readonly changedFiles?: readonly string[] | undefined;
  readonly artifacts?: readonly string[] | undefined;
}

export interface Ended {
  readonly claim: ClaimDocument;
  /** It had been ended in the same way before: what was missing of its documents is there now, and nothing else was changed. */
  readonly isRepeated: boolean;
}

export interface Completed extends Ended {
  readonly handoff: HandoffDocument;
}

const attempts = 16;

/**
 * Gives a step back. `LostError` when it is somebody else's by now, and then nothing was changed; `NotFoundError` when nobody
 * ever claimed it.
 */
export async function release(
  context: CoordinationContext,
  held: ClaimTokens,
  request: EndRequest,
): Promise<Ended> {
  const step = stepId(request.step);
  const { claim, isRepeated } = await end(context, held, request, {
    state: 'released',
    mayRepeat: () => true,
    change: () => ({ state: 'released' }),
  });
  const ref = { key: context.layout.status(step), nonce: claim.nonce };
  const data = { ref, epoch: claim.epoch };
  await Promise.all([
    afterwards(context, project(context, step, claim)),
    isRepeated ? undefined : writeEvent(context, { type: 'step.released', step, data }),
  ]);
  return { claim, isRepeated };
}

/**
 * Ends a step and hands it over. The replacement of `claim.json`, with the whole handoff in it, is the one point where a
 * completion and a takeover meet; everything after it can be repeated. Errors as for `release`.
 */
export async function complete(
  context: CoordinationContext,
  held: ClaimTokens,
  request: EndRequest,
  report: Report,
): Promise<Completed> {
  const step = stepId(request.step);
  const at = (await context.bucket.now()).toISOString();
  const messageId = newId();
  const { claim, isRepeated } = await end(context, held, request, {
    state: 'done',
    mayRepeat: ({ outcome }) => (outcome?.state ?? report.outcome) === report.outcome,
    change: (epoch) => ({
      state: 'done',
      outcome: handoffOf(context.agent, step, report, { at, epoch, messageId }),
    }),
  });
  const handoff =
    claim.outcome ??
    handoffOf(claim.agent, step, { outcome: 'complete' }, { at, epoch: claim.epoch, messageId });
  await Promise.all([
    afterwards(context, project(context, step, claim)),
    isRepeated ? undefined : writeOutcomeEvent(context, step, claim, handoff),
    mailNext(context, step, handoff),
  ]);
  return { claim, handoff, isRepeated };
}

/** `LostError` for whoever had the step and lost it: what they put there now would be taken for the new holder's. */
export async function refuseFenced(
  context: CoordinationContext,
  held: ClaimTokens,
  name: string,
): Promise<void> {
  const step = stepId(name);
  const nonces = await held.of(step);
  if (nonces.size === 0) return;
  const present = await readClaim(context, step);
  if (present === undefined) return;
  const claim = present.document;
  if (ownershipOf(claim, { agent: context.agent, nonces }) !== 'fenced') return;
  throw notTheirs(step, context.agent, claim, 'fenced', claim.state === 'done');
}

interface FinishPlan {
  readonly state: 'released' | 'done';
  /** Whether what the claim says is what is wished, so that nothing is left to do but what a crash left undone. */
  mayRepeat(claim: ClaimDocument): boolean;
  change(epoch: number): Pick<ClaimDocument, 'state' | 'outcome'>;
}

async function end(
  context: CoordinationContext,
  held: ClaimTokens,
  { step: name, epoch, force }: EndRequest,
  ending: FinishPlan,
): Promise<Ended> {
  const step = stepId(name);
  const nonces = await held.of(step);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const present = await readClaim(context, step);
    if (present === undefined) throw unclaimed(step);
    const claim = present.document;
    const claimant = { agent: context.agent, nonces, ...(epoch === undefined ? {} : { epoch }) };
    const isDone = claim.state === 'done' || (await isDoneElsewhere(context, step, claim));
    const theirs = ownershipOf(claim, claimant);
    const standing = isDone && theirs === 'holder' ? 'ended' : theirs;
    const isRepeated = standing === 'ended' && claim.state === ending.state;
    if (isRepeated && force !== true && ending.mayRepeat(claim)) return { claim, isRepeated };
    // What is done is opened again by claiming it, not by giving it back.
    const mayForce = force === true && !(isDone && ending.state === 'released');
    if (standing !== 'holder' && !mayForce)
      throw notTheirs(step, context.agent, claim, standing, isDone);
    // The one who ended it may have been stopped before the handoff stood anywhere else.
    if (claim.state === 'done') await project(context, step, claim);
    const next = standing === 'holder' ? withNonce(claim) : takenBy(context, claim);
    const ended = { ...next, ...ending.change(next.epoch) };
    if (await isReplaced(context, held, step, { ended, present })) {
      return { claim: ended, isRepeated: false };
    }
  }
  throw contested(step, context.layout.claim(step));
}

type HeldClaim = Omit<ClaimDocument, 'nonce'> & { readonly nonce: string };

/** The older tool says in `status.json` alone that a step is done. */
async function isDoneElsewhere(
  context: CoordinationContext,
  step: string,
  claim: ClaimDocument,
): Promise<boolean> {
  if (claim.state !== undefined) return false;
  const stored = await context.bucket.get(context.layout.status(step));
  return isDone(claim, parseStatus(context, step, stored));
}

interface Replacement {
  readonly ended: HeldClaim;
  readonly present: ReadClaim;
}

async function isReplaced(
  context: CoordinationContext,
  held: ClaimTokens,
  step: string,
  { ended, present }: Replacement,
): Promise<boolean> {
  const { nonce } = ended;
  const isTakeover = nonce !== present.document.nonce;
  if (isTakeover) await held.add(step, nonce);
  const { written } = await writeClaim(context, step, ended, present);
  if (isTakeover && !written) await held.remove(step, nonce);
  return written;
}

/** The older tool's claims have none; what is written here must differ from what anybody else writes. */
function withNonce(claim: ClaimDocument): HeldClaim {
  return { ...claim, nonce: claim.nonce ?? newNonce() };
}

/** Another nonce and epoch: whoever held it learns that it is not theirs any more. */
function takenBy(
  { agent, sessionId, host }: CoordinationContext,
  { epoch, claimed_at, ttl_s }: ClaimDocument,
): HeldClaim {
  return {
    agent,
    session_id: sessionId ?? null,
    host,
    nonce: newNonce(),
    epoch: epoch + 1,
    claimed_at,
    ttl_s,
  };
}

interface HandoffMoment {
  readonly at: string;
  readonly epoch: number;
  readonly messageId: string;
}

function handoffOf(
  agent: string,
  step: string,
  report: Report,
  { at, epoch, messageId }: HandoffMoment,
): HandoffDocument {
  const { outcome, note, nextAgent, nextAction, changedFiles, artifacts } = report;
  return {
    schema: 2,
    from_agent: agent,
    from_step: step,
    next_agent: nextAgent ?? null,
    state: outcome,
    next_action: nextAction ?? null,
    note: note ?? null,
    created_at: at,
    ...(changedFiles === undefined ? {} : { changed_files: [...changedFiles] }),
    ...(artifacts === undefined || artifacts.length === 0 ? {} : { artifacts: [...artifacts] }),
    epoch,
    ...(nextAgent === undefined ? {} : { message_id: messageId }),
  };
}

const eventTypes: Readonly<Record<Outcome, EventType>> = {
  complete: 'step.completed',
  blocked: 'step.blocked',
  needs_review: 'step.needs_review',
};

async function writeOutcomeEvent(
  context: CoordinationContext,
  step: string,
  { nonce, epoch }: ClaimDocument,
  { state, note, next_agent, next_action }: HandoffDocument,
): Promise<void> {
  const ref = { key: context.layout.handoff(step), nonce };
  await writeEvent(context, {
    type: eventTypes[state],
    step,
    data: { ref, epoch, note, next_agent, next_action },
  });
}

/**
 * The mail that names the step. Its key follows from the handoff, so that whoever repeats the completion, or does it at the same
 * moment, cannot send it twice.
 */
async function mailNext(
  context: CoordinationContext,
  step: string,
  handoff: HandoffDocument,
): Promise<void> {
  const { next_agent: to, message_id: id, created_at, from_agent } = handoff;
  const atMs = Date.parse(created_at ?? '');
  if (to === null || id === undefined || from_agent === null || Number.isNaN(atMs)) return;
  const stamp = { timeNs: BigInt(atMs) * 1_000_000n, agent: from_agent, id };
  await sendMail(context, { to, message: mailText(step, handoff), step, stamp });
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

function unclaimed(step: string): NotFoundError {
  return new NotFoundError(`nobody has claimed step ${step}`, {
    hint: `Claim it first: "tracecraft claim ${step}".`,
  });
}

function notTheirs(
  step: string,
  me: string,
  { agent, epoch, state, outcome }: ClaimDocument,
  standing: 'holder' | 'fenced' | 'stranger' | 'ended',
  isDone: boolean,
): LostError {
  if (standing === 'fenced') {
    return new LostError(`fenced: step ${step} was taken over by ${agent} (epoch ${epoch})`, {
      hint: 'Nothing was changed. Look at what the new holder does before you go on with it.',
    });
  }
  const ending = { complete: 'completed', blocked: 'blocked', needs_review: 'given to review' };
  const done = ending[outcome?.state ?? 'complete'];
  const how = isDone ? done : state === 'released' ? 'released' : undefined;
  if (standing === 'ended') {
    return new LostError(`step ${step} was ${how ?? 'ended'} already (epoch ${epoch})`, {
      hint: `Claim it again first: "tracecraft claim ${step}${isDone ? ' --reopen' : ''}".`,
    });
  }
  const whose = how === undefined ? `held by ${agent}` : `${how} by ${agent}`;
  if (agent !== me) {
    return new LostError(`step ${step} is ${whose} (epoch ${epoch}), and you are ${me}`, {
      hint: `Wait with "tracecraft wait-for ${step}", or end it whoever holds it: --force.`,
    });
  }
  return new LostError(`step ${step} is ${whose} (epoch ${epoch}), not by this session`, {
    hint: `If you know that it is yours: --epoch ${epoch}. To end it whoever holds it: --force.`,
  });
}
