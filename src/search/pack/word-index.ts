import { AsciiTerms } from '../terms/ascii-terms.js';
import { addTerms, isRunByte } from '../terms/text-terms.js';
import { ByteStrings, grown, hashed, hashOf, hashSeed } from './byte-strings.js';
import { type DictionaryPiece, encodeDictionary, type IndexedTerm, termsOf } from './dictionary.js';
import { joinTerms } from './joined-terms.js';

/** Longer runs of letters are encoded data, hardly ever the same again. */
const longestKnown = 128;
/** So many are looked up in tables, of some 3 MB together. Texts that go on using new ones would take ten times as much. */
const mostKnown = 2 ** 15;
/** So much of a text is looked at in one go. */
const stepBytes = 32 * 1024;

/**
 * Which terms are in which blocks. It works on bytes and numbers: most of a text are words that were there before, and for
 * these there is one look-up in a table, and no text is made. When the tables are full, their terms are laid aside, sorted
 * and front-coded, and the tables begin anew.
 */
export class WordIndex {
  /** Letters with their joints, as texts have them. */
  readonly #runs = new ByteStrings();
  readonly #terms = new ByteStrings();
  /** The terms of each run, one run after the other, and by run where they end. */
  #termsOfRuns = new Uint32Array(4_096);
  #termsOfRunsLength = 0;
  #endOfRun = new Uint32Array(1_024);
  /** By run and by term: the last block that has it, from 1. */
  #blockOfRun = new Uint32Array(1_024);
  #blockOfTerm = new Uint32Array(1_024);
  /** The terms of each block, one block after the other, and how many there are up to the end of each. */
  #found = new Uint32Array(16 * 1_024);
  #foundLength = 0;
  #foundUpTo: number[] = [];
  /** Terms laid aside, and how many blocks these are from. */
  readonly #aside: (readonly DictionaryPiece[])[] = [];
  #blocksAside = 0;
  /** Whether the terms of the run at hand are kept for when it comes again. */
  #isKept = false;
  readonly #ascii = new AsciiTerms((bytes, from, to) => this.#take(bytes, from, to));

  /** All texts of the next block, in UTF-8, one step after the other. */
  *addingBlock(texts: Iterable<Uint8Array>): Generator<undefined, void> {
    for (const text of texts) {
      for (let from = 0; from < text.length; ) {
        const to = endOfStep(text, from);
        this.#addText(text.subarray(from, to));
        from = to;
        yield;
      }
    }
    this.#foundUpTo.push(this.#foundLength);
    if (this.#terms.count >= mostKnown) yield* this.#layAside();
  }

  /**
   * The terms in the order of their bytes, each as long as the next one is not asked for; nothing may be added meanwhile.
   * `undefined`: some were only sorted, which takes a while.
   */
  terms(): Iterable<IndexedTerm | undefined, void> {
    if (this.#aside.length === 0) return this.#known();
    return joinTerms([...this.#aside.map(termsOf), this.#known()]);
  }

  /** Those in the tables. */
  *#known(): Generator<IndexedTerm | undefined, void> {
    const { starts, blocks } = this.#postings();
    for (const group of this.#byFirstByte()) {
      yield undefined;
      for (const number of this.#sorted(group)) {
        const [from, to] = [starts[number] ?? 0, starts[number + 1] ?? 0];
        yield { term: this.#terms.at(number), blocks, from, to };
      }
    }
  }

  *#layAside(): Generator<undefined, void> {
    const pieces: DictionaryPiece[] = [];
    for (const piece of encodeDictionary(this.#known())) {
      if (piece !== undefined) pieces.push(piece);
      yield;
    }
    this.#aside.push(pieces);
    this.#blocksAside += this.#foundUpTo.length;
    this.#foundUpTo = [];
    this.#foundLength = 0;
    this.#terms.clear();
    this.#blockOfTerm.fill(0);
    this.#forgetRuns();
  }

  #forgetRuns(): void {
    this.#runs.clear();
    this.#blockOfRun.fill(0);
    this.#termsOfRunsLength = 0;
  }

  #addText(text: Uint8Array): void {
    let start = -1;
    let hash = hashSeed;
    for (let at = 0; at < text.length; at += 1) {
      const byte = text[at] ?? 0;
      if (isRunByte[byte] === 1) {
        if (start === -1) start = at;
        hash = hashed(hash, byte);
      } else if (start !== -1) {
        this.#addRun(text, start, at, hash);
        start = -1;
        hash = hashSeed;
      }
    }
    if (start !== -1) this.#addRun(text, start, text.length, hash);
  }

  #addRun(text: Uint8Array, from: number, to: number, hash: number): void {
    this.#isKept = to - from <= longestKnown;
    if (!this.#isKept) {
      this.#takeTerms(text, from, to);
      return;
    }
    if (this.#runs.count >= mostKnown) this.#forgetRuns();
    const block = this.#foundUpTo.length + 1;
    const known = this.#runs.count;
    const run = this.#runs.numberOf(text, from, to, hash);
    if (this.#blockOfRun[run] === block) return;
    if (run < known) this.#takeAgain(run);
    else {
      this.#takeTerms(text, from, to);
      if (run >= this.#endOfRun.length) this.#endOfRun = grown(this.#endOfRun);
      this.#endOfRun[run] = this.#termsOfRunsLength;
    }
    if (run >= this.#blockOfRun.length) this.#blockOfRun = grown(this.#blockOfRun);
    this.#blockOfRun[run] = block;
  }

  #takeAgain(run: number): void {
    const end = this.#endOfRun[run] ?? 0;
    for (let at = run === 0 ? 0 : (this.#endOfRun[run - 1] ?? 0); at < end; at += 1) {
      this.#note(this.#termsOfRuns[at] ?? 0);
    }
  }

  #takeTerms(text: Uint8Array, from: number, to: number): void {
    if (isAscii(text, from, to)) {
      this.#ascii.run(text, from, to);
      return;
    }
    const run = Buffer.from(text.buffer, text.byteOffset + from, to - from).toString('utf8');
    const terms = new Set<string>();
    addTerms(run, terms);
    for (const term of terms) {
      const bytes = Buffer.from(term);
      this.#take(bytes, 0, bytes.length);
    }
  }

  #take(bytes: Uint8Array, from: number, to: number): void {
    const term = this.#terms.numberOf(bytes, from, to, hashOf(bytes, from, to));
    this.#note(term);
    if (!this.#isKept) return;
    const at = this.#termsOfRunsLength;
    if (at === this.#termsOfRuns.length) this.#termsOfRuns = grown(this.#termsOfRuns);
    this.#termsOfRuns[at] = term;
    this.#termsOfRunsLength = at + 1;
  }

  /** The block at hand has this term. */
  #note(term: number): void {
    const block = this.#foundUpTo.length + 1;
    if (this.#blockOfTerm[term] === block) return;
    if (term >= this.#blockOfTerm.length) this.#blockOfTerm = grown(this.#blockOfTerm);
    this.#blockOfTerm[term] = block;
    if (this.#foundLength === this.#found.length) this.#found = grown(this.#found);
    this.#found[this.#foundLength] = term;
    this.#foundLength += 1;
  }

  /** By term, where its blocks begin among all. They are found in the order in which they were added. */
  #postings(): { readonly starts: Uint32Array; readonly blocks: Uint32Array } {
    const counts = new Uint32Array(this.#terms.count);
    for (let at = 0; at < this.#foundLength; at += 1) increment(counts, this.#found[at] ?? 0);
    const starts = new Uint32Array(this.#terms.count + 1);
    for (const [term, count] of counts.entries()) starts[term + 1] = (starts[term] ?? 0) + count;
    const next = starts.slice();
    const blocks = new Uint32Array(this.#foundLength);
    let at = 0;
    for (const [place, end] of this.#foundUpTo.entries()) {
      const block = this.#blocksAside + place;
      for (; at < end; at += 1) blocks[increment(next, this.#found[at] ?? 0)] = block;
    }
    return { starts, blocks };
  }

  #byFirstByte(): readonly Uint32Array[] {
    const groups = Array.from({ length: 256 }, (): number[] => []);
    for (let term = 0; term < this.#terms.count; term += 1) {
      groups[this.#terms.prefix(term, 0, 1)]?.push(term);
    }
    return groups.filter(({ length }) => length > 0).map((group) => Uint32Array.from(group));
  }

  /**
   * By four more bytes and the place in the group, which together are one number: sorting numbers takes a tenth of the time.
   * What these bytes do not decide is compared.
   */
  #sorted(group: Uint32Array): Uint32Array {
    const compare = (left: number, right: number): number => this.#terms.compare(left, right);
    if (group.length > mostPlaces) return group.sort(compare);
    const keys = Float64Array.from(
      group,
      (term, place) => this.#terms.prefix(term, 1, 4) * mostPlaces + place,
    ).sort();
    const sorted = Uint32Array.from(keys, (key) => group[key % mostPlaces] ?? 0);
    let from = 0;
    for (let at = 1; at <= keys.length; at += 1) {
      if (prefixOf(keys[at]) === prefixOf(keys[from])) continue;
      if (at - from > 1) sorted.subarray(from, at).sort(compare);
      from = at;
    }
    return sorted;
  }
}

/** Of a long text, behind the first word that ends after a step. */
function endOfStep(text: Uint8Array, from: number): number {
  let to = Math.min(text.length, from + stepBytes);
  while (to < text.length && isRunByte[text[to] ?? 0] === 1) to += 1;
  return to;
}

/** So many places and four bytes fit into a number together. */
const mostPlaces = 2 ** 20;

function prefixOf(key: number | undefined): number {
  return key === undefined ? -1 : Math.floor(key / mostPlaces);
}

/** Returns what it was before. */
function increment(counts: Uint32Array, at: number): number {
  const before = counts[at] ?? 0;
  counts[at] = before + 1;
  return before;
}

function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if ((bytes[at] ?? 0) > 0x7f) return false;
  return true;
}
