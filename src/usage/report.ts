import { Numbered } from '../mirror/index/numbered.js';
import { head, headColumns, slot, slotColumns } from '../mirror/index/page-columns.js';
import type { Numbers } from '../mirror/index/page-rows.js';
import type { SlotModel } from '../mirror/index/usage-page.js';
import type { PlacedPage, UsageTable } from '../mirror/index/usage-table.js';
import { mapUsage, quarterMs, type Usage, usageCounters } from '../protocol/usage.js';
import { Cells } from './cells.js';
import { type Copies, copiesIn } from './copies.js';
import type { Period, Periods } from './periods.js';
import { costOf, type DatedRates, type Prices, type Rates } from './prices.js';

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

// Of this module: those of another are asked for through a function each time, until V8 has compiled the loops.
const columns = slotColumns;
const { quarter: quarterColumn, model: modelColumn } = slot;

/** Adds up what sessions used, each call once. */
export function usageReport(table: UsageTable, request: ReportRequest): Report {
  const sums = new Sums(request, copiesIn(table));
  for (const page of table.pages) sums.add(page);
  return sums.report();
}

/**
 * Numbers alone, because three machines have hundreds of thousands of slots in a year. A cell has the sums of one group's calls
 * of one price, so prices are multiplied once, at the end.
 */
class Sums {
  readonly #request: ReportRequest;
  readonly #copies: Copies;
  readonly #begin: number;
  readonly #end: number;
  readonly #groups = new Numbered<string>();
  readonly #cells = new Cells();
  /** Where rows are periods: the group of the quarters of an hour from one on and before another. */
  #group = -1;
  #groupFrom = 0;
  #groupUntil = 0;
  readonly #models = new Map<string, PricedModel>();
  /** By number of the price; `undefined`: there is none. */
  readonly #rates: (Rates | undefined)[] = [];
  readonly #unpriced = new Set<string>();
  #coarse = 0;
  #reported: number | undefined;
  #uncountedLines = 0;
  #uncertain = 0;

  constructor(request: ReportRequest, copies: Copies) {
    this.#request = request;
    this.#copies = copies;
    this.#begin = quarterFrom(request.sinceMs);
    this.#end = quarterFrom(request.untilMs);
  }

  add(page: PlacedPage): void {
    const copied = this.#copies.get(page);
    const models = page.models.map((one) => this.#modelOf(one));
    const { kept, heads, firstSlots, slots } = page;
    // A small whole number: V8 would make an object of every sum with a larger one.
    const since = Math.floor(page.sinceMs / quarterMs) | 0;
    const cells = new Int32Array(slots.length / columns).fill(-1);
    const groups = this.#groupsIn(page);
    for (let row = 0; row < kept.length; row += 1) {
      if (kept[row] !== 1) continue;
      this.#addHead(heads, row);
      const group = groups === undefined ? -1 : groups(row);
      for (let at = firstSlots[row] ?? 0; at < (firstSlots[row + 1] ?? 0); at += 1) {
        if (copied?.has(at) !== true) cells[at] = this.#cellOf(slots, at, since, models, group);
      }
    }
    this.#cells.add(cells, slots);
  }

  report(): Report {
    const rows = new Map<number, RunningRow>();
    const total = new RunningRow('total');
    const { places, sums } = this.#cells;
    for (const [cell, { group, priced }] of places.entries()) {
      const row = rows.get(group) ?? new RunningRow(this.#groups.values[group] ?? '');
      rows.set(group, row);
      const rates = this.#rates[priced];
      const from = cell * usageCounters.length;
      const price = rates === undefined ? undefined : costOf(sums, from, rates);
      row.add(sums, from, price);
      total.add(sums, from, price);
    }
    return {
      rows: [...rows.values()].map((row) => row.row()).sort(orderOf(this.#request.by)),
      total: total.row(),
      unpriced: [...this.#unpriced].sort(),
      reported: this.#reported,
      uncountedLines: this.#uncountedLines,
      uncertain: this.#uncertain,
      coarse: this.#coarse,
    };
  }

  #addHead(heads: Float64Array, row: number): void {
    const at = row * headColumns;
    const reported = heads[at + head.reported] ?? 0;
    if (reported > 0) this.#reported = (this.#reported ?? 0) + reported;
    this.#uncountedLines += heads[at + head.uncounted] || 0;
    this.#uncertain += heads[at + head.isUncertain] ?? 0;
  }

  /** -1 for a slot that is not asked for. */
  #cellOf(
    slots: Numbers,
    at: number,
    since: number,
    models: readonly PricedModel[],
    groupOfRow: number,
  ): number {
    const from = at * columns;
    const quarter = since + (slots[from + quarterColumn] ?? 0);
    const model = models[slots[from + modelColumn] ?? 0];
    if (quarter < this.#begin || quarter >= this.#end || model === undefined) return -1;
    if (model.isCoarse) this.#coarse += slots[from + slot.counters] ?? 0;
    const group = groupOfRow === -1 ? this.#groupOfSlot(model, quarter) : groupOfRow;
    return this.#cells.of(group, this.#pricedAt(model, quarter));
  }

  #modelOf(one: SlotModel): PricedModel {
    const key = `${one.longerThan} ${one.span} ${one.model}`;
    const known = this.#models.get(key) ?? new PricedModel(one, this.#request.prices);
    this.#models.set(key, known);
    return known;
  }

  /** The number of the price. */
  #pricedAt(model: PricedModel, quarter: number): number {
    if (quarter >= model.from && quarter < model.until) return model.priced;
    const { rates, fromMs, untilMs } = model.rates(quarter * quarterMs);
    if (rates === undefined) this.#unpriced.add(model.name);
    model.priced = model.numbers.get(rates) ?? this.#rates.push(rates) - 1;
    model.numbers.set(rates, model.priced);
    model.from = quarterFrom(fromMs);
    model.until = quarterFrom(untilMs);
    return model.priced;
  }

  /** The group of a row; `undefined` where it depends on the slot. */
  #groupsIn(page: PlacedPage): ((row: number) => number) | undefined {
    const { by } = this.#request;
    if (by === 'session') return (row) => this.#numberOf(page.ids[row]);
    const named = namesBy(page, by);
    if (named === undefined) return undefined;
    const numbers = named.names.map((name) => this.#numberOf(name));
    return (row) => numbers[page.heads[row * headColumns + named.column] ?? 0] ?? -1;
  }

  #numberOf(name: string | null | undefined): number {
    return this.#groups.of(name ?? '(unknown)');
  }

  #groupOfSlot(model: PricedModel, quarter: number): number {
    const { by, periods } = this.#request;
    if (by !== 'day' && by !== 'week' && by !== 'month') {
      if (model.group === -1) model.group = this.#numberOf(model.name);
      return model.group;
    }
    if (model.isCoarse) return this.#groups.of(periods.nameOf(periods.wholeDayOf(quarter), by));
    if (quarter >= this.#groupFrom && quarter < this.#groupUntil) return this.#group;
    const { day, from, until } = periods.dayAround(quarter);
    this.#group = this.#groups.of(periods.nameOf(day, by));
    this.#groupFrom = from;
    this.#groupUntil = until;
    return this.#group;
  }
}

/** Names of a page, and the column that says which of them is a row's. */
function namesBy(
  page: PlacedPage,
  by: Grouping,
): { readonly names: readonly (string | null)[]; readonly column: number } | undefined {
  switch (by) {
    case 'harness':
      return { names: page.harnesses, column: head.harness };
    case 'agent':
      return { names: page.agents, column: head.agent };
    case 'host':
      return { names: page.hosts, column: head.host };
    case 'project':
      return { names: page.folders, column: head.folder };
    default:
      return undefined;
  }
}

/** The first quarter of an hour that does not begin before; a small whole number, as V8 compares quickly. */
function quarterFrom(ms: number): number {
  return Math.max(-farthestQuarter, Math.min(Math.ceil(ms / quarterMs), farthestQuarter));
}

const farthestQuarter = 2 ** 30;

/** A model of a page, with its prices. */
class PricedModel {
  readonly name: string;
  /** Its calls are only known by day or month. */
  readonly isCoarse: boolean;
  readonly rates: DatedRates;
  /** Those of its prices that were asked for. */
  readonly numbers = new Map<Rates | undefined, number>();
  /** The number of its price in the quarters of an hour from one on and before another. */
  priced = -1;
  from = 0;
  until = 0;
  /** The number of its group, where rows are models; -1 until then. */
  group = -1;

  constructor({ model, longerThan, span }: SlotModel, prices: Prices) {
    this.name = model;
    this.isCoarse = span === 'day' || span === 'month';
    this.rates = prices.ratesOf(model, longerThan);
  }
}

class RunningRow {
  readonly #group: string;
  readonly #sums = new Float64Array(usageCounters.length);
  #listPrice: number | undefined;

  constructor(group: string) {
    this.#group = group;
  }

  /** The counters that stand in `sums` from there on. */
  add(sums: Float64Array, from: number, price: number | undefined): void {
    for (let at = 0; at < this.#sums.length; at += 1) {
      this.#sums[at] = (this.#sums[at] ?? 0) + (sums[from + at] ?? 0);
    }
    if (price !== undefined) this.#listPrice = (this.#listPrice ?? 0) + price;
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
