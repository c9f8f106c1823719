import { RunningUsage, type Usage, type UsageSlot } from '../protocol/usage.js';
import type { Period, Periods } from './periods.js';
import type { Prices } from './prices.js';
import { countedOnce, type SessionUsage } from './session-usage.js';

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
  const groups = new Map<string, RunningRow>();
  const unpriced = new Set<string>();
  const total = new RunningRow('total');
  let coarse = 0;
  for (const [session, slot] of countedOnce(sessions)) {
    if (slot.startMs < request.sinceMs || slot.startMs >= request.untilMs) continue;
    const price = request.prices.of(slot);
    if (price === undefined) unpriced.add(slot.model);
    if (slot.span === 'day' || slot.span === 'month') coarse += slot.usage.calls;
    const group = groupOf(session, slot, request);
    const row = groups.get(group) ?? new RunningRow(group);
    groups.set(group, row);
    row.add(slot, price);
    total.add(slot, price);
  }
  const told = sessions.flatMap(({ reportedUsd }) => reportedUsd ?? []);
  return {
    rows: [...groups.values()].map((row) => row.row()).sort(orderOf(request.by)),
    total: total.row(),
    unpriced: [...unpriced].sort(),
    reported: told.length === 0 ? undefined : told.reduce((sum, usd) => sum + usd, 0),
    uncountedLines: sessions.reduce((sum, one) => sum + one.uncountedLines, 0),
    uncertain: sessions.filter(({ isUncertain }) => isUncertain).length,
    coarse,
  };
}

/** Adds up in place: three machines have hundreds of thousands of slots in a year. */
class RunningRow {
  readonly #group: string;
  readonly #usage = new RunningUsage();
  #listPrice: number | undefined;

  constructor(group: string) {
    this.#group = group;
  }

  add({ usage }: UsageSlot, price: number | undefined): void {
    this.#usage.add(usage);
    if (price !== undefined) this.#listPrice = (this.#listPrice ?? 0) + price;
  }

  row(): ReportRow {
    return { group: this.#group, usage: this.#usage.total(), listPrice: this.#listPrice };
  }
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
