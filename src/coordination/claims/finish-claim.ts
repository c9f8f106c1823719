import type {
  ArtifactPin,
  ClaimDocument,
  HandoffDocument,
  Outcome,
} from '../../protocol/coordination.js';
import { stepId } from '../../protocol/names.js';
import type { CoordinationContext } from '../context.js';
import { newId, newMoment, newNonce } from '../event-timestamp.js';
import { afterwards } from '../events.js';
import { contested } from './contested.js';
import { type ReadClaim, readClaim, unknownOutcome, writeClaim } from './document.js';
import { decideEnding } from './ending.js';
import { readFolded, type StepDocuments } from './fold.js';
import type { HeldClaim, HolderFiles } from './holder-files.js';
import { alreadyCompleted, notTheirs, unclaimed } from './lost-step.js';
import { ownershipOf } from './ownership.js';
import { settle } from './settle.js';

export interface EndRequest {
  readonly step: string;
  /** The epoch of the claim the caller says is theirs, wherever it was made. */
  readonly epoch?: number | undefined;
  /**
   * Takes the claim over from whoever holds it and ends it at once. A step that is done stays as it
   * is.
   */
  readonly force?: boolean | undefined;
}

/** The holder's message to the next one. */
export interface Report {
  readonly outcome: Outcome;
  readonly note?: string | undefined;
  readonly nextAgent?: string | undefined;
  readonly nextAction?: string | undefined;
  readonly changedFiles?: readonly string[] | undefined;
  readonly artifacts?: readonly ArtifactPin[] | undefined;
}

export interface Ended {
  readonly claim: ClaimDocument;
  /**
   * It had already been ended in the same way: its missing documents have been written, and nothing
   * else was changed.
   */
  readonly isRepeated: boolean;
}

export interface Completed extends Ended {
  readonly handoff: HandoffDocument;
  /** Nobody held it: it was claimed and ended in one write. */
  readonly wasUnclaimed: boolean;
}

const attempts = 16;

/**
 * Gives a step back. `LostError` if somebody else has it by now, in which case nothing was changed;
 * `NotFoundError` if nobody ever claimed it.
 */
export async function release(
  context: CoordinationContext,
  holders: HolderFiles,
  request: EndRequest,
): Promise<Ended> {
  const step = stepId(request.step);
  const at = await newMoment(context);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const documents = await readFolded(context, step);
    const present = documents.claim;
    if (present === undefined) throw unclaimed(step);
    const { standing, nonces } = await standingOf(context, holders, request, present);
    const { document } = present;
    if (standing === 'ended' && document.state === 'released') {
      await afterwards(context, settle(context, step, document, documents));
      return { claim: document, isRepeated: true };
    }
    // A finished step is reopened by claiming it, not by giving it back.
    const mayForce = request.force === true && document.state !== 'done';
    if (standing !== 'holder' && !mayForce) {
      throw notTheirs(step, context.agent, document, standing);
    }
    // Overwriting the claim would lose whatever its last holder did not get to write.
    if (document.state === 'released') await settle(context, step, document);
    const next = standing === 'holder' ? withNonce(document) : takenBy(context, document);
    const claim: HeldClaim = { ...next, state: 'released', released_at: at };
    if (!(await isReplaced(context, step, claim, present))) continue;
    await close(holders, step, nonces);
    await afterwards(context, settle(context, step, claim, documents));
    return { claim, isRepeated: false };
  }
  throw contested(step, context.layout.claim(step));
}

/**
 * Ends a step and hands it over. The replacement of `claim.json`, with the whole handoff in it, is
 * the single point at which a completion and a takeover compete; everything else follows from it,
 * and the next reader writes whatever is missing. Errors as for `release`; an unclaimed step is
 * claimed and ended in one write.
 */
export async function complete(
  context: CoordinationContext,
  holders: HolderFiles,
  request: EndRequest,
  report: Report,
): Promise<Completed> {
  const step = stepId(request.step);
  const moment: HandoffMoment = { at: await newMoment(context), messageId: newId() };
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const documents = await readFolded(context, step);
    const scene = await planEnding(context, holders, { ...request, step }, documents);
    if ('done' in scene) return repeat(context, { step, report, documents, ...scene });
    const { next, present, nonces } = scene;
    const { epoch } = next;
    const handoff = handoffOf(context.agent, step, report, { ...moment, epoch });
    const { released_at: _, ...held } = next;
    const claim: HeldClaim = { ...held, state: 'done', outcome: handoff };
    if (!(await isReplaced(context, step, claim, present))) continue;
    await close(holders, step, nonces);
    await afterwards(context, settle(context, step, claim, documents));
    return { claim, handoff, isRepeated: false, wasUnclaimed: scene.wasUnclaimed };
  }
  throw contested(step, context.layout.claim(step));
}

interface Standing {
  readonly standing: ReturnType<typeof ownershipOf>;
  readonly nonces: ReadonlySet<string>;
}

async function standingOf(
  context: CoordinationContext,
  holders: HolderFiles,
  { step, epoch }: EndRequest,
  { document }: ReadClaim,
): Promise<Standing> {
  const files = await holders.of(step);
  const nonces = new Set(files.map(({ claim }) => claim.nonce));
  return { nonces, standing: ownershipOf(document, { agent: context.agent, nonces, epoch }) };
}

type EndingPlan =
  | { readonly done: ClaimDocument }
  | {
      /** Without its ending. */
      readonly next: HeldClaim;
      readonly present: ReadClaim | undefined;
      readonly nonces: ReadonlySet<string>;
      readonly wasUnclaimed: boolean;
    };

async function planEnding(
  context: CoordinationContext,
  holders: HolderFiles,
  request: EndRequest,
  { claim: present, status }: StepDocuments,
): Promise<EndingPlan> {
  const { step, force = false } = request;
  if (present === undefined) {
    const next = await newClaim(context, (status?.epoch ?? 0) + 1);
    return { next, present, nonces: new Set(), wasUnclaimed: true };
  }
  const { document } = present;
  const { standing, nonces } = await standingOf(context, holders, request, present);
  switch (decideEnding(document, standing, force)) {
    case 'repeat':
      return { done: document };
    case 'own':
      return { next: withNonce(document), present, nonces, wasUnclaimed: false };
    case 'forced':
      if (document.state === 'released') await settle(context, step, document);
      return { next: takenBy(context, document), present, nonces, wasUnclaimed: false };
    case 'unclaimed': {
      await settle(context, step, document);
      const next = await newClaim(context, document.epoch + 1);
      return { next, present, nonces, wasUnclaimed: true };
    }
    case 'refused':
      throw notTheirs(step, context.agent, document, standing);
  }
}

interface Repetition {
  readonly step: string;
  readonly done: ClaimDocument;
  readonly report: Report;
  readonly documents: StepDocuments;
}

/**
 * Exit 0 means that this report was handed over, so an earlier completion with a different report
 * is an error.
 */
async function repeat(
  context: CoordinationContext,
  { step, done, report, documents }: Repetition,
): Promise<Completed> {
  const { outcome: handoff } = done;
  const differs = handoff == null ? 'outcome' : differenceOf(report, handoff);
  if (handoff == null || done.agent !== context.agent || differs !== undefined) {
    throw alreadyCompleted(step, context.agent, done, differs);
  }
  await afterwards(context, settle(context, step, done, documents));
  return { claim: done, handoff, isRepeated: true, wasUnclaimed: false };
}

/**
 * How a report differs from what was handed over; `undefined`: not at all, or the report is empty.
 */
function differenceOf(report: Report, handoff: HandoffDocument): string | undefined {
  const { outcome, note, nextAgent, nextAction, artifacts } = report;
  const isBare = [note, nextAgent, nextAction, artifacts].every((one) => one === undefined);
  if (outcome !== handoff.state) return 'outcome';
  if (isBare) return undefined;
  if ((note ?? null) !== handoff.note) return 'note';
  if ((nextAgent ?? null) !== handoff.next_agent) return 'next agent';
  if ((nextAction ?? null) !== handoff.next_action) return 'next action';
  const pins = (all: readonly ArtifactPin[] = []): string =>
    JSON.stringify(all.map(({ name, sha256, size }) => [name, sha256, size]));
  return pins(artifacts) === pins(handoff.artifacts) ? undefined : 'artifacts';
}

async function isReplaced(
  context: CoordinationContext,
  step: string,
  claim: HeldClaim,
  present: ReadClaim | undefined,
): Promise<boolean> {
  try {
    const { written } = await writeClaim(context, step, claim, present);
    if (written) return true;
    // The answer may be for our own write, sent twice on the way.
    const now = await readClaim(context, step);
    const isOurs = now?.document.nonce === claim.nonce && now.document.state === claim.state;
    return isOurs && isSaid(now.document, claim);
  } catch (error) {
    throw unknownOutcome(error, `step ${step} was ended`);
  }
}

function isSaid(stored: ClaimDocument, claim: ClaimDocument): boolean {
  const said = ({ outcome, released_at }: ClaimDocument): string =>
    JSON.stringify([outcome?.created_at, outcome?.note, outcome?.message_id, released_at ?? null]);
  return said(stored) === said(claim);
}

/** A claim that has ended needs no renewal. */
async function close(
  holders: HolderFiles,
  step: string,
  nonces: ReadonlySet<string>,
): Promise<void> {
  for (const file of await holders.of(step)) {
    if (nonces.has(file.claim.nonce)) await holders.keep({ ...file, isOver: true });
  }
}

/** The Python tool's claims have none; ours must differ from what anybody else writes. */
function withNonce(claim: ClaimDocument): HeldClaim {
  return { ...claim, nonce: claim.nonce ?? newNonce() };
}

async function newClaim(
  { agent, sessionId, host, bucket }: CoordinationContext,
  epoch: number,
): Promise<HeldClaim> {
  return {
    agent,
    session_id: sessionId ?? null,
    host,
    nonce: newNonce(),
    epoch,
    claimed_at: (await bucket.now()).toISOString(),
    ttl_s: null,
    renewals: 0,
  };
}

/** A new nonce and epoch tell the former holder that the claim is no longer theirs. */
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
    renewals: 0,
  };
}

interface HandoffMoment {
  readonly at: string;
  readonly messageId: string;
}

function handoffOf(
  agent: string,
  step: string,
  report: Report,
  { at, epoch, messageId }: HandoffMoment & { readonly epoch: number },
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
