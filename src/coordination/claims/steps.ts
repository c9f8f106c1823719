import type { ObjectEntry } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import { NotAllowedError, TracecraftError } from '../../errors.js';
import {
  type ClaimDocument,
  type HandoffDocument,
  handoffSchema,
  type StatusDocument,
  type StepStatus,
} from '../../protocol/coordination.js';
import { DocumentError, parseDocument } from '../../protocol/documents.js';
import { isName, stepId } from '../../protocol/names.js';
import { type Dated, isExpired } from '../agents/liveness.js';
import {
  type ClaimPlace,
  getBounded,
  isArbitrated,
  parseStatus,
  type ReadClaim,
  readClaim,
  type StorePlace,
} from './document.js';
import { readFolded } from './fold.js';
import { endedAt, handoffIn, statusOf } from './follow-ups.js';
import { isAhead, isForeignEnding, type SeenStatus, settle } from './settle.js';

/**
 * A step as shown to everyone: from its claim, and from `status.json` where the Python tool recorded
 * more than the claim says.
 */
export interface StepView {
  readonly step: string;
  readonly status: StepStatus;
  /** Its holder, or its last one. */
  readonly agent: string | null;
  readonly session_id: string | null;
  readonly epoch: number;
  readonly claimed_at: string | null;
  readonly completed_at: string | null;
  readonly ttl_s: number | null;
  /** By the store's clock; `null` if nobody holds it. */
  readonly last_sign_of_life: string | null;
  /** The holder has been silent for its TTL: the next `claim` takes the step over. */
  readonly expired: boolean;
  /** Its holder's closing note. */
  readonly note: string | null;
}

export interface StepScene {
  readonly claim: Dated<ClaimDocument> | undefined;
  readonly status: StatusDocument | undefined;
  /** The store's. */
  readonly now: Date;
}

function viewStep(step: string, { claim, status, now }: StepScene): StepView {
  if (claim === undefined) return viewStatus(step, status);
  const { document } = claim;
  const shown = shownStatus(document, status);
  const isHeld = shown.status === 'in_progress';
  return {
    step,
    status: shown.status,
    agent: document.agent,
    session_id: document.session_id,
    epoch: document.epoch,
    claimed_at: document.claimed_at,
    completed_at: endedAt(document) ?? shown.completed_at ?? null,
    ttl_s: document.ttl_s,
    last_sign_of_life: isHeld ? claim.modifiedAt.toISOString() : null,
    expired: isHeld && isExpired(claim, now),
    note: document.outcome?.note ?? null,
  };
}

/** The claim is the truth, but the Python tool's claim does not say how far the step is. */
function shownStatus(claim: ClaimDocument, status: StatusDocument | undefined): StatusDocument {
  if (claim.state !== undefined || status === undefined) return statusOf(claim);
  return status.status === 'pending' ? { ...status, status: 'in_progress' } : status;
}

function viewStatus(step: string, status: StatusDocument | undefined): StepView {
  return {
    step,
    status: status?.status ?? 'pending',
    agent: status?.agent ?? null,
    session_id: null,
    epoch: status?.epoch ?? 0,
    claimed_at: status?.started_at ?? null,
    completed_at: status?.completed_at ?? null,
    ttl_s: null,
    last_sign_of_life: null,
    expired: false,
    note: null,
  };
}

/**
 * `undefined` if nobody ever touched it. Also writes whatever its last holder did not get to write.
 */
export async function readStep(place: ClaimPlace, name: string): Promise<StepView | undefined> {
  const step = stepId(name);
  const { claim, status, stored } = await readCurrent(place, step);
  if (claim === undefined && stored === undefined) return undefined;
  return viewStep(step, { claim, status, now: await place.bucket.now() });
}

/**
 * Folded and settled where possible: not without write access, nor on a store that does not
 * arbitrate.
 */
async function readCurrent(place: ClaimPlace, step: string) {
  if (!isArbitrated(place)) return readAsIs(place, step);
  try {
    const documents = await readFolded(place, step);
    if (documents.claim !== undefined) {
      await tryToSettle(place, step, documents.claim.document, documents);
    }
    return documents;
  } catch (error) {
    if (!(error instanceof NotAllowedError)) throw error;
    return readAsIs(place, step);
  }
}

async function readAsIs(place: StorePlace, step: string) {
  const [claim, stored] = await Promise.all([
    readClaim(place, step),
    place.bucket.get(place.layout.status(step)),
  ]);
  return { claim, stored, status: parseStatus(place, step, stored) };
}

/**
 * The handoff for whoever is next: from the claim if it has one, otherwise from `handoff.json` as
 * an earlier holder or the Python tool left it. `undefined` if there is none.
 */
export async function readHandoff(
  place: ClaimPlace,
  name: string,
): Promise<HandoffDocument | undefined> {
  const step = stepId(name);
  const { bucket, layout } = place;
  const key = layout.handoff(step);
  const [{ claim }, stored] = await Promise.all([
    readCurrent(place, step),
    getBounded(bucket, key),
  ]);
  const handoff = claim === undefined ? undefined : handoffIn(claim.document);
  if (handoff !== undefined) return handoff;
  return stored === undefined ? undefined : parseDocument(handoffSchema, key, stored.body);
}

export interface ListedSteps {
  readonly steps: readonly StepView[];
  /** Claims that could not be read, and why not, by step. */
  readonly skipped: ReadonlyMap<string, DocumentError>;
}

/** All steps, ordered by name: one listing, and one read per claim. */
export async function listSteps(place: ClaimPlace): Promise<ListedSteps> {
  const leaves = await stepLeaves(place);
  const skipped = new Map<string, DocumentError>();
  const read = await inParallel([...leaves], async ([step, has]) => {
    try {
      return await readListed(place, step, has);
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      skipped.set(step, error);
      return undefined;
    }
  });
  const now = await place.bucket.now();
  const steps = read.flatMap((one) =>
    one === undefined ? [] : [viewStep(one.step, { ...one, now })],
  );
  return { steps, skipped };
}

interface FoundStep {
  readonly step: string;
  readonly claim: ReadClaim | undefined;
  readonly status: StatusDocument | undefined;
}

async function readListed(
  place: ClaimPlace,
  step: string,
  leaves: Leaves,
): Promise<FoundStep | undefined> {
  const claim = await readListedClaim(place, step, leaves);
  const isDone = claim?.document.state === 'done';
  if (isDone && isStatusNewer(leaves)) return { step, claim, status: undefined };
  if (!leaves.has('status.json') && !isDone) {
    return claim === undefined ? undefined : { step, claim, status: undefined };
  }
  const { bucket, layout } = place;
  const stored = leaves.has('status.json')
    ? await getBounded(bucket, layout.status(step))
    : undefined;
  const status = parseStatus(place, step, stored);
  const isStale = isAhead(status, claim?.document);
  if ((isForeignEnding(status) && !isDone) || isStale)
    return { step, ...(await readCurrent(place, step)) };
  if (claim !== undefined && isArbitrated(place)) await tryToSettle(place, step, claim.document);
  return { step, claim, status };
}

async function readListedClaim(
  place: StorePlace,
  step: string,
  leaves: Leaves,
): Promise<ReadClaim | undefined> {
  const size = leaves.get('claim.json')?.size;
  return size === undefined ? undefined : readClaim(place, step, size);
}

/**
 * Writes what holders that were stopped did not get to write: one listing, and one read per claim
 * whose `status.json` does not match it. `seen` saves repeated callers from rereading claims that
 * had nothing missing. Returns whether anything may have been written: for steps in order, nothing was.
 */
export async function settleAll(
  place: StorePlace,
  seen: Map<string, number> = new Map(),
): Promise<boolean> {
  const behind = [...(await stepLeaves(place))].filter(([step, leaves]) => {
    const claim = leaves.get('claim.json');
    if (claim === undefined || isStatusNewer(leaves)) return false;
    return seen.get(step) !== claim.modifiedAt.getTime();
  });
  await inParallel(behind, async ([step, leaves]) => {
    const claim = await readListedClaim(place, step, leaves).catch(unreadable);
    if (claim === undefined) return;
    if (!(await tryToSettle(place, step, claim.document))) return;
    seen.set(step, claim.modifiedAt.getTime());
  });
  return behind.length > 0;
}

/** Listings report unreadable claims. */
function unreadable(error: unknown): undefined {
  if (error instanceof DocumentError) return undefined;
  throw error;
}

/** Best effort for readers: if it fails, the next reader tries again. */
async function tryToSettle(
  place: StorePlace,
  step: string,
  claim: ClaimDocument,
  seen?: SeenStatus,
): Promise<boolean> {
  try {
    await settle(place, step, claim, seen);
    return true;
  } catch (error) {
    if (error instanceof TracecraftError) return false;
    throw error;
  }
}

/** The names of a step's documents, with their listing entries. */
type Leaves = ReadonlyMap<string, ObjectEntry>;

/** S3 times have whole seconds, so within one second the order is unknown. */
function isStatusNewer(leaves: Leaves): boolean {
  const claim = leaves.get('claim.json');
  const status = leaves.get('status.json');
  return claim !== undefined && status !== undefined && status.modifiedAt > claim.modifiedAt;
}

/** Which documents each step has; anything else below `steps/` is not ours. */
async function stepLeaves({ bucket, layout }: StorePlace): Promise<ReadonlyMap<string, Leaves>> {
  const steps = new Map<string, Map<string, ObjectEntry>>();
  for await (const entry of bucket.list(layout.steps())) {
    if (entry.kind !== 'object') continue;
    const [step = '', leaf = '', ...deeper] = entry.key.slice(layout.steps().length).split('/');
    if (deeper.length > 0 || !isName(step) || stepId(step) !== step) continue;
    const leaves = steps.get(step) ?? new Map<string, ObjectEntry>();
    steps.set(step, leaves.set(leaf, entry));
  }
  return steps;
}
