import { type Alphabet, runEnd } from './alphabet.js';

/** Looks for secrets in decoded text, at a cost of at most `allowance` and a little. */
export type DecodedScan = (
  bytes: Buffer,
  allowance: number,
) => { readonly isFound: boolean; readonly units: number };

/** What a detector found: bytes from `start` to before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
  /** Overlapping spans are merged into one of the heaviest one's kind. */
  readonly weight: number;
}

/** The more certain the finding, the heavier. */
export const weights = {
  generic: 1,
  named: 2,
  context: 3,
  /** A shape of its own; its anchor's length is added. */
  shape: 10,
  user: 900,
  known: 1000,
  budget: 2000,
} as const;

/** The furthest a sticky expression may look from its start; rules are written to stay below it. */
export const reach = 8 * 1024;
const windowLength = 64 * 1024;
/** Most lines are looked at in one place: not all of them needs to be made a string. */
const firstWindowLength = 1024;
const lookBack = 512;
const findingUnits = 14;

/**
 * The bytes being scanned and what has been found in them so far. Expressions see a latin1 window,
 * so that an index is a byte and invalid UTF-8 survives. Every detector charges for its work; when
 * the allowance is used up, `isSpent` stays true.
 */
export class ScanContext {
  readonly bytes: Buffer;
  readonly spans: Span[] = [];
  /**
   * How far each detector that searches around its anchors has come, keyed by the detector's own
   * key.
   */
  get searchedTo(): Map<object, number> {
    this.#searchedTo ??= new Map();
    return this.#searchedTo;
  }

  #searchedTo: Map<object, number> | undefined;
  #allowance = 0;
  #windowStart = 0;
  #windowEnd = 0;
  #nextWindowLength = firstWindowLength;
  #window = '';
  #visited: Set<number> | undefined;
  #runs: Map<Alphabet, { start: number; end: number }> | undefined;

  #covered = { start: 0, end: 0 };

  readonly #scanDecoded: DecodedScan | undefined;

  /**
   * `scanDecoded` says whether decoded text contains a secret; omitted if nothing more is to be
   * decoded.
   */
  constructor(bytes: Buffer, scanDecoded?: DecodedScan) {
    this.bytes = bytes;
    this.#scanDecoded = scanDecoded;
  }

  /** Whether text decoded from the bytes contains a secret. */
  holdsSecret(decoded: Buffer): boolean {
    this.charge(20 + (decoded.length >> 3));
    if (this.#scanDecoded === undefined || this.isSpent) return false;
    const { isFound, units } = this.#scanDecoded(decoded, this.remaining);
    this.charge(units);
    return isFound;
  }

  /** Sets the allowance from here on. */
  allow(units: number): void {
    this.#allowance = units;
  }

  get remaining(): number {
    return this.#allowance;
  }

  get isSpent(): boolean {
    return this.#allowance < 0;
  }

  /** One unit is about a microsecond at worst. */
  charge(units: number): void {
    this.#allowance -= units;
  }

  /**
   * Every match in the whole text of a global expression whose matches are shorter than `reach`.
   */
  *search(expression: RegExp): Generator<Match> {
    for (let from = 0; from < this.bytes.length; from += windowLength - reach) {
      const text = this.text(from, Math.min(from + windowLength, this.bytes.length));
      this.charge(text.length >> 7);
      for (const found of text.matchAll(expression)) {
        const secret = found.indices?.groups?.secret;
        const [start, end] = secret ?? [found.index, found.index + found[0].length];
        yield {
          start: from + found.index,
          end: from + found.index + found[0].length,
          secretStart: from + start,
          secretEnd: from + end,
        };
      }
    }
  }

  add(start: number, end: number, kind: string, weight: number): void {
    if (end <= start) return;
    // Each finding will be sorted, merged and written out.
    this.charge(findingUnits);
    this.spans.push({ start, end, kind, weight });
    const isShape = weight >= weights.shape && weight < weights.user;
    if (isShape && end > this.#covered.end) this.#covered = { start, end };
  }

  /** Whether the position is inside a token already found, where nothing more can be learnt. */
  isCovered(position: number): boolean {
    return position > this.#covered.start && position < this.#covered.end;
  }

  /**
   * Runs a sticky expression at byte `at`, which looks at no more than `sight` bytes from there;
   * positions in the result are byte positions in the context.
   */
  match(expression: RegExp, at: number, sight = reach): Match | undefined {
    this.#moveWindowTo(at, Math.min(sight, reach));
    expression.lastIndex = at - this.#windowStart;
    const found = expression.exec(this.#window);
    this.charge(1 + ((found?.[0].length ?? 0) >> 6));
    if (found === null) return undefined;
    const secret = found.indices?.groups?.secret;
    const start = this.#windowStart;
    const end = start + expression.lastIndex;
    if (secret === undefined) return { start: at, end, secretStart: at, secretEnd: end };
    return { start: at, end, secretStart: start + secret[0], secretEnd: start + secret[1] };
  }

  /**
   * Whether this is the first request for this position: several words of one name lead to the same
   * value.
   */
  isFirstVisit(position: number): boolean {
    this.#visited ??= new Set();
    if (this.#visited.has(position)) return false;
    this.#visited.add(position);
    return true;
  }

  text(start: number, end: number): string {
    return this.bytes.toString('latin1', start, end);
  }

  /**
   * End of the run of the set's bytes at `from`, cached, so that asking from every byte of a run
   * costs only one walk.
   */
  runEnd(from: number, set: Alphabet): number {
    this.#runs ??= new Map();
    const known = this.#runs.get(set);
    if (known !== undefined && from >= known.start && from <= known.end) return known.end;
    const end = runEnd(this.bytes, from, set, this.bytes.length);
    this.charge((end - from) >> 10);
    this.#runs.set(set, { start: from, end });
    return end;
  }

  #moveWindowTo(at: number, sight: number): void {
    const { length } = this.bytes;
    const start = Math.max(0, at - lookBack);
    if (start >= this.#windowStart && Math.min(at + sight, length) <= this.#windowEnd) return;
    // A line that is looked at in many places is soon a single string.
    const wanted = Math.max(this.#nextWindowLength, lookBack + sight);
    this.#nextWindowLength = Math.min(wanted * 4, windowLength);
    this.#windowStart = length <= wanted ? 0 : start;
    this.#windowEnd = Math.min(this.#windowStart + wanted, length);
    this.#window = this.text(this.#windowStart, this.#windowEnd);
  }
}

export interface Match {
  readonly start: number;
  readonly end: number;
  /** The part to replace: the group named `secret`, or the whole match. */
  readonly secretStart: number;
  readonly secretEnd: number;
}
