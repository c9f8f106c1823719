const blockBytes = 1_000_000;

/** UTF-8 of many texts in few blocks of memory, which are used again. */
export class ByteRoom {
  readonly #blocks: Buffer[] = [];
  #block = 0;
  #used = 0;

  /** Valid until `clear`. */
  encoded(text: string): Uint8Array {
    const most = text.length * 3;
    if (most > blockBytes) return Buffer.from(text);
    if (this.#used + most > blockBytes) {
      this.#block += 1;
      this.#used = 0;
    }
    const block = this.#blocks[this.#block] ?? Buffer.allocUnsafe(blockBytes);
    this.#blocks[this.#block] = block;
    const start = this.#used;
    this.#used += block.write(text, start);
    return block.subarray(start, this.#used);
  }

  clear(): void {
    this.#block = 0;
    this.#used = 0;
  }
}
