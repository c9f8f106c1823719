/** RFC 8878, section 3.1.1.1.2, recommends that decoders support this much and encoders use no more. */
const largestWindow = 8 << 20;
const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;

/**
 * Follows the frames of a zstd stream and throws before a decoder sees one whose window is too large: it would allocate
 * the window, and move it with every block. Anything that is no frame is left to the decoder.
 */
export class ZstdFrames {
  #rest: Buffer = Buffer.alloc(0);
  #skip = 0;
  #isInFrame = false;
  #hasChecksum = false;
  #isOver = false;
  #hasBegun = false;

  check(piece: Uint8Array): void {
    if (this.#isOver) return;
    this.#rest = Buffer.concat([this.#rest, piece]);
    while (this.#takeSkipped() && this.#takeHeader()) {
      // Each iteration consumes one header.
    }
  }

  /** Throws unless the input was whole frames, at least one. */
  requireEnd(): void {
    const isBetween = !this.#isInFrame && this.#skip === 0 && this.#rest.length === 0;
    if (!this.#isOver && !(isBetween && this.#hasBegun)) throw new Error('it was cut short');
  }

  #takeSkipped(): boolean {
    const taken = Math.min(this.#skip, this.#rest.length);
    this.#skip -= taken;
    this.#rest = this.#rest.subarray(taken);
    return this.#skip === 0;
  }

  /** `false` while there are not enough bytes of the next one. */
  #takeHeader(): boolean {
    return this.#isInFrame ? this.#takeBlockHeader() : this.#takeFrameHeader();
  }

  #takeBlockHeader(): boolean {
    if (this.#rest.length < 3) return false;
    const header = this.#rest.readUIntLE(0, 3);
    const isRun = ((header >> 1) & 3) === 1;
    const isLast = (header & 1) === 1;
    this.#skip = 3 + (isRun ? 1 : header >> 3) + (isLast && this.#hasChecksum ? 4 : 0);
    this.#isInFrame = !isLast;
    return true;
  }

  #takeFrameHeader(): boolean {
    const bytes = this.#rest;
    if (bytes.length < 8) return false;
    const magic = bytes.readUInt32LE(0);
    if ((magic & 0xfffffff0) >>> 0 === skippableMagic) {
      this.#skip = 8 + bytes.readUInt32LE(4);
      return true;
    }
    if (magic !== frameMagic) {
      this.#isOver = true;
      return false;
    }
    const length = headerLength(bytes[4] ?? 0);
    if (bytes.length < length) return false;
    if (windowOf(bytes, length) > largestWindow) {
      throw new Error(`its window is larger than ${largestWindow >> 20} MiB`);
    }
    this.#hasChecksum = ((bytes[4] ?? 0) & 4) !== 0;
    this.#isInFrame = true;
    this.#hasBegun = true;
    this.#skip = length;
    return true;
  }
}

function headerLength(flags: number): number {
  const isSingle = isSingleSegment(flags);
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  return 5 + (isSingle ? 0 : 1) + dictionary + sizeLength(flags);
}

/** The number of bytes that the content size takes up in a header. */
function sizeLength(flags: number): number {
  const field = flags >> 6;
  return field === 0 ? Number(isSingleSegment(flags)) : 1 << field;
}

function isSingleSegment(flags: number): boolean {
  return (flags & 0x20) !== 0;
}

function windowOf(header: Buffer, length: number): number {
  const flags = header[4] ?? 0;
  if (!isSingleSegment(flags)) {
    const descriptor = header[5] ?? 0;
    const base = 2 ** (10 + (descriptor >> 3));
    return base + (base / 8) * (descriptor & 7);
  }
  const bytes = sizeLength(flags);
  if (bytes === 8) return Number(header.readBigUInt64LE(length - 8));
  return header.readUIntLE(length - bytes, bytes) + (bytes === 2 ? 256 : 0);
}
