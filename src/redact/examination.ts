import { newline } from './alphabet.js';
import type { Detector } from './detector.js';
import { spansOfUnexamined } from './exhaustion.js';
import { Passage, type Span } from './passage.js';

/** What a line may spend, in units of about a microsecond. */
export interface Allowance {
  readonly units: number;
  readonly unitsPerByte: number;
}

/**
 * One pass of the detectors over a text. Each line has an allowance of work; a line that spends it is not examined further
 * but loses everything that holds an anchor.
 */
export class Examination {
  readonly passage: Passage;
  readonly #allowance: Allowance;
  readonly #unexamined: number[] = [];
  #hits: number[] = [];
  #lineEnd = -1;

  constructor(bytes: Buffer, allowance: Allowance) {
    this.passage = new Passage(bytes);
    this.#allowance = allowance;
  }

  /** `starts` come in ascending order as far as lines are concerned. */
  visit(detector: Detector, start: number): void {
    if (start >= this.#lineEnd) this.#enterLineOf(start);
    if (this.passage.isCovered(start)) return;
    this.#hits.push(start);
    if (!this.passage.isSpent) detector.detect(this.passage, start);
  }

  /** What was found, and what has to go unread. */
  finish(): readonly Span[] {
    this.#leaveLine();
    if (this.#unexamined.length === 0) return this.passage.spans;
    const hits = this.#unexamined.sort((a, b) => a - b);
    return [...this.passage.spans, ...spansOfUnexamined(this.passage.bytes, hits)];
  }

  #enterLineOf(start: number): void {
    this.#leaveLine();
    const { bytes } = this.passage;
    const lineStart = start === 0 ? 0 : bytes.lastIndexOf(newline, start - 1) + 1;
    const found = bytes.indexOf(newline, start);
    this.#lineEnd = found === -1 ? bytes.length : found;
    const { units, unitsPerByte } = this.#allowance;
    this.passage.allow(units + (this.#lineEnd - lineStart) * unitsPerByte);
  }

  #leaveLine(): void {
    if (this.passage.isSpent) for (const hit of this.#hits) this.#unexamined.push(hit);
    this.#hits = [];
  }
}
