/** A pack, or a piece of one, that cannot have been written like this. */
export class DamagedPackError extends Error {
  override readonly name = 'DamagedPackError';
}

const continued = 0x80;

/** Appends numbers and bytes. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(room = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafe(room);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  /** A whole number that is not negative, seven bits a byte. */
  number(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= continued) {
      this.#bytes[this.#length] = (rest % continued) | continued;
      this.#length += 1;
      rest = Math.floor(rest / continued);
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
  }

  bytes(value: Uint8Array, from = 0): void {
    const length = value.length - from;
    this.#room(length);
    this.#bytes.set(from === 0 ? value : value.subarray(from), this.#length);
    this.#length += length;
  }

  /** Half of a surrogate pair becomes U+FFFD. */
  utf8(text: string): void {
    this.#room(Buffer.byteLength(text));
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Its length in bytes first. */
  text(value: string): void {
    const bytes = Buffer.from(value);
    this.number(bytes.length);
    this.bytes(bytes);
  }

  /** Everything so far, as a view that the next write may change. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Takes back what follows. */
  cut(length: number): void {
    this.#length = length;
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + more));
    larger.set(this.written());
    this.#bytes = larger;
  }
}

/** Reads what `ByteWriter` wrote; never beyond the end. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new DamagedPackError('it ends too early');
    this.#at += 1;
    return value;
  }

  number(): number {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = this.byte();
      value += (byte & ~continued) * factor;
      if (value > Number.MAX_SAFE_INTEGER) throw new DamagedPackError('a number is too large');
      if (byte < continued) return value;
      factor *= continued;
    }
  }

  bytes(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new DamagedPackError('it ends too early');
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  text(): string {
    return this.bytes(this.number()).toString('utf8');
  }
}
