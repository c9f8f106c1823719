/** One thing that happened. */
export interface TimelineEntry {
  /** Of the object that records it: an event, or a state that has none. */
  readonly key: string;
  /** Nanoseconds since the epoch, by the store's clock. */
  readonly timeNs: bigint;
  /** `step.claimed` and the like; unknown types are kept as they are. */
  readonly type: string;
  /** `null` if nobody recorded it. */
  readonly agent: string | null;
  readonly step: string | null;
  readonly sessionId: string | null;
  /** The recipient of a message or a handoff. */
  readonly to: string | null;
  /** Its epoch, if it concerns a claim. */
  readonly epoch: number | null;
  /** A one-line description. */
  readonly text: string;
  /** There is no event for it: a crash, or a tool that writes none. */
  readonly isDerived: boolean;
  /** The same for an event as for the entry that would be inferred without it. */
  readonly identity: string;
}

/** A mirrored session started or ended; listed separately from the entries. */
export interface SessionMark {
  readonly type: 'session.started' | 'session.ended';
  readonly timeNs: bigint;
  readonly harness: string;
  readonly sessionId: string;
  readonly agent: string | null;
  readonly text: string;
}

const words: Readonly<Record<string, string>> = {
  'agent.registered': 'registered',
  'step.claimed': 'claimed',
  'step.claim_rejected': 'rejected',
  'step.taken_over': 'took over',
  'step.released': 'released',
  'step.completed': 'completed',
  'step.blocked': 'blocked',
  'step.needs_review': 'needs review',
  'step.approved': 'approved',
  'step.rejected': 'sent back',
  'step.planned': 'planned',
  'step.edited': 'replanned',
  'step.removed': 'unplanned',
  'memory.set': 'memory',
  'memory.deleted': 'forgot',
  'message.sent': 'message',
  'message.broadcast': 'broadcast',
  'artifact.uploaded': 'artifact',
  'session.started': 'started',
  'session.ended': 'ended',
  'session.removed': 'removed',
  'session.restored': 'restored',
  'secrets.redacted': 'redacted',
};

/** The one-word label of a mark. */
export function wordOf(type: string): string {
  return Object.hasOwn(words, type) ? (words[type] ?? type) : type;
}

/** ISO 8601 UTC, to the millisecond. */
export function timeOf(timeNs: bigint): string {
  return new Date(Number(timeNs / 1_000_000n)).toISOString();
}
