import type { TimelineEntry } from './entry.js';

export interface EntrySelection {
  /** Nanoseconds since the epoch, inclusive. */
  readonly sinceNs?: bigint | undefined;
  /** Nanoseconds since the epoch, exclusive. */
  readonly untilNs?: bigint | undefined;
  readonly agent?: string | undefined;
  /** In the spelling of keys. */
  readonly step?: string | undefined;
  /** Only what was done in this session. */
  readonly sessionId?: string | undefined;
}

/** An agent's entries are those it caused and those addressed to it. */
export function isSelected(
  entry: Pick<TimelineEntry, 'timeNs' | 'agent' | 'to' | 'step' | 'sessionId'>,
  { sinceNs, untilNs, agent, step, sessionId }: EntrySelection,
): boolean {
  if (sinceNs !== undefined && entry.timeNs < sinceNs) return false;
  if (untilNs !== undefined && entry.timeNs >= untilNs) return false;
  if (sessionId !== undefined && entry.sessionId !== sessionId) return false;
  if (agent !== undefined && entry.agent !== agent && entry.to !== agent) return false;
  return step === undefined || entry.step === step;
}
