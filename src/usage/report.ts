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
  /** By day since the epoch, where rows are periods. */
  readonly #groupOfDay = new Map<number, number>();
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
    this.#begin = Math.ceil(request.sinceMs / quarterMs);
    this.#end = Math.ceil(request.untilMs / quarterMs);
  }

  add(page: PlacedPage): void {
    const copied = this.#copies.get(page);
    const models = page.models.map((one) => this.#modelOf(one));
    const { kept, firstSlots, slots } = page;
    // A small whole number: V8 would make an object of every sum with a larger one.
    const since = Math.floor(page.sinceMs / quarterMs) | 0;
    const cells = new Int32Array(slots.length / slotColumns).fill(-1);
    for (let row = 0; row < kept.length; row += 1) {
      if (kept[row] !== 1) continue;
      this.#addHead(page, row);
      const group = this.#groupOfRow(page, row);
      for (let at = firstSlots[row] ?? 0; at < (firstSlots[row + 1] ?? 0); at += 1) {
        if (copied?.has(at) !== true) cells[at] = this.#cellOf(slots, at, since, models, group);
      }
    }
    this.#cells.add(cells, slots);
  }

  report(): Report {
    const rows = new Map<number, RunningRow>();
    const total = new RunningRow('total');
    for (const { group, priced, sums } of this.#cells.all()) {
      const row = rows.get(group) ?? new RunningRow(this.#groups.values[group] ?? '');
      rows.set(group, row);
      const rates = this.#rates[priced];
      const price = rates === undefined ? undefined : costOf(sums, 0, rates);
      row.add(sums, price);
      total.add(sums, price);
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

  #addHead({ heads }: PlacedPage, row: number): void {
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
    const from = at * slotColumns;
    const quarter = since + (slots[from + slot.quarter] ?? 0);
    const model = models[slots[from + slot.model] ?? 0];
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
    if (model.only !== -1) return model.only;
    const rates = model.rates.at(quarter * quarterMs);
    if (rates === undefined) this.#unpriced.add(model.name);
    const priced = model.numbers.get(rates) ?? this.#rates.push(rates) - 1;
    model.numbers.set(rates, priced);
    if (!model.rates.isDated) model.only = priced;
    return priced;
  }

  /** -1 where it depends on the slot. */
  #groupOfRow({ heads, ...page }: PlacedPage, row: number): number {
    const at = row * headColumns;
    switch (this.#request.by) {
      case 'harness':
        return this.#numberOf(page.harnesses[heads[at + head.harness] ?? 0]);
      case 'agent':
        return this.#numberOf(page.agents[heads[at + head.agent] ?? 0]);
      case 'host':
        return this.#numberOf(page.hosts[heads[at + head.host] ?? 0]);
      case 'project':
        return this.#numberOf(page.folders[heads[at + head.folder] ?? 0]);
      case 'session':
        return this.#numberOf(page.ids[row]);
      default:
        return -1;
    }
  }

  #numberOf(name: string | null | undefined): number {
    return this.#groups.of(name ?? '(unknown)');
  }

  #groupOfSlot({ name, isCoarse }: PricedModel, quarter: number): number {
    const { by, periods } = this.#request;
    if (by !== 'day' && by !== 'week' && by !== 'month') return this.#numberOf(name);
    const day = isCoarse ? periods.wholeDayOf(quarter) : periods.dayOf(quarter);
    const known = this.#groupOfDay.get(day);
    if (known !== undefined) return known;
    const group = this.#groups.of(periods.nameOf(day, by));
    this.#groupOfDay.set(day, group);
    return group;
  }
}

/** A model of a page, with its prices. */
class PricedModel {
  readonly name: string;
  /** Its calls are only known by day or month. */
  readonly isCoarse: boolean;
  readonly rates: DatedRates;
  /** Those of its prices that were asked for. */
  readonly numbers = new Map<Rates | undefined, number>();
  /** The number of its price, if that is the same at all times and was asked for already; else -1. */
  only = -1;

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

  add(sums: Float64Array, price: number | undefined): void {
    for (const [at, sum] of sums.entries()) this.#sums[at] = (this.#sums[at] ?? 0) + sum;
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
