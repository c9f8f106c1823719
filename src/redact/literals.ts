import { rarestOffset } from './text-frequency.js';

/** Texts to search for, in latin1. With `fold` they are lower case, and ASCII letters match in either case. */
export interface LiteralList {
  readonly texts: readonly string[];
  readonly fold: boolean;
  /** Where the rarest three bytes of each text begin, as `offsetsOf` writes it; computed if omitted. */
  readonly offsets?: string;
}

/** The character of offset 0; the others follow it. */
const firstOffset = 0x30;

/** A character for each text. */
export function offsetsOf(texts: readonly string[]): string {
  return texts
    .map((text) => String.fromCharCode(firstOffset + rarestOffset(Buffer.from(text, 'latin1'))))
    .join('');
}

/** The literals of several lists, numbered through all of them, with their bytes in one place. */
export class LiteralTable {
  readonly count: number;
  readonly bytes: Uint8Array;
  /** Where each literal begins in the bytes, and where the last one ends. */
  readonly startOf: Uint32Array;
  readonly foldsOf: Uint8Array;
  /** Where the rarest three bytes of each literal begin. */
  readonly rarestOf: Uint16Array;

  constructor(lists: readonly LiteralList[]) {
    const texts = lists.flatMap((list) => list.texts);
    this.count = texts.length;
    this.bytes = Buffer.from(texts.join(''), 'latin1');
    this.startOf = new Uint32Array(texts.length + 1);
    this.foldsOf = new Uint8Array(texts.length);
    this.rarestOf = new Uint16Array(texts.length);
    let literal = 0;
    for (const list of lists) {
      const offsets = list.offsets ?? offsetsOf(list.texts);
      this.foldsOf.fill(list.fold ? 1 : 0, literal, literal + list.texts.length);
      list.texts.forEach((text, index) => {
        this.startOf[literal + 1] = (this.startOf[literal] as number) + text.length;
        this.rarestOf[literal] = offsets.charCodeAt(index) - firstOffset;
        literal += 1;
      });
    }
  }

  /** Whether the literal begins at `start`. */
  isAt(bytes: Buffer, start: number, literal: number): boolean {
    const first = this.startOf[literal] as number;
    const length = (this.startOf[literal + 1] as number) - first;
    if (start < 0 || start + length > bytes.length) return false;
    const wanted = this.bytes;
    const folds = this.foldsOf[literal] === 1;
    // Backwards, because literals that share a beginning differ in how they end.
    for (let at = length - 1; at >= 0; at -= 1) {
      const byte = bytes[start + at] as number;
      const want = wanted[first + at] as number;
      if (byte !== want && !(folds && lowerOf[byte] === want)) return false;
    }
    return true;
  }
}

const lowerOf = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte,
);
