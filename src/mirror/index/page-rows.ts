import { headColumns, slotColumns } from './page-columns.js';

export type Numbers = Int32Array | Float64Array;

// Of this module: those of another are asked for through a function each time, until V8 has compiled the loops.
const columnsOfHead = headColumns;
const columnsOfSlot = slotColumns;
const quote = 34;
const comma = 44;
const minus = 45;
const zero = 48;
const open = 91;
const close = 93;
const newline = 10;
const otherNumber = /^-?\d{1,15}(?:\.\d{1,20})?(?:e[+-]\d{1,3})?$/;
const longestNumber = 50;
/** So many digits are a whole number that V8 counts with as such; were it ever larger, it would compile the loop anew. */
const smallDigits = 9;
/** More may not be exact. */
const mostDigits = 15;
const plainId = /^[ !#-[\]-~]+$/;

/** Rows of a page as columns, while they are read. */
export class PageRows {
  readonly ids: string[] = [];
  heads: Float64Array;
  /** Whole numbers below 2³¹ until one of them is larger. */
  slots: Numbers;
  readonly firstSlots: number[] = [0];
  #length = 0;

  /** About as many numbers as follow; there may be more. */
  constructor(rows: number, numbers: number) {
    this.heads = new Float64Array(rows * columnsOfHead);
    this.slots = new Int32Array(numbers);
  }

  /** Adds the row unless `isRow` refuses what was put. */
  end(id: string, numbers: number, isRow: IsRow): void {
    const from = this.#length - Math.max(0, numbers - columnsOfHead);
    const isWhole = numbers >= columnsOfHead && (numbers - columnsOfHead) % columnsOfSlot === 0;
    if (isWhole && isRow(from, this.#length)) {
      this.ids.push(id);
      this.firstSlots.push(this.#length / columnsOfSlot);
    } else this.#length = from;
  }

  /** The next number of the row, of which it is the `at`th. */
  put(at: number, value: number): void {
    if (at < columnsOfHead) {
      const to = this.ids.length * columnsOfHead + at;
      if (to >= this.heads.length) this.heads = grown(this.heads);
      this.heads[to] = value;
      return;
    }
    if ((value | 0) !== value && this.slots instanceof Int32Array) {
      this.slots = Float64Array.from(this.slots);
    }
    if (this.#length >= this.slots.length) this.slots = grown(this.slots);
    this.slots[this.#length] = value;
    this.#length += 1;
  }

  get slotNumbers(): Numbers {
    return this.slots.subarray(0, this.#length);
  }
}

function grown<Some extends Numbers>(numbers: Some): Some;
function grown(numbers: Numbers): Numbers {
  const size = numbers.length * 2 + 1_024;
  const more = numbers instanceof Int32Array ? new Int32Array(size) : new Float64Array(size);
  more.set(numbers);
  return more;
}

/** Whether the numbers that were put after the last row are one. */
export type IsRow = (slotsFrom: number, slotsTo: number) => boolean;

/**
 * Reads rows as `encodePage` writes them, without making an object or a text of any number: that would take longer than all the
 * rest of a report. Returns `false` at anything that is written in another way.
 */
export function scanRows(body: Buffer, start: number, rows: PageRows, isRow: IsRow): boolean {
  let at = start;
  while (body[at] === open && body[at + 1] === quote) {
    const end = body.indexOf(quote, at + 2);
    const id = body.toString('latin1', at + 2, end);
    if (end === -1 || body[end + 1] !== comma || !plainId.test(id)) return false;
    at = end + 2;
    let count = 0;
    for (let isMore = true; isMore; count += 1) {
      const from = at;
      const isNegative = body[at] === minus;
      if (isNegative) at += 1;
      const digits = at;
      let value = 0;
      let digit = (body[at] ?? 0) - zero;
      for (const most = at + smallDigits; at < most && digit >= 0 && digit <= 9; ) {
        value = value * 10 + digit;
        at += 1;
        digit = (body[at] ?? 0) - zero;
      }
      if (digit >= 0 && digit <= 9) {
        let [low, scale] = [0, 1];
        for (const most = at + smallDigits; at < most && digit >= 0 && digit <= 9; ) {
          low = low * 10 + digit;
          scale *= 10;
          at += 1;
          digit = (body[at] ?? 0) - zero;
        }
        value = value * scale + low;
      }
      if (at === digits || at - digits > mostDigits || (body[at] !== comma && body[at] !== close)) {
        while (at < body.length && body[at] !== comma && body[at] !== close) at += 1;
        const other = otherValue(body.toString('latin1', from, Math.min(at, from + longestNumber)));
        if (other === undefined) return false;
        value = other;
      } else if (isNegative) value = -value;
      rows.put(count, value);
      isMore = body[at] === comma;
      at += 1;
    }
    rows.end(id, count, isRow);
    if (body[at] === comma) at += 1;
    if (body[at] !== newline) return false;
    at += 1;
  }
  return body.toString('latin1', at) === ']}\n';
}

/** A fraction, or `NaN` where nothing is known. */
function otherValue(text: string): number | undefined {
  if (text === 'null') return Number.NaN;
  return otherNumber.test(text) ? Number(text) : undefined;
}
