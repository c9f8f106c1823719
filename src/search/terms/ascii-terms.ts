import { longestCoarse, longestSpelled, longestTerm } from './term.js';

/** Gets each term, as a stretch of bytes that is good until it returns. */
export type TakeTerm = (bytes: Uint8Array, from: number, to: number) => void;

const [joint, upper, lower, digit] = [0, 1, 2, 3];

const classes = Uint8Array.from({ length: 128 }, (_, byte) => {
  if (byte === 0x5f || byte === 0x2d) return joint;
  if (byte >= 0x61) return lower;
  return byte >= 0x41 ? upper : digit;
});

/** What `addTerms` adds, of runs that are all ASCII, as nine in ten are: bytes in, bytes out. */
export class AsciiTerms {
  readonly #take: TakeTerm;
  /** Of the run at hand: folded, without joints. */
  #letters = new Uint8Array(1_024);
  readonly #coarse = Uint8Array.of(1, 0, 0, 0);

  constructor(take: TakeTerm) {
    this.#take = take;
  }

  run(text: Uint8Array, from: number, to: number): void {
    const length = this.#fold(text, from, to);
    const isSpelled = length <= longestSpelled;
    let place = 0;
    let before = joint;
    for (let at = from; at < to; at += 1) {
      const here = classes[text[at] ?? 0] ?? joint;
      if (here !== joint) {
        if (begins(before, here, at + 1 < to ? (text[at + 1] ?? 0) : 0)) {
          const end = place + (isSpelled ? longestTerm : longestCoarse);
          if (isSpelled) this.#take(this.#letters, place, Math.min(length, end));
          else this.#takeCoarse(place, Math.min(length, end));
        }
        place += 1;
      }
      before = here;
    }
  }

  /** How many letters there are. */
  #fold(text: Uint8Array, from: number, to: number): number {
    if (to - from > this.#letters.length) this.#letters = new Uint8Array(2 * (to - from));
    const letters = this.#letters;
    let length = 0;
    for (let at = from; at < to; at += 1) {
      const byte = text[at] ?? 0;
      const kind = classes[byte];
      if (kind === joint) continue;
      letters[length] = kind === upper ? byte | 0x20 : byte;
      length += 1;
    }
    return length;
  }

  #takeCoarse(from: number, to: number): void {
    for (let at = from; at < to; at += 1) this.#coarse[1 + at - from] = this.#letters[at] ?? 0;
    this.#take(this.#coarse, 0, 1 + to - from);
  }
}

/** As `beginsSubWord` has it. */
function begins(before: number, here: number, next: number): boolean {
  if (before === joint) return true;
  if (here !== upper) return false;
  return before !== upper || (next >= 0x61 && next <= 0x7a);
}
