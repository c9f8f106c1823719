import { addUsage, noUsage, type Usage, type UsageSlot } from '../protocol/usage.js';
import type { Period, Periods } from './periods.js';
import type { Prices } from './prices.js';
import { type SessionUsage, withoutCopies } from './session-usage.js';

export const groupings = [
  'day',
  'week',
  'month',
  'model',
  'harness',
  'agent',
  'project',
  'host',
  'session',
] as const;
export type Grouping = (typeof groupings)[number];

export interface ReportRequest {
  readonly by: Grouping;
  /** Milliseconds since the epoch; slots that begin before, or not before `untilMs`, are left out. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly periods: Periods;
  readonly prices: Prices;
}

export interface ReportRow {
  readonly group: string;
  readonly usage: Usage;
  /** In USD, of the models that have a price; `undefined` if none has. */
  readonly listPrice: number | undefined;
}

export interface Report {
  readonly rows: readonly ReportRow[];
  readonly total: ReportRow;
  /** Models without a price: the totals are at least what they say. */
  readonly unpriced: readonly string[];
  /** What harnesses themselves say their sessions cost, in USD, whatever the period asked for. */
  readonly reported: number | undefined;
  readonly uncountedLines: number;
  /** Sessions some of whose calls may be copies of another session's. */
  readonly uncertain: number;
  /** Calls that are only known by day or month, because their session has too many. */
  readonly coarse: number;
}

/** Adds up what sessions used, each call once. */
export function usageReport(sessions: readonly SessionUsage[], request: ReportRequest): Report {
  const groups = new Map<string, ReportRow>();
  const unpriced = new Set<string>();
  let total = emptyRow('total');
  let coarse = 0;
  for (const session of withoutCopies(sessions)) {
    for (const slot of session.slots) {
      if (slot.startMs < request.sinceMs || slot.startMs >= request.untilMs) continue;
      const price = request.prices.of(slot);
      if (price === undefined) unpriced.add(slot.model);
      if (slot.span === 'day' || slot.span === 'month') coarse += slot.usage.calls;
      const group = groupOf(session, slot, request);
      groups.set(group, withSlot(groups.get(group) ?? emptyRow(group), slot, price));
      total = withSlot(total, slot, price);
    }
  }
  const told = sessions.flatMap(({ reportedUsd }) => reportedUsd ?? []);
  return {
    rows: [...groups.values()].sort(orderOf(request.by)),
    total,
    unpriced: [...unpriced].sort(),
    reported: told.length === 0 ? undefined : told.reduce((sum, usd) => sum + usd, 0),
    uncountedLines: sessions.reduce((sum, one) => sum + one.uncountedLines, 0),
    uncertain: sessions.filter(({ isUncertain }) => isUncertain).length,
    coarse,
  };
}

function emptyRow(group: string): ReportRow {
  return { group, usage: noUsage, listPrice: undefined };
}

function withSlot(row: ReportRow, { usage }: UsageSlot, price: number | undefined): ReportRow {
  const listPrice = price === undefined ? row.listPrice : (row.listPrice ?? 0) + price;
  return { ...row, usage: addUsage(row.usage, usage), listPrice };
}

const unknown = '(unknown)';

function groupOf(session: SessionUsage, slot: UsageSlot, { by, periods }: ReportRequest): string {
  switch (by) {
    case 'model':
      return slot.model;
    case 'harness':
      return session.harness;
    case 'agent':
      return session.agent ?? unknown;
    case 'host':
      return session.host ?? unknown;
    case 'project':
      return session.folder ?? unknown;
    case 'session':
      return session.session;
    default:
      return periods.of(slot, by);
  }
}

/** Periods in order of time; anything else, what costs most first. */
function orderOf(by: Grouping): (left: ReportRow, right: ReportRow) => number {
  const periods: readonly string[] = ['day', 'week', 'month'] satisfies Period[];
  const byName = (left: ReportRow, right: ReportRow) => (left.group < right.group ? -1 : 1);
  if (periods.includes(by)) return byName;
  return (left, right) =>
    (right.listPrice ?? -1) - (left.listPrice ?? -1) ||
    right.usage.output - left.usage.output ||
    byName(left, right);
}
