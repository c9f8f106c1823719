import { inParallel } from '../../concurrency.js';
import {
  type ClaimDocument,
  type HandoffDocument,
  type HeartbeatDocument,
  handoffSchema,
  type StatusDocument,
  type StepStatus,
} from '../../protocol/coordination.js';
import { DocumentError, parseDocument } from '../../protocol/documents.js';
import { isName, stepId } from '../../protocol/names.js';
import { readHeartbeat } from '../agents/agents.js';
import { type Dated, isExpired, lastSeenAlive } from '../agents/liveness.js';
import { getBounded, parseStatus, type ReadClaim, readClaim, type StorePlace } from './document.js';
import { project, statusOf } from './projections.js';

/** A step as anybody sees it: from its claim, and from `status.json` where an older tool kept what the claim does not say. */
export interface StepView {
  readonly step: string;
  readonly status: StepStatus;
  /** Who holds it, or had it last. */
  readonly agent: string | null;
  readonly session_id: string | null;
  readonly epoch: number;
  readonly claimed_at: string | null;
  readonly completed_at: string | null;
  readonly ttl_s: number | null;
  /** By the store's clock; `null` where nobody holds it. */
  readonly last_sign_of_life: string | null;
  /** The holder was silent for its TTL: the next `claim` takes it over. */
  readonly expired: boolean;
  /** What its holder said at the end. */
  readonly note: string | null;
}

export interface StepScene {
  readonly claim: Dated<ClaimDocument> | undefined;
  readonly status: StatusDocument | undefined;
  readonly heartbeat: Dated<HeartbeatDocument> | undefined;
  /** The store's. */
  readonly now: Date;
}

export function viewStep(step: string, { claim, status, heartbeat, now }: StepScene): StepView {
  if (claim === undefined) return viewStatus(step, status);
  const { document } = claim;
  const shown = shownStatus(document, status);
  const isHeld = shown.status === 'in_progress';
  const lastSign = isHeld ? lastSeenAlive(claim, heartbeat) : undefined;
  return {
    step,
    status: shown.status,
    agent: document.agent,
    session_id: document.session_id,
    epoch: document.epoch,
    claimed_at: document.claimed_at,
    completed_at: shown.completed_at ?? null,
    ttl_s: document.ttl_s,
    last_sign_of_life: lastSign?.toISOString() ?? null,
    expired: lastSign !== undefined && isExpired(document, lastSign, now),
    note: document.outcome?.note ?? null,
  };
}

/** The claim is the truth, but the older tool's says nothing of how far the step is. */
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

/** `undefined` when nobody has ever touched it. A claim whose documents lag behind (a crash) catches them up. */
export async function readStep(place: StorePlace, name: string): Promise<StepView | undefined> {
  const step = stepId(name);
  const { bucket, layout } = place;
  const [claim, stored] = await Promise.all([
    readClaim(place, step),
    bucket.get(layout.status(step)),
  ]);
  if (claim === undefined && stored === undefined) return undefined;
  const status = parseStatus(place, step, stored);
  const heartbeat =
    claim === undefined ? undefined : await readHeartbeat(place, claim.document.agent);
  if (claim !== undefined) await catchUp(place, step, claim.document);
  return viewStep(step, { claim, status, heartbeat, now: await bucket.now() });
}

/** A courtesy to those who read `status.json` and `handoff.json` themselves: whoever may not write goes on without it. */
async function catchUp(place: StorePlace, step: string, claim: ClaimDocument): Promise<void> {
  if (claim.state === undefined) return;
  await project(place, step, claim).catch(() => undefined);
}

export interface ReadHandoff {
  readonly handoff: HandoffDocument;
  /** How often the step had been claimed by then. */
  readonly epoch: number;
}

/**
 * The record for whoever is next: from the claim, which has it first, else from `handoff.json` as an earlier holder or an older
 * tool left it. `undefined` when there is none.
 */
export async function readHandoff(
  place: StorePlace,
  name: string,
): Promise<HandoffDocument | undefined> {
  const step = stepId(name);
  const { bucket, layout } = place;
  const key = layout.handoff(step);
  const [claim, stored] = await Promise.all([readClaim(place, step), getBounded(bucket, key)]);
  if (claim?.document.state === 'done' && claim.document.outcome != null) {
    await catchUp(place, step, claim.document);
    return claim.document.outcome;
  }
  return stored === undefined ? undefined : parseDocument(handoffSchema, key, stored.body);
}

export interface ListedSteps {
  readonly steps: readonly StepView[];
  /** Claims that nobody can read. */
  readonly skipped: readonly DocumentError[];
}

/** All steps in the order of their names: one listing, one read of each claim, one of each holder's heartbeat. */
export async function listSteps(place: StorePlace): Promise<ListedSteps> {
  const leaves = await stepLeaves(place);
  const skipped: DocumentError[] = [];
  const read = await inParallel([...leaves], async ([step, has]) => {
    try {
      return await readListed(place, step, has);
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      skipped.push(error);
      return undefined;
    }
  });
  const found = read.filter((one) => one !== undefined);
  const holders = new Set(
    found.flatMap(({ claim }) => (claim === undefined ? [] : [claim.document.agent])),
  );
  const beats = await inParallel([...holders], async (agent) => ({
    agent,
    heartbeat: await readHeartbeat(place, agent),
  }));
  const heartbeatOf = new Map(beats.map(({ agent, heartbeat }) => [agent, heartbeat]));
  const now = await place.bucket.now();
  const steps = found.map(({ step, claim, status }) =>
    viewStep(step, { claim, status, now, heartbeat: heartbeatOf.get(claim?.document.agent ?? '') }),
  );
  return { steps, skipped };
}

interface FoundStep {
  readonly step: string;
  readonly claim: ReadClaim | undefined;
  readonly status: StatusDocument | undefined;
}

async function readListed(
  place: StorePlace,
  step: string,
  leaves: Leaves,
): Promise<FoundStep | undefined> {
  const { bucket, layout } = place;
  const size = leaves.get('claim.json');
  const claim = size === undefined ? undefined : await readClaim(place, step, size);
  const needsStatus = leaves.has('status.json') && claim?.document.state === undefined;
  const stored = needsStatus ? await getBounded(bucket, layout.status(step)) : undefined;
  if (claim === undefined && stored === undefined) return undefined;
  return { step, claim, status: parseStatus(place, step, stored) };
}

/** Names of a step's documents, and their sizes. */
type Leaves = ReadonlyMap<string, number>;

/** Which of its documents each step has; anything else below `steps/` is not ours. */
async function stepLeaves({ bucket, layout }: StorePlace): Promise<ReadonlyMap<string, Leaves>> {
  const steps = new Map<string, Map<string, number>>();
  for await (const entry of bucket.list(layout.steps())) {
    if (entry.kind !== 'object') continue;
    const [step = '', leaf = '', ...deeper] = entry.key.slice(layout.steps().length).split('/');
    if (deeper.length > 0 || !isName(step) || stepId(step) !== step) continue;
    const leaves = steps.get(step) ?? new Map<string, number>();
    steps.set(step, leaves.set(leaf, entry.size));
  }
  return steps;
}
