import type { ClaimDocument, HandoffDocument } from '../../protocol/coordination.js';
import type { Read, RunState, StepObjects, StoredMemory } from './bucket-state.js';
import type { TimelineEntry } from './entry.js';
import { artifactText, endingText, mailText, memoryText, versionText } from './event-text.js';
import type { Fact, KnownObjects } from './known-objects.js';
import { identityOf, nanoseconds } from './recorded.js';

const claimTypes = new Set(['step.claimed', 'step.taken_over']);
const endingTypes = new Set(['step.completed', 'step.blocked', 'step.needs_review']);

/** What the state shows although no event records it. */
export function inferEvents(state: RunState, known: KnownObjects): readonly TimelineEntry[] {
  return [
    ...agentsWithout(state, known),
    ...state.steps.flatMap((step) => [
      ...claimWithout(step, known),
      ...endingWithout(step, known),
      ...releaseWithout(step, known),
    ]),
    ...mailWithout(state, known),
    ...memoriesWithout(state, known),
    ...artifactsWithout(state, known),
  ];
}

function derived(
  entry: Pick<TimelineEntry, 'key' | 'type' | 'timeNs' | 'text' | 'identity'> &
    Partial<TimelineEntry>,
): TimelineEntry {
  return {
    agent: null,
    step: null,
    sessionId: null,
    to: null,
    epoch: null,
    ...entry,
    isDerived: true,
  };
}

function timeOfState(at: string | null | undefined, { modifiedAt }: { modifiedAt: Date }): bigint {
  return nanoseconds(at) ?? BigInt(modifiedAt.getTime()) * 1_000_000n;
}

function agentsWithout({ agents }: RunState, known: KnownObjects): TimelineEntry[] {
  return agents
    .filter(({ key }) => known.of(key).length === 0)
    .map((read) =>
      derived({
        key: read.key,
        type: 'agent.registered',
        timeNs: timeOfState(read.document.started_at, read),
        agent: read.agent,
        sessionId: read.document.session_id ?? null,
        text: '',
        identity: identityOf('agent.registered', { key: read.key, id: read.agent }),
      }),
    );
}

function claimWithout({ step, claim }: StepObjects, known: KnownObjects): TimelineEntry[] {
  if (claim === undefined) return [];
  const { agent, nonce, epoch, claimed_at, session_id } = claim.document;
  const claims = known.of(claim.key).filter(({ type }) => claimTypes.has(type));
  const isKnown = claims.some(
    (one) => (nonce !== null && one.ref?.nonce === nonce) || (one.epoch ?? 0) >= epoch,
  );
  if (isKnown || isForcedEnding(claim, claims)) return [];
  return [
    derived({
      key: claim.key,
      type: 'step.claimed',
      timeNs: timeOfState(claimed_at, claim),
      agent,
      step,
      sessionId: session_id,
      epoch,
      text: epoch > 1 ? `${step} (epoch ${epoch})` : step,
      identity: identityOf('step.claimed', { key: claim.key, nonce: nonce ?? undefined }),
    }),
  ];
}

const sameMomentNs = 60_000_000_000n;

/**
 * Ending someone else's claim by force creates an epoch without claiming: the claim still has the first holder's
 * time.
 */
function isForcedEnding(claim: Read<ClaimDocument>, claims: readonly Fact[]): boolean {
  const { state, epoch, claimed_at } = claim.document;
  const before = claims.find((one) => one.epoch === epoch - 1);
  const claimedNs = nanoseconds(claimed_at);
  if (state === 'held' || before === undefined || claimedNs === undefined) return false;
  const apart = before.timeNs - claimedNs;
  return apart > -sameMomentNs && apart < sameMomentNs;
}

const endings = {
  complete: 'step.completed',
  blocked: 'step.blocked',
  needs_review: 'step.needs_review',
} as const;

/**
 * From the claim, which has the handoff first; otherwise from the handoff; otherwise from the status, which may be
 * all the Python tool leaves.
 */
function endingWithout(
  { step, claim, status, handoff }: StepObjects,
  known: KnownObjects,
): TimelineEntry[] {
  const outcome = claim?.document.state === 'done' ? claim.document.outcome : undefined;
  const told: Read<HandoffDocument> | undefined =
    claim !== undefined && outcome != null ? { ...claim, document: outcome } : handoff;
  const state = told?.document.state ?? status?.document.status;
  const source = told ?? status;
  if (source === undefined || state === undefined) return [];
  if (state === 'pending' || state === 'in_progress') return [];
  const handoffKey = source.key.replace(/[^/]+$/, 'handoff.json');
  const epoch = told?.document.epoch ?? status?.document.epoch ?? 0;
  const isKnown = known
    .of(handoffKey)
    .some((one) => endingTypes.has(one.type) && (one.epoch === null || one.epoch >= epoch));
  if (isKnown) return [];
  const at = told?.document.created_at ?? status?.document.completed_at;
  const next = told?.document.next_agent ?? undefined;
  return [
    derived({
      key: source.key,
      type: endings[state],
      timeNs: timeOfState(at, source),
      agent: told?.document.from_agent ?? status?.document.agent ?? claim?.document.agent ?? null,
      step,
      to: next ?? null,
      epoch,
      text: endingText(step, next, told?.document.note ?? undefined),
      identity: identityOf(endings[state], {
        key: handoffKey,
        nonce: outcome == null ? undefined : (claim?.document.nonce ?? undefined),
      }),
    }),
  ];
}

function releaseWithout({ step, claim }: StepObjects, known: KnownObjects): TimelineEntry[] {
  // A rejection released it, and has an event of its own.
  if (claim?.document.state !== 'released' || claim.document.outcome?.review != null) return [];
  const { agent, nonce, epoch, session_id } = claim.document;
  const key = claim.key.replace(/[^/]+$/, 'status.json');
  const isKnown = [...known.of(key), ...known.of(claim.key)].some(
    (one) => one.type === 'step.released' && (one.epoch === null || one.epoch >= epoch),
  );
  if (isKnown) return [];
  return [
    derived({
      key: claim.key,
      type: 'step.released',
      timeNs: timeOfState(undefined, claim),
      agent,
      step,
      sessionId: session_id,
      epoch,
      text: step,
      identity: identityOf('step.released', { key, nonce: nonce ?? undefined }),
    }),
  ];
}

function mailWithout({ mail }: RunState, known: KnownObjects): TimelineEntry[] {
  return mail
    .filter(({ key }) => known.of(key).length === 0)
    .map(({ key, timeNs, from, to, document }) => {
      const type = to === null ? 'message.broadcast' : 'message.sent';
      return derived({
        key,
        type,
        timeNs,
        agent: from,
        step: document?.step ?? null,
        to,
        text: mailText(to ?? 'all', document?.message ?? ''),
        identity: identityOf(type, { key, id: /_([0-9a-f]{8})\.json$/.exec(key)?.[1] }),
      });
    });
}

/** The history holds every value memory ever had; a tool without one leaves only the current value. */
function memoriesWithout(state: RunState, known: KnownObjects): TimelineEntry[] {
  const versions = new Set(state.memoryHistory.map(({ name, document }) => thing(name, document)));
  const history = state.memoryHistory.map((read) => ({ read, timeNs: read.timeNs }));
  const present = state.memories
    .filter(({ name, document }) => !versions.has(thing(name, document)))
    .map((read) => ({ read, timeNs: timeOfState(read.document.set_at, read) }));
  const keyOf = new Map([
    ...state.memoryHistory.map(({ name, key }) => [name, presentKeyOf(name, key)] as const),
    ...state.memories.map(({ name, key }) => [name, dottedKeyOf(name, key)] as const),
  ]);
  return [...history, ...present]
    .filter(({ read }) => !isKnownMemory(read, keyOf.get(read.name), known))
    .map(({ read, timeNs }) => {
      const { value, version, deleted, set_by } = read.document;
      const type = deleted ? 'memory.deleted' : 'memory.set';
      const shown = version > 0 ? version : undefined;
      return derived({
        key: read.key,
        type,
        timeNs,
        agent: set_by,
        text: deleted ? read.name + versionText(shown) : memoryText(read.name, value, shown),
        identity: identityOf(type, { key: keyOf.get(read.name) ?? read.key, version }),
      });
    });
}

function isKnownMemory(
  { key, document }: StoredMemory,
  presentKey: string | undefined,
  known: KnownObjects,
): boolean {
  return [key, presentKey].some(
    (one) => one !== undefined && known.hasVersion(one, document.version),
  );
}

export function presentKeyOf(name: string, historyKey: string): string {
  return historyKey.replace(/memory\/_history\/.*$/, () => `memory/${name}.json`);
}

/** Next to its own object, a memory has a copy where the Python tool looks: `memory/design/contract.json`. */
function dottedKeyOf(name: string, key: string): string {
  const copy = `memory/${name.replaceAll('.', '/')}.json`;
  return key.endsWith(copy) ? `${key.slice(0, -copy.length)}memory/${name}.json` : key;
}

function thing(name: string, { version }: { readonly version: number }): string {
  return `${name} ${version}`;
}

function artifactsWithout({ artifacts }: RunState, known: KnownObjects): TimelineEntry[] {
  return artifacts
    .filter(({ key }) => known.of(key).length === 0)
    .map((stored) =>
      derived({
        key: stored.key,
        type: 'artifact.uploaded',
        timeNs: timeOfState(undefined, stored),
        step: stored.step === 'shared' ? null : stored.step,
        text: artifactText(stored.name, stored.size),
        identity: identityOf('artifact.uploaded', { key: stored.key }),
      }),
    );
}
