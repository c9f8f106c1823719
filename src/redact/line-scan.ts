import { newline } from './alphabet.js';
import { budgetSpans } from './budget-fallback.js';
import type { Detector } from './detector.js';
import { type DecodedScan, ScanContext, type Span } from './scan-context.js';

/** The scan's budget, in units of about a microsecond. */
export interface Allowance {
  /** For a line, whatever its length. */
  readonly units: number;
  readonly unitsPerByte: number;
  /** For all lines of a text together, so that many short ones cost no more than one long one. */
  readonly unitsPerText: number;
}

/** The cost of deciding that an anchor deserves a closer look. */
const glanceUnits = 1;

/**
 * One pass of the detectors over a text. Each line has an allowance of work, and so has the text;
 * once a line has used up either, it is not scanned further, and everything in it that contains an
 * anchor is redacted.
 */
export class LineScan {
  readonly context: ScanContext;
  readonly #allowance: Allowance;
  readonly #unscanned: number[] = [];
  #hits: number[] = [];
  #lineEnd = -1;
  #lineAllowance = 0;
  #left: number;

  constructor(bytes: Buffer, allowance: Allowance, scanDecoded?: DecodedScan) {
    this.context = new ScanContext(bytes, scanDecoded);
    this.#allowance = allowance;
    this.#left = allowance.unitsPerText + bytes.length * allowance.unitsPerByte;
  }

  /** `starts` are in ascending order of lines. */
  visit(detector: Detector, start: number): void {
    if (start >= this.#lineEnd) this.#enterLineOf(start);
    if (!detector.looksBehind && this.context.isCovered(start)) return;
    this.#hits.push(start);
    if (this.context.isSpent) return;
    this.context.charge(glanceUnits);
    detector.detect(this.context, start);
  }

  /** What the text may still cost; once it is finished. */
  get left(): number {
    return this.#left;
  }

  /** The findings, and what must be replaced unread. */
  finish(): readonly Span[] {
    this.#leaveLine();
    if (this.#unscanned.length === 0) return this.context.spans;
    const hits = this.#unscanned.sort((a, b) => a - b);
    return [...this.context.spans, ...budgetSpans(this.context.bytes, hits)];
  }

  #enterLineOf(start: number): void {
    this.#leaveLine();
    const { bytes } = this.context;
    const lineStart = start === 0 ? 0 : bytes.lastIndexOf(newline, start - 1) + 1;
    const found = bytes.indexOf(newline, start);
    this.#lineEnd = found === -1 ? bytes.length : found;
    const { units, unitsPerByte } = this.#allowance;
    const wanted = units + (this.#lineEnd - lineStart) * unitsPerByte;
    this.#lineAllowance = Math.min(wanted, this.#left);
    this.context.allow(this.#lineAllowance);
  }

  #leaveLine(): void {
    this.#left -= this.#lineAllowance - this.context.remaining;
    if (this.context.isSpent) for (const hit of this.#hits) this.#unscanned.push(hit);
    this.#hits = [];
  }
}
