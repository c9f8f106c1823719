import { nextMarker } from '../../../src/redact/marker.js';
import type { HistoryBase, Laying, LayingProblem } from '../../resume.js';
import { ordinalOf } from './rollout-row.js';

type End = Pick<HistoryBase, 'endOrdinal' | 'endOffset'>;

/** The rows between two ends. */
interface Stretch {
  /** How many bytes they have to take; `undefined` after the last end. */
  readonly target: number | undefined;
  bytes: number;
  /** The lengths of the stand-ins in them, in order. */
  readonly standIns: number[];
}

/** `[REDACTED]`: what is kept as long as there is room. */
const shortForm = '[REDACTED]';
/** No secret is longer; more would only be asked for to fill the disk. */
const mostGrowth = 64 << 20;

/**
 * A rollout whose rows before certain places take exactly as many bytes as they did before redaction: threads that
 * continue it name those places by offset. Stand-ins are cut short or filled up until the offsets are right; any bytes
 * in place of a stand-in agree with the mirror. The lengths of the secrets themselves show that this can be done.
 */
export class FittedRows implements Laying {
  readonly #path: readonly string[];
  readonly #ends: readonly End[];
  readonly #stretches: readonly Stretch[];
  #measured = 0;
  #laid = 0;
  #lengths: readonly (readonly number[])[] | undefined;
  #used = 0;

  constructor(path: readonly string[], ends: readonly End[]) {
    this.#path = path;
    this.#ends = inOrder(ends);
    const targets = this.#ends.map(
      ({ endOffset }, index) => endOffset - (this.#ends[index - 1]?.endOffset ?? 0),
    );
    this.#stretches = [...targets, undefined].map((target) => ({
      target,
      bytes: 0,
      standIns: [],
    }));
  }

  measure(line: Buffer): void {
    this.#measured = this.#stretchAt(line, this.#measured);
    const stretch = this.#stretches[this.#measured];
    if (stretch === undefined) return;
    stretch.bytes += line.length;
    if (stretch.target === undefined) return;
    for (let marker = nextMarker(line, 0); marker !== undefined; ) {
      stretch.standIns.push(marker.end - marker.start);
      marker = nextMarker(line, marker.end);
    }
  }

  line(line: Buffer): readonly { path: readonly string[]; bytes: Buffer }[] {
    const at = this.#stretchAt(line, this.#laid);
    if (at !== this.#laid) this.#used = 0;
    this.#laid = at;
    this.#lengths ??= this.#stretches.map(lengthsIn);
    const lengths = this.#lengths[at] ?? [];
    return [{ path: this.#path, bytes: lengths.length === 0 ? line : this.#fit(line, lengths) }];
  }

  problem(): LayingProblem | undefined {
    const wrong = this.#stretches.find((stretch) => !isFitting(stretch));
    if (wrong === undefined) return undefined;
    return {
      kind: 'lineage',
      text: 'the thread that it continues has other lengths than it had then',
      hint: 'That thread was rewritten since. Restore this one with --as-new, which takes in what it continues.',
    };
  }

  #fit(line: Buffer, lengths: readonly number[]): Buffer {
    const pieces: Buffer[] = [];
    let from = 0;
    for (let marker = nextMarker(line, 0); marker !== undefined; ) {
      const length = lengths[this.#used] ?? marker.end - marker.start;
      this.#used += 1;
      pieces.push(
        line.subarray(from, marker.start),
        standIn(line.subarray(marker.start, marker.end), length),
      );
      from = marker.end;
      marker = nextMarker(line, from);
    }
    return pieces.length === 0 ? line : Buffer.concat([...pieces, line.subarray(from)]);
  }

  /** Ordinals only grow; a row without one stays where the last was. */
  #stretchAt(line: Buffer, from: number): number {
    if (from >= this.#ends.length) return from;
    const ordinal = ordinalOf(line);
    let at = from;
    while (ordinal !== undefined && ordinal >= (this.#ends[at]?.endOrdinal ?? Infinity)) at += 1;
    return at;
  }
}

/** Several threads may continue from one place. */
function inOrder(ends: readonly End[]): readonly End[] {
  const sorted = [...ends].sort(
    (left, right) => left.endOrdinal - right.endOrdinal || left.endOffset - right.endOffset,
  );
  return sorted.filter(({ endOrdinal, endOffset }, index) => {
    const before = sorted[index - 1];
    return before?.endOrdinal !== endOrdinal || before.endOffset !== endOffset;
  });
}

function isFitting(stretch: Stretch): boolean {
  const { target, bytes } = stretch;
  if (target === undefined) return true;
  if (target - bytes > mostGrowth) return false;
  const before = sum(stretch.standIns);
  return bytes - before + sum(lengthsIn(stretch)) === target;
}

/** The new length of each stand-in; empty if they can stay, or if nothing helps. */
function lengthsIn({ target, bytes, standIns }: Stretch): readonly number[] {
  if (target === undefined || target === bytes || target - bytes > mostGrowth) return [];
  let missing = target - bytes;
  if (missing > 0)
    return standIns.map((length, index) => (index === 0 ? length + missing : length));
  const lengths = [...standIns];
  // First down to the short form, then to one character, and only then to nothing.
  for (const least of [shortForm.length, 1, 0]) {
    for (let index = 0; index < lengths.length && missing < 0; index += 1) {
      const length = lengths[index] ?? 0;
      const cut = Math.max(0, Math.min(-missing, length - least));
      lengths[index] = length - cut;
      missing += cut;
    }
  }
  return missing === 0 ? lengths : [];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/** Text of this length in place of a marker; needs no escaping in JSON. */
function standIn(marker: Buffer, length: number): Buffer {
  if (length === marker.length) return marker;
  const start =
    length > marker.length
      ? marker.toString('latin1', 0, marker.length - 1)
      : shortForm.slice(0, -1);
  if (length < shortForm.length) return Buffer.alloc(length, '~');
  return Buffer.from(`${start.padEnd(length - 1, '~')}]`, 'latin1');
}
