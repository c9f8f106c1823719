/** A buffer of the Parquet library, as far as it is known here. */
interface GrowingBuffer {
  buffer: ArrayBuffer;
  view: DataView;
  /** Bytes that are written. */
  readonly index: number;
  ensure(size: number): void;
}

/** Most buffers stay below. */
const smallBytes = 8 * 1024;
/** A page may run over its size by one value. */
const margin = 32 * 1024;
const mostKept = 4;

/**
 * Memory for pages, used again. The library doubles a buffer from 1 KB on until a page fits: that is eight times new memory for
 * each page, cleared and copied, and most of what writing a page takes.
 */
export class PageBuffers {
  readonly #bytes: number;
  readonly #free: ArrayBuffer[] = [];

  constructor(pageSize: number) {
    this.#bytes = pageSize + margin;
  }

  /** Buffers of this kind then grow by what is free here. */
  growIn(kind: { readonly prototype: GrowingBuffer }): void {
    const larger = (least: number): ArrayBuffer => this.#larger(least);
    kind.prototype.ensure = function (this: GrowingBuffer, size: number): void {
      const least = this.index + size;
      if (least <= this.buffer.byteLength) return;
      const next = larger(Math.max(least, Math.min(this.buffer.byteLength * 2, this.index * 2)));
      new Uint8Array(next).set(new Uint8Array(this.buffer, 0, this.index));
      this.buffer = next;
      this.view = new DataView(next);
    };
  }

  /** For the memory of a page that nobody reads any more. */
  giveBack(page: Uint8Array): void {
    const { buffer } = page;
    const isFit = buffer instanceof ArrayBuffer && buffer.byteLength === this.#bytes;
    if (isFit && this.#free.length < mostKept && !this.#free.includes(buffer))
      this.#free.push(buffer);
  }

  #larger(least: number): ArrayBuffer {
    if (least <= smallBytes) return new ArrayBuffer(smallBytes);
    if (least <= this.#bytes) return this.#free.pop() ?? new ArrayBuffer(this.#bytes);
    return new ArrayBuffer(least);
  }
}
