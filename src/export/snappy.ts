/**
 * Snappy, as Parquet's readers take it (format: google/snappy, format_description.txt). The library's own version writes
 * byte by byte into a buffer that it grows, and takes twice as long.
 */
export class SnappyCompressor {
  readonly #table = new Uint16Array(1 << hashBits);
  #out = new Uint8Array(0);
  #view = new DataView(this.#out.buffer);
  #at = 0;

  /** The result is valid until the next call. */
  compress(input: Uint8Array): Uint8Array {
    const most = 32 + input.length + Math.ceil(input.length / 6);
    if (this.#out.length < most) {
      this.#out = new Uint8Array(most);
      this.#view = new DataView(this.#out.buffer);
    }
    this.#at = 0;
    this.#length(input.length);
    const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    for (let start = 0; start < input.length; start += blockBytes) {
      this.#block(view, start, Math.min(input.length, start + blockBytes));
    }
    return this.#out.subarray(0, this.#at);
  }

  #length(length: number): void {
    let rest = length;
    for (; rest > 0x7f; rest >>>= 7) this.#byte((rest & 0x7f) | 0x80);
    this.#byte(rest);
  }

  #block(view: DataView, start: number, end: number): void {
    const table = this.#table.fill(0);
    const last = end - margin;
    let literal = start;
    let at = start + 1;
    let misses = 0;
    while (at <= last) {
      const word = view.getInt32(at, true);
      const hash = Math.imul(word, multiplier) >>> hashShift;
      const candidate = start + (table[hash] ?? 0);
      table[hash] = at - start;
      if (view.getInt32(candidate, true) !== word) {
        // What does not compress is passed over in ever longer steps.
        at += 1 + (misses >>> 5);
        misses += 1;
        continue;
      }
      misses = 0;
      this.#literal(view, literal, at);
      const next = matchEnd(view, candidate + 4, at + 4, end);
      this.#copy(at - candidate, next - at);
      literal = next;
      if (next <= last) {
        const before = Math.imul(view.getInt32(next - 1, true), multiplier) >>> hashShift;
        table[before] = next - 1 - start;
      }
      at = next;
    }
    this.#literal(view, literal, end);
  }

  #literal(view: DataView, start: number, end: number): void {
    const length = end - start;
    if (length === 0) return;
    const value = length - 1;
    if (value < 60) this.#byte(value << 2);
    else if (value < 0x100) this.#tagged(60 << 2, value);
    else {
      this.#byte(61 << 2);
      this.#view.setUint16(this.#at, value, true);
      this.#at += 2;
    }
    let from = start;
    for (; from + 4 <= end; from += 4) {
      this.#view.setInt32(this.#at, view.getInt32(from, true), true);
      this.#at += 4;
    }
    for (; from < end; from += 1) this.#byte(view.getUint8(from));
  }

  #copy(offset: number, length: number): void {
    let left = length;
    // No piece may be shorter than 4 bytes.
    for (; left >= 68; left -= 64) this.#longCopy(offset, 64);
    if (left > 64) {
      this.#longCopy(offset, 60);
      left -= 60;
    }
    if (left >= 12 || offset >= 2_048) this.#longCopy(offset, left);
    else this.#tagged(1 | ((left - 4) << 2) | ((offset >>> 8) << 5), offset & 0xff);
  }

  #longCopy(offset: number, length: number): void {
    this.#byte(2 | ((length - 1) << 2));
    this.#view.setUint16(this.#at, offset, true);
    this.#at += 2;
  }

  #tagged(tag: number, value: number): void {
    this.#byte(tag);
    this.#byte(value);
  }

  #byte(value: number): void {
    this.#out[this.#at] = value;
    this.#at += 1;
  }
}

/** Offsets of copies have two bytes. */
const blockBytes = 65_536;
const hashBits = 14;
const hashShift = 32 - hashBits;
const multiplier = 0x1e35a7bd;
/** So near its end nothing is looked up. */
const margin = 15;

/** Where two stretches that agree up to `left` and `right` stop doing so. */
function matchEnd(view: DataView, left: number, right: number, end: number): number {
  let [one, other] = [left, right];
  for (; other + 4 <= end; one += 4, other += 4) {
    const difference = view.getInt32(one, true) ^ view.getInt32(other, true);
    // The lowest byte that differs.
    if (difference !== 0) return other + ((31 - Math.clz32(difference & -difference)) >>> 3);
  }
  while (other < end && view.getUint8(one) === view.getUint8(other)) {
    one += 1;
    other += 1;
  }
  return other;
}
