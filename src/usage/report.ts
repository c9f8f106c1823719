import { head, headColumns, slot, slotColumns } from '../mirror/index/page-columns.js';
import type { SlotModel } from '../mirror/index/usage-page.js';
import type { PlacedPage, UsageTable } from '../mirror/index/usage-table.js';
import { mapUsage, quarterMs, type Usage, usageCounters } from '../protocol/usage.js';
import { type Copies, copiesIn } from './copies.js';
import type { Period, Periods } from './periods.js';
import { costOf, type Prices, type Rates } from './prices.js';

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
export function usageReport(table: UsageTable, request: ReportRequest): Report {
  const sums = new Sums(request, copiesIn(table));
  for (const page of table.pages) sums.add(page);
  return sums.report();
}

/** Numbers alone, because three machines have hundreds of thousands of slots in a year. */
class Sums {
  readonly #request: ReportRequest;
  readonly #copies: Copies;
  readonly #groups = new Map<string, RunningRow>();
  /** By quarter of an hour since the epoch, where rows are periods. */
  readonly #byQuarter = new Map<number, RunningRow>();
  readonly #unpriced = new Set<string>();
  #coarse = 0;
  #reported: number | undefined;
  #uncountedLines = 0;
  #uncertain = 0;

  constructor(request: ReportRequest, copies: Copies) {
    this.#request = request;
    this.#copies = copies;
  }

  add(page: PlacedPage): void {
    const copied = this.#copies.get(page);
    const models = page.models.map((one) => new PricedModel(one, this.#request.prices));
    const { kept, firstSlots } = page;
    for (let row = 0; row < kept.length; row += 1) {
      if (kept[row] !== 1) continue;
      this.#addHead(page, row);
      const group = this.#groupOfRow(page, row);
      for (let at = firstSlots[row] ?? 0; at < (firstSlots[row + 1] ?? 0); at += 1) {
        if (copied?.has(at) !== true) this.#addSlot(page, at, models, group);
      }
    }
  }

  report(): Report {
    const rows = [...this.#groups.values()].filter(({ isEmpty }) => !isEmpty);
    return {
      rows: rows.map((row) => row.row()).sort(orderOf(this.#request.by)),
      total: totalOf(rows),
      unpriced: [...this.#unpriced].sort(),
      reported: this.#reported,
      uncountedLines: this.#uncountedLines,
      uncertain: this.#uncertain,
      coarse: this.#coarse,
    };
  }

  #addHead({ heads }: PlacedPage, row: number): void {
    const at = row * headColumns;
    const reported = heads[at + head.reported] ?? 0;
    if (reported > 0) this.#reported = (this.#reported ?? 0) + reported;
    this.#uncountedLines += heads[at + head.uncounted] || 0;
    this.#uncertain += heads[at + head.isUncertain] ?? 0;
  }

  #addSlot(
    { sinceMs, slots }: PlacedPage,
    at: number,
    models: readonly PricedModel[],
    groupOfRow: RunningRow | undefined,
  ): void {
    const from = at * slotColumns;
    const startMs = sinceMs + (slots[from + slot.quarter] ?? 0) * quarterMs;
    const { sinceMs: begin, untilMs: end } = this.#request;
    const model = models[slots[from + slot.model] ?? 0];
    if (startMs < begin || startMs >= end || model === undefined) return;
    const counters = from + slot.counters;
    const rates = model.ratesAt(startMs);
    if (rates === undefined) this.#unpriced.add(model.name);
    if (model.isCoarse) this.#coarse += slots[counters] ?? 0;
    const price = rates === undefined ? undefined : costOf(slots, counters, rates);
    const group = groupOfRow ?? this.#groupOfSlot(model, startMs);
    group.add(slots, counters, price);
  }

  /** `undefined` where it depends on the slot. */
  #groupOfRow({ heads, ...page }: PlacedPage, row: number): RunningRow | undefined {
    const at = row * headColumns;
    switch (this.#request.by) {
      case 'harness':
        return this.#group(page.harnesses[heads[at + head.harness] ?? 0]);
      case 'agent':
        return this.#group(page.agents[heads[at + head.agent] ?? 0]);
      case 'host':
        return this.#group(page.hosts[heads[at + head.host] ?? 0]);
      case 'project':
        return this.#group(page.folders[heads[at + head.folder] ?? 0]);
      case 'session':
        return this.#group(page.ids[row]);
      default:
        return undefined;
    }
  }

  #groupOfSlot({ name, span, isCoarse }: PricedModel, startMs: number): RunningRow {
    const { by, periods } = this.#request;
    if (by !== 'day' && by !== 'week' && by !== 'month') return this.#group(name);
    if (isCoarse) return this.#group(periods.of({ startMs, span }, by));
    const known = this.#byQuarter.get(startMs / quarterMs);
    if (known !== undefined) return known;
    const group = this.#group(periods.of({ startMs, span }, by));
    this.#byQuarter.set(startMs / quarterMs, group);
    return group;
  }

  #group(name: string | null | undefined): RunningRow {
    const key = name ?? '(unknown)';
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = new RunningRow(key);
    this.#groups.set(key, group);
    return group;
  }
}

/** A model of a page with its price, which is looked up once unless it depends on the time. */
class PricedModel {
  readonly name: string;
  readonly span: SlotModel['span'];
  /** Its calls are only known by day or month. */
  readonly isCoarse: boolean;
  readonly ratesAt: (startMs: number) => Rates | undefined;

  constructor({ model, longerThan, span }: SlotModel, prices: Prices) {
    this.name = model;
    this.span = span;
    this.isCoarse = span === 'day' || span === 'month';
    this.ratesAt = prices.ratesOf(model, longerThan);
  }
}

function totalOf(rows: readonly RunningRow[]): ReportRow {
  const total = new RunningRow('total');
  for (const row of rows) row.addTo(total);
  return total.row();
}

class RunningRow {
  readonly #group: string;
  readonly #sums = new Float64Array(usageCounters.length);
  #listPrice: number | undefined;

  constructor(group: string) {
    this.#group = group;
  }

  get isEmpty(): boolean {
    return this.#sums.every((one) => one === 0);
  }

  /** The counters of a slot, which stand in `numbers` from there on. */
  add(numbers: Int32Array | Float64Array, from: number, price: number | undefined): void {
    const sums = this.#sums;
    for (let at = 0; at < sums.length; at += 1)
      sums[at] = (sums[at] ?? 0) + (numbers[from + at] ?? 0);
    if (price !== undefined) this.#listPrice = (this.#listPrice ?? 0) + price;
  }

  addTo(other: RunningRow): void {
    other.add(this.#sums, 0, this.#listPrice);
  }

  row(): ReportRow {
    const usage = mapUsage((counter) =>
      Math.min(this.#sums[usageCounters.indexOf(counter)] ?? 0, Number.MAX_SAFE_INTEGER),
    );
    return { group: this.#group, usage, listPrice: this.#listPrice };
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
