import { slotIn } from '../mirror/index/indexed-usage.js';
import type { UsedFields } from '../mirror/index/lines.js';
import type { UsageSlot } from '../protocol/usage.js';

/** What one session used, as its `meta.json` says. */
export interface SessionUsage {
  readonly harness: string;
  readonly session: string;
  readonly agent: string | undefined;
  readonly host: string | undefined;
  /** The folder it was started in. */
  readonly folder: string | undefined;
  readonly title: string | undefined;
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
    title: meta.title ?? undefined,
    startedAt: meta.started_at ?? '',
    slots: usage.slots,
    reportedUsd: usage.reported,
    uncountedLines: Math.max(0, meta.total_lines - usage.lines),
    isUncertain: usage.uncertain === true,
  };
}

/**
 * A session that was copied from another one without saying so has the very same slots: the same calls at the same
 * times, by their ids. They count once, for the session that began first. Slots are decoded one at a time: a year of three
 * machines has hundreds of thousands of them.
 */
export function* countedOnce(
  sessions: readonly SessionUsage[],
): Generator<readonly [SessionUsage, UsageSlot]> {
  const repeated = repeatedPrints(sessions);
  const seen = new Set<string>();
  const inOrder = sessions
    .map((session) => ({ session, order: `${session.startedAt} ${session.session}` }))
    .sort((left, right) => compare(left.order, right.order));
  for (const { session } of inOrder) {
    for (const text of session.slots) {
      const slot = slotIn(text);
      if (slot === undefined) continue;
      if (slot.print !== '' && repeated.has(printIn(text))) {
        const told = `${session.harness} ${text}`;
        if (seen.has(told)) continue;
        seen.add(told);
      }
      yield [session, slot];
    }
  }
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

function printIn(slot: string): number {
  return Number.parseInt(slot.slice(slot.lastIndexOf(' ') + 1), 36);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
