import type { MetaDocument } from '../../protocol/documents.js';
import type { UsageSlot } from '../../protocol/usage.js';
import { decodeSlots } from '../../protocol/usage-slots.js';

/** What a session's calls to models took, as its `meta.json` says. */
export interface UsedRow {
  readonly harness: string;
  readonly session_id: string;
  readonly agent_id: string | null;
  readonly host: string | null;
  /** The folder it was started in. */
  readonly cwd: string | null;
  /** ISO 8601 UTC. */
  readonly started_at: string | null;
  readonly last_uploaded_at: string | null;
  /** `null` if nobody counted. */
  readonly used: Used | null;
}

export interface Used {
  readonly slots: readonly UsageSlot[];
  /** Lines of the main stream that were mirrored and not counted yet. */
  readonly uncountedLines: number;
  /** What the harness itself says it cost, in USD; 0 if it does not tell. */
  readonly reportedUsd: number;
  /** Some of its calls may be copies of another session's. */
  readonly isUncertain: boolean;
}

export function usedRow(document: MetaDocument): UsedRow {
  const { harness, session_id, agent_id, host, cwd, started_at, last_uploaded_at } = document;
  return {
    ...{ harness, session_id, agent_id, host, cwd },
    started_at: wholeMs(started_at),
    last_uploaded_at: wholeMs(last_uploaded_at),
    used: usedIn(document),
  };
}

function usedIn({ usage, total_lines }: MetaDocument): Used | null {
  if (usage === null) return null;
  const { slots, through, reported = {}, uncertain = false } = usage;
  return {
    slots: decodeSlots(slots),
    uncountedLines: Math.max(0, total_lines - (through[''] ?? 0)),
    reportedUsd: Object.values(reported).reduce((sum, usd) => sum + usd, 0),
    isUncertain: uncertain,
  };
}

/** Transcripts may tell microseconds, or another zone. */
function wholeMs(time: string | null): string | null {
  const ms = Date.parse(time ?? '');
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}
