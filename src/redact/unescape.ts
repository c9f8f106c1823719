import { backslash, hexDigits, pastBackslashes, runEnd } from './alphabet.js';
import type { Trigger } from './detector.js';

/** A text whose printable ASCII was written plainly, and the way back from its positions to the source's. */
export interface PlainView {
  readonly bytes: Buffer;
  /** The source position of the view's byte; for its length, the source's length. */
  sourceOf(position: number): number;
}

const slashEscape = Buffer.from('\\/', 'latin1');
const unicodeEscape = Buffer.from('\\u00', 'latin1');
const letterU = 0x75;
const quote = 0x22;

/**
 * Whether printable ASCII is written in escapes: `\/` (PHP), `\u002b` and `\u0022` (.NET), `\u003d` (Go), any letter. JSON
 * allows it, and it would hide a secret. Control characters, colours among them, do not count.
 */
export function hasEscapedAscii(bytes: Buffer): boolean {
  if (bytes.includes(slashEscape)) return true;
  let at = bytes.indexOf(unicodeEscape);
  while (at !== -1) {
    if (plainByte(bytes, at + 1) !== undefined) return true;
    at = bytes.indexOf(unicodeEscape, at + 1);
  }
  return false;
}

/**
 * Writes such escapes, at any depth of JSON, as the character itself, and an escaped quote as backslashes and quote, so that
 * strings still end where they end. One escape with all its backslashes is one byte of the view: a span of the view is whole
 * escapes of the source.
 */
export function plainView(source: Buffer): PlainView {
  const bytes = Buffer.allocUnsafe(source.length);
  const viewStarts: number[] = [0];
  const sourceStarts: number[] = [0];
  let length = 0;
  let copied = 0;
  for (let at = source.indexOf(backslash); at !== -1; ) {
    const letter = pastBackslashes(source, at);
    const plain = source[letter] === 0x2f ? 0x2f : plainByte(source, letter);
    if (plain === undefined) {
      at = source.indexOf(backslash, letter);
      continue;
    }
    const unitStart = plain === quote ? letter : at;
    const unitEnd = plain === 0x2f && source[letter] === 0x2f ? letter + 1 : letter + 5;
    length += source.copy(bytes, length, copied, unitStart);
    bytes[length] = plain;
    length += 1;
    copied = unitEnd;
    viewStarts.push(length);
    sourceStarts.push(unitEnd);
    at = source.indexOf(backslash, unitEnd);
  }
  length += source.copy(bytes, length, copied);
  return {
    bytes: bytes.subarray(0, length),
    sourceOf: (position) => sourceOf(position, viewStarts, sourceStarts, source),
  };
}

function sourceOf(
  position: number,
  viewStarts: readonly number[],
  sourceStarts: readonly number[],
  source: Buffer,
): number {
  let low = 0;
  let high = viewStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((viewStarts[middle] ?? 0) <= position) low = middle;
    else high = middle - 1;
  }
  const mapped = (sourceStarts[low] ?? 0) + position - (viewStarts[low] ?? 0);
  return Math.min(mapped, source.length);
}

/**
 * Find nothing themselves; they make a line worth a closer look whose secret's own literal may be written in escapes: letters
 * as `\u0041`, `:\/\/` at any depth, and the given literals with their slashes as `\/` and `\\/`.
 */
export function escapeTriggers(literals: readonly string[]): readonly Trigger[] {
  const letters = ['2', '3', '4', '5', '6', '7'].map((digit) => `\\u00${digit}`);
  const slashed = literals
    .filter((literal) => literal.includes('/'))
    .flatMap((literal) => ['\\/', '\\\\/'].map((slash) => literal.replaceAll('/', slash)));
  const always = [...letters, ...slashed].map((literal) => trigger(literal, () => true));
  const schemes = [':\\/', ':\\\\'].map((literal) =>
    trigger(literal, (bytes, at) => isEscapedSlashes(bytes, at + 1)),
  );
  return [...always, ...schemes];
}

function trigger(literal: string, isWorthwhile: (bytes: Buffer, at: number) => boolean): Trigger {
  return { literal, detector: { isWorthwhile, detect: () => undefined } };
}

function isEscapedSlashes(bytes: Buffer, at: number): boolean {
  const first = pastBackslashes(bytes, at);
  if (bytes[first] !== 0x2f) return false;
  const second = pastBackslashes(bytes, first + 1);
  return second > first + 1 && bytes[second] === 0x2f;
}

/** The printable byte that `u00XX` at `at` stands for; a backslash stays an escape. */
function plainByte(bytes: Buffer, at: number): number | undefined {
  if (bytes[at] !== letterU || bytes[at + 1] !== 0x30 || bytes[at + 2] !== 0x30) return undefined;
  if (runEnd(bytes, at + 3, hexDigits, at + 5) !== at + 5) return undefined;
  const byte = Number.parseInt(bytes.toString('latin1', at + 3, at + 5), 16);
  return byte >= 0x20 && byte < 0x7f && byte !== backslash ? byte : undefined;
}
