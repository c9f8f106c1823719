import { slotIn } from '../mirror/index/indexed-usage.js';
import type { UsedFields } from '../mirror/index/used-lines.js';
import type { UsageSlot } from '../protocol/usage.js';

/** What one session used, as its `meta.json` says. */
export interface SessionUsage {
  readonly harness: string;
  readonly session: string;
  readonly agent: string | undefined;
  readonly host: string | undefined;
  /** The folder it was started in. */
  readonly folder: string | undefined;
  /** ISO 8601 UTC; '' if unknown. */
  readonly startedAt: string;
  /** As the derived index has them. */
  readonly slots: readonly string[];
  /** What the harness says it cost, in USD. */
  readonly reportedUsd: number | undefined;
  /** Lines that were mirrored and not counted yet. */
  readonly uncountedLines: number;
  readonly isUncertain: boolean;
}

/** `undefined` if the document says nothing about tokens. */
export function sessionUsage(meta: UsedFields): SessionUsage | undefined {
  const { usage } = meta;
  if (usage === null) return undefined;
  return {
    harness: meta.harness,
    session: meta.session_id,
    agent: meta.agent_id ?? undefined,
    host: meta.host ?? undefined,
    folder: meta.cwd ?? undefined,
    startedAt: meta.started_at ?? '',
    slots: usage.slots,
    reportedUsd: usage.reported,
    uncountedLines: Math.max(0, meta.total_lines - usage.lines),
    isUncertain: usage.uncertain === true,
  };
}

/**
 * A session that was copied from another one without saying so has the very same slots: the same calls at the same
 * times, by their ids. They count once, for the session that began first. Slots are decoded one at a time, and only sessions
 * that may share some are put in order: a year of three machines has hundreds of thousands of slots.
 */
export function* countedOnce(
  sessions: readonly SessionUsage[],
): Generator<readonly [SessionUsage, UsageSlot]> {
  const repeated = repeatedPrints(sessions);
  const isRepeated = (text: string): boolean => repeated.has(printIn(text));
  const alike: SessionUsage[] = [];
  for (const session of sessions) {
    if (repeated.size > 0 && session.slots.some(isRepeated)) alike.push(session);
    else for (const [slot] of slotsOf(session)) yield [session, slot];
  }
  const seen = new Set<string>();
  for (const session of firstBegunFirst(alike)) {
    for (const [slot, text] of slotsOf(session)) {
      if (slot.print !== '' && isRepeated(text)) {
        const told = `${session.harness} ${text}`;
        if (seen.has(told)) continue;
        seen.add(told);
      }
      yield [session, slot];
    }
  }
}

function* slotsOf({ slots }: SessionUsage): Generator<readonly [UsageSlot, text: string]> {
  for (const text of slots) {
    const slot = slotIn(text);
    if (slot !== undefined) yield [slot, text];
  }
}

function firstBegunFirst(sessions: readonly SessionUsage[]): readonly SessionUsage[] {
  return sessions
    .map((session) => ({ session, order: `${session.startedAt} ${session.session}` }))
    .sort((left, right) => compare(left.order, right.order))
    .map(({ session }) => session);
}

/** Almost no slot has another one's print, so almost none needs to be compared in full. */
function repeatedPrints(sessions: readonly SessionUsage[]): ReadonlySet<number> {
  const once = new Set<number>();
  const repeated = new Set<number>();
  for (const { slots } of sessions) {
    for (const text of slots) {
      const print = printIn(text);
      if (once.has(print)) repeated.add(print);
      else once.add(print);
    }
  }
  return repeated;
}

/** A small number that equal prints have in common. */
function printIn(slot: string): number {
  let hash = 0x811c9dc5;
  for (let at = slot.length - 1; at >= 0; at -= 1) {
    const code = slot.charCodeAt(at);
    if (code === space) break;
    hash = Math.imul(hash ^ code, 0x01000193);
  }
  return hash >>> 2;
}

const space = 32;

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
