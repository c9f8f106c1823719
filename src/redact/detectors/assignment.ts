import { alphabet, digits, isIn, pastBackslashes } from '../alphabet.js';
import { gapAfter, isQuoteAt } from '../assignments/gap.js';
import { tellingBytes } from '../assignments/gap-words.js';
import { isIssuedAt } from '../assignments/issued-password.js';
import { exactKeywords, foldedKeywords } from '../assignments/keywords.js';
import { nameEndOf, nameStartOf } from '../assignments/name-extent.js';
import { NameReader } from '../assignments/name-sense.js';
import { isListAfter, readChange, readList } from '../assignments/value-lists.js';
import type { Detector, Trigger } from '../detector.js';
import { isMarkerKind } from '../marker.js';
import type { NamedRule } from '../rule.js';
import type { ScanContext } from '../scan-context.js';

/** Finds the values of secret-looking names. */
export function assignmentTriggers(named: readonly NamedRule[]): readonly Trigger[] {
  const names = new NameReader(named);
  const trigger = (fold: boolean) => (literal: string) => ({
    literal,
    fold,
    detector: new AssignmentDetector(literal, names),
  });
  return [...exactKeywords.map(trigger(false)), ...foldedKeywords.map(trigger(true))];
}

const longestGlance = 80;

/**
 * A quick check: whether the text that follows contains a digit or a sign, or could be a word used
 * as a password.
 */
function mayHoldSecret(bytes: Buffer, valueAt: number): boolean {
  const end = Math.min(valueAt + longestGlance, bytes.length);
  for (let at = valueAt; at < end; at += 1) {
    if (isIn(tellingBytes, bytes[at])) return true;
  }
  if (isIssuedAt(bytes, valueAt)) return true;
  if (bytes[valueAt - 1] !== 0x3d) return false;
  const start = isQuoteAt(bytes, valueAt) ? pastBackslashes(bytes, valueAt) + 1 : valueAt;
  return isIn(lowerCase, bytes[start]);
}

const lowerCase = alphabet('a-z');

/** `arn:aws:secretsmanager:…:123456789012:secret:` */
function isInResourceName(bytes: Buffer, at: number): boolean {
  return bytes[at - 1] === 0x3a && isIn(digits, bytes[at - 2]) && isIn(digits, bytes[at - 8]);
}

class AssignmentDetector implements Detector {
  readonly looksBehind = true;
  readonly #length: number;
  readonly #names: NameReader;

  constructor(literal: string, names: NameReader) {
    this.#length = literal.replace(/[^a-z]+$/i, '').length;
    this.#names = names;
  }

  isWorthwhile(bytes: Buffer, at: number): boolean {
    const nameEnd = nameEndOf(bytes, at + this.#length);
    if (this.#isPlural(bytes, at, nameEnd) && !isListAfter(bytes, nameEnd)) return false;
    const gap = gapAfter(bytes, at, nameEnd);
    return gap !== undefined && mayHoldSecret(bytes, gap.valueAt);
  }

  /** Usage counters (`input_tokens`) are on nearly every line. */
  #isPlural(bytes: Buffer, at: number, nameEnd: number): boolean {
    return nameEnd === at + this.#length + 1 && (bytes[nameEnd - 1] ?? 0 | 0x20) === 0x73;
  }

  detect(context: ScanContext, at: number): void {
    const { bytes } = context;
    const nameEnd = nameEndOf(bytes, at + this.#length);
    if (!context.isFirstVisit(nameEnd)) return;
    context.charge(4);
    const nameStart = nameStartOf(bytes, at);
    if (isMarkerKind(bytes, nameStart) || isInResourceName(bytes, nameStart)) return;
    const isPlural = this.#isPlural(bytes, at, nameEnd);
    const sense = this.#names.read(context.text(nameStart, isPlural ? nameEnd - 1 : nameEnd));
    const gap = gapAfter(bytes, at, nameEnd);
    if (sense === undefined || gap === undefined) return;
    if (isListAfter(bytes, nameEnd)) readList(context, nameEnd, gap, sense);
    else readChange(context, nameEnd, gap, sense);
  }
}
