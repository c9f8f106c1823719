import { nextUnit, unitAt } from './escapes.js';

/** A text as its reader sees it, with its positions mapped back to the source. */
export interface PlainView {
  readonly bytes: Buffer;
  /** Where a span that begins at this view position begins in the source. */
  startOf(position: number): number;
  /** Where a span that ends before this view position ends in the source. */
  endOf(position: number): number;
}

/**
 * Replaces escapes and entities with the characters they represent, and drops invisible ones. A
 * unit with all its backslashes is one position of the view: a span of the view consists of whole
 * units of the source.
 */
export function plainView(source: Buffer): PlainView {
  const places = new Places(source.length);
  // No unit is shorter than the text it represents.
  const bytes = Buffer.allocUnsafe(source.length);
  let length = 0;
  let copied = 0;
  for (let at = nextUnit(source, 0); at < source.length; ) {
    const unit = unitAt(source, at);
    if (unit === undefined) {
      at = nextUnit(source, at + 1);
      continue;
    }
    length += source.copy(bytes, length, copied, unit.start);
    for (let index = 0; index < unit.text.length; index += 1) {
      bytes[length] = unit.text.charCodeAt(index);
      length += 1;
    }
    places.add(unit.start - copied, unit.text.length, unit.start, unit.end);
    copied = unit.end;
    at = nextUnit(source, unit.end);
  }
  length += source.copy(bytes, length, copied);
  return {
    bytes: bytes.subarray(0, length),
    startOf: (position) => places.startOf(position),
    endOf: (position) => places.endOf(position),
  };
}

/** Where the source's units end in the view, in order. */
class Places {
  readonly #ends: number[] = [0];
  /** Where a span ends in the source if it ends with the unit: before an invisible one. */
  readonly #closings: number[] = [0];
  readonly #sourceEnds: number[] = [0];
  readonly #sourceLength: number;
  #length = 0;

  constructor(sourceLength: number) {
    this.#sourceLength = sourceLength;
  }

  /** Adds `length` bytes, preceded by `before` bytes that are identical in both. */
  add(before: number, length: number, sourceStart: number, sourceEnd: number): void {
    this.#length += before + length;
    this.#ends.push(this.#length);
    this.#closings.push(length === 0 ? sourceStart : sourceEnd);
    this.#sourceEnds.push(sourceEnd);
  }

  /** After any invisible bytes before it. */
  startOf(position: number): number {
    const last = this.#lastEndingBefore(position + 1);
    return this.#after(last, position);
  }

  /** Before any invisible bytes after it. */
  endOf(position: number): number {
    const last = this.#lastEndingBefore(position);
    const isEndOfUnit = this.#ends[last + 1] === position;
    return isEndOfUnit ? (this.#closings[last + 1] ?? 0) : this.#after(last, position);
  }

  #after(unit: number, position: number): number {
    const source = (this.#sourceEnds[unit] ?? 0) + position - (this.#ends[unit] ?? 0);
    return Math.min(source, this.#sourceLength);
  }

  /** The last unit that ends before the position; the beginning counts as one. */
  #lastEndingBefore(position: number): number {
    let low = 0;
    let high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#ends[middle] ?? 0) < position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
