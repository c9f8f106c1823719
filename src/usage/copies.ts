import { head, headColumns, slot, slotColumns } from '../mirror/index/page-columns.js';
import type { SlotModel } from '../mirror/index/usage-page.js';
import type { PlacedPage, UsageTable } from '../mirror/index/usage-table.js';
import { quarterMs } from '../protocol/usage.js';

/** Numbers of a page's slots that repeat calls which another session counts. */
export type Copies = ReadonlyMap<PlacedPage, ReadonlySet<number>>;

/** A row that counts: which of which page. */
interface Place {
  readonly page: PlacedPage;
  readonly row: number;
}

/**
 * A session that was copied from another one without saying so has the very same slots: the same calls at the same
 * times, by their ids. They count once, for the session that began first.
 */
export function copiesIn(table: UsageTable): Copies {
  const repeated = repeatedPrints(table);
  const copies = new Map<PlacedPage, Set<number>>();
  if (repeated.size === 0) return copies;
  const seen = new Set<string>();
  for (const { page, row } of firstBegunFirst(alike(table, repeated))) {
    for (let at = page.firstSlots[row] ?? 0; at < (page.firstSlots[row + 1] ?? 0); at += 1) {
      if (!repeated.has(printAt(page, at))) continue;
      const told = tellingOf(page, row, at);
      if (!seen.has(told)) seen.add(told);
      else copies.set(page, (copies.get(page) ?? new Set()).add(at));
    }
  }
  return copies;
}

/** Almost no slot has another one's print, so almost none needs to be compared in full. 0 is none. */
function repeatedPrints({ pages }: UsageTable): ReadonlySet<number> {
  const columns = slotColumns;
  const { print: printColumn } = slot;
  const prints = new Int32Array(pages.reduce((sum, { slots }) => sum + slots.length / columns, 0));
  let count = 0;
  for (const { kept, firstSlots, slots } of pages) {
    for (let row = 0; row < kept.length; row += 1) {
      if (kept[row] !== 1) continue;
      const end = (firstSlots[row + 1] ?? 0) * columns;
      for (let at = (firstSlots[row] ?? 0) * columns; at < end; at += columns) {
        prints[count] = slots[at + printColumn] ?? 0;
        count += 1;
      }
    }
  }
  const sorted = prints.subarray(0, count).sort();
  const repeated = new Set<number>();
  for (let at = 1; at < count; at += 1) {
    const print = sorted[at] ?? 0;
    if (print !== 0 && print === sorted[at - 1]) repeated.add(print);
  }
  return repeated;
}

function alike({ pages }: UsageTable, repeated: ReadonlySet<number>): readonly Place[] {
  const places: Place[] = [];
  for (const page of pages) {
    for (let row = 0; row < page.kept.length; row += 1) {
      if (page.kept[row] !== 1) continue;
      const end = page.firstSlots[row + 1] ?? 0;
      let at = page.firstSlots[row] ?? 0;
      while (at < end && !repeated.has(printAt(page, at))) at += 1;
      if (at < end) places.push({ page, row });
    }
  }
  return places;
}

function printAt({ slots }: PlacedPage, at: number): number {
  return slots[at * slotColumns + slot.print] ?? 0;
}

/** All that a slot says, and of which harness. */
function tellingOf(page: PlacedPage, row: number, at: number): string {
  const from = at * slotColumns;
  const numbers = page.slots.subarray(from + slot.counters, from + slotColumns);
  const startMs = page.sinceMs + (page.slots[from + slot.quarter] ?? 0) * quarterMs;
  const { model, longerThan, span }: Partial<SlotModel> =
    page.models[page.slots[from + slot.model] ?? 0] ?? {};
  const harness = page.harnesses[page.heads[row * headColumns + head.harness] ?? 0];
  return JSON.stringify([harness, startMs, model, longerThan, span, ...numbers]);
}

function firstBegunFirst(places: readonly Place[]): readonly Place[] {
  const begun = ({ page, row }: Place): number => {
    const at = page.heads[row * headColumns + head.startedAt] ?? Number.NaN;
    return Number.isNaN(at) ? Number.NEGATIVE_INFINITY : page.sinceMs + at;
  };
  const id = ({ page, row }: Place): string => page.ids[row] ?? '';
  return [...places].sort((left, right) => {
    const [one, other] = [begun(left), begun(right)];
    return one === other ? compare(id(left), id(right)) : one - other;
  });
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
