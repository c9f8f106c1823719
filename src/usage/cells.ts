import { slot, slotColumns } from '../mirror/index/page-columns.js';
import type { Numbers } from '../mirror/index/page-rows.js';
import { usageCounters } from '../protocol/usage.js';

// Of this module: those of another are asked for through a function each time, until V8 has compiled the loops.
const counters = usageCounters.length;
const columns = slotColumns;
const { counters: firstCounter } = slot;

/** Sums by group and price. */
export class Cells {
  #sums = new Float64Array(1_024 * counters);
  /** By price, then by group; 0 for none. */
  readonly #numbers: Int32Array[] = [];
  readonly #places: { readonly group: number; readonly priced: number }[] = [];

  /** Of each cell. */
  get places(): readonly { readonly group: number; readonly priced: number }[] {
    return this.#places;
  }

  /** The counters of cell after cell. */
  get sums(): Float64Array {
    return this.#sums;
  }

  of(group: number, priced: number): number {
    const known = this.#numbers[priced]?.[group] ?? 0;
    return known === 0 ? this.#add(group, priced) : known - 1;
  }

  #add(group: number, priced: number): number {
    const byGroup = withRoom(this.#numbers[priced] ?? new Int32Array(512), group);
    this.#numbers[priced] = byGroup;
    const number = this.#places.push({ group, priced }) - 1;
    byGroup[group] = number + 1;
    if (this.#places.length * counters > this.#sums.length) {
      const more = new Float64Array(this.#sums.length * 2);
      more.set(this.#sums);
      this.#sums = more;
    }
    return number;
  }

  /** Adds the counters of each slot of a page to its cell; -1 for none. */
  add(cells: Int32Array, slots: Numbers): void {
    addColumns(this.#sums, cells, slots);
  }
}

function withRoom(numbers: Int32Array, at: number): Int32Array {
  if (at < numbers.length) return numbers;
  const more = new Int32Array(Math.max(at + 1, numbers.length * 2));
  more.set(numbers);
  return more;
}

/** Column by column: such a loop is compiled at once, and one over slots would make an object of every sum until then. */
function addColumns(sums: Float64Array, cells: Int32Array, slots: Numbers): void {
  for (let counter = 0; counter < counters; counter += 1) {
    for (let at = 0; at < cells.length; at += 1) {
      const cell = cells[at] ?? -1;
      if (cell === -1) continue;
      const to = cell * counters + counter;
      sums[to] = (sums[to] ?? 0) + (slots[at * columns + firstCounter + counter] ?? 0);
    }
  }
}
