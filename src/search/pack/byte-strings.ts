/**
 * Short strings of bytes, each with a number, from 0. They lie one after the other in one array: a map of texts takes ten
 * times the memory, and a new text for each look-up.
 */
export class ByteStrings {
  #bytes = new Uint8Array(16 * 1024);
  #ends = new Uint32Array(1_024);
  #hashes = new Int32Array(1_024);
  /** A hash table: 0 where nothing is, else a number plus one. Never more than half of it is taken. */
  #slots = new Int32Array(4_096);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /**
   * The number of these bytes, which they get now if they are new. `hash` is theirs, as `hashOf` has it. Numbers, not an
   * object: this is the inner loop of packing.
   */
  numberOf(source: Uint8Array, from: number, to: number, hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = placeOf(hash) & mask;
    for (;;) {
      const known = (this.#slots[slot] ?? 0) - 1;
      if (known === -1) break;
      if (this.#hashes[known] === hash && this.#isEqual(known, source, from, to)) return known;
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.#count + 1;
    return this.#append(source.subarray(from, to), hash);
  }

  /** A view that is good until the next one is added. */
  at(number: number): Uint8Array {
    return this.#bytes.subarray(this.#startOf(number), this.#ends[number]);
  }

  /** Its bytes from one place on, as a number that sorts like them. */
  prefix(number: number, from: number, length: number): number {
    const start = this.#startOf(number) + from;
    const end = this.#ends[number] ?? 0;
    let value = 0;
    for (let at = start; at < start + length; at += 1) {
      value = 256 * value + (at < end ? (this.#bytes[at] ?? 0) : 0);
    }
    return value;
  }

  /** Negative if the bytes of the left one come first. */
  compare(left: number, right: number): number {
    const [start, otherStart] = [this.#startOf(left), this.#startOf(right)];
    const length = (this.#ends[left] ?? 0) - start;
    const otherLength = (this.#ends[right] ?? 0) - otherStart;
    const most = Math.min(length, otherLength);
    for (let at = 0; at < most; at += 1) {
      const difference = (this.#bytes[start + at] ?? 0) - (this.#bytes[otherStart + at] ?? 0);
      if (difference !== 0) return difference;
    }
    return length - otherLength;
  }

  /** Forgets all of them, and keeps their room. */
  clear(): void {
    this.#slots.fill(0);
    this.#count = 0;
  }

  #startOf(number: number): number {
    return number === 0 ? 0 : (this.#ends[number - 1] ?? 0);
  }

  #isEqual(number: number, source: Uint8Array, from: number, to: number): boolean {
    const start = this.#startOf(number);
    const length = to - from;
    if ((this.#ends[number] ?? 0) - start !== length) return false;
    for (let at = 0; at < length; at += 1) {
      if (this.#bytes[start + at] !== source[from + at]) return false;
    }
    return true;
  }

  #append(bytes: Uint8Array, hash: number): number {
    const number = this.#count;
    const start = this.#startOf(number);
    const end = start + bytes.length;
    while (end > this.#bytes.length) this.#bytes = grown(this.#bytes);
    this.#bytes.set(bytes, start);
    if (number === this.#ends.length) {
      this.#ends = grown(this.#ends);
      this.#hashes = grown(this.#hashes);
    }
    this.#ends[number] = end;
    this.#hashes[number] = hash;
    this.#count = number + 1;
    if (2 * this.#count > this.#slots.length) this.#widen();
    return number;
  }

  #widen(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#count; number += 1) {
      let slot = placeOf(this.#hashes[number] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}

export const hashSeed = 0x811c9dc5 | 0;

/** FNV-1a, a byte at a time: whoever looks at each byte anyway hashes on the way. */
export function hashed(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

export function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = hashSeed;
  for (let at = from; at < to; at += 1) hash = hashed(hash, bytes[at] ?? 0);
  return hash;
}

/** Its lowest bits alone differ too little. */
function placeOf(hash: number): number {
  return hash ^ (hash >>> 15);
}

/** The same numbers in an array of twice the size. */
export function grown<Numbers extends Uint8Array | Int32Array | Uint32Array>(
  numbers: Numbers,
): Numbers;
export function grown(
  numbers: Uint8Array | Int32Array | Uint32Array,
): Uint8Array | Int32Array | Uint32Array {
  const length = 2 * numbers.length;
  const larger =
    numbers instanceof Uint8Array
      ? new Uint8Array(length)
      : numbers instanceof Int32Array
        ? new Int32Array(length)
        : new Uint32Array(length);
  larger.set(numbers);
  return larger;
}
