import {
  alphabet,
  beforeBackslashes,
  isIn,
  newline,
  pastBackslashes,
  runEnd,
} from '../alphabet.js';
import { isQuoteAt } from './gap.js';
import type { Gap, Tie } from './tie.js';

/** A value and how it is tied to its name, at any depth of JSON. */
export interface Assignment {
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly tie: Tie;
  readonly isQuoted: boolean;
  /** An opening parenthesis follows a bare value. */
  readonly isCalled: boolean;
}

const blanks = alphabet(' \t');
const stringPrefixes = alphabet('bBrRfFuUN@$');
const callBytes = alphabet('A-Za-z0-9_.');
const unquoted = alphabet('A-Za-z0-9+/=_.~%:@$!*?#^-');
const loose = alphabet('!#-&()-[]^_a-~');
const delimiters = alphabet('&,;');
const nameOrDot = alphabet('A-Za-z0-9_.-');

const longestValue = 64 * 1024;
const doubleQuote = 0x22;
const ampersand = 0x26;

/**
 * Reads the value of a name that ends at `nameEnd`. A bare value ends at a blank, a quote or an
 * escape; unless it is loose, also at any byte that ends a word in code.
 */
export function readValue(
  bytes: Buffer,
  nameEnd: number,
  { valueAt, tie }: Gap,
  isLoose: boolean,
): Assignment | undefined {
  const prefixed = pastStringPrefix(bytes, pastTypeAnnotation(bytes, valueAt));
  const start = pastTripleQuote(bytes, prefixed);
  const call = isQuoteAt(bytes, start) ? start : pastCallee(bytes, start);
  if (isQuoteAt(bytes, call)) {
    const quoted = quotedValue(bytes, call);
    if (quoted !== undefined) {
      const { valueStart, valueEnd } = quoted;
      return { valueStart, valueEnd, tie, isQuoted: true, isCalled: false };
    }
    if (call > start) return undefined;
  }
  // A quoted name with a bare value is a number, a literal or code; if it is JSON, replacing the
  // value would break it.
  if (isJsonColon(bytes, nameEnd)) return undefined;
  const curly = pastCurlyQuote(bytes, start);
  const quote = isQuoteAt(bytes, start) ? pastBackslashes(bytes, start) + 1 : curly;
  const { valueEnd, isCalled } = bareValue(bytes, quote, isLoose);
  return { valueStart: quote, valueEnd, tie, isQuoted: curly > start, isCalled };
}

// ‘ “ ‚ „ « 「 『 in UTF-8 and as escapes: the text they quote ends before the next non-ASCII byte.
const curlyQuotes =
  /^(?:\xe2\x80[\x98\x9a\x9c\x9e]|\xc2\xab|\xe3\x80[\x8c\x8e]|\\{1,64}u(?:201[8ace]|00ab|300[ce]))[ \xa0]?/i;

function pastCurlyQuote(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80 && first !== 0x5c) return at;
  const found = curlyQuotes.exec(bytes.toString('latin1', at, at + 72));
  return found === null ? at : at + found[0].length;
}

/** The last of three quotes, each with its backslashes, or `start` itself. */
function pastTripleQuote(bytes: Buffer, start: number): number {
  if (!isQuoteAt(bytes, start)) return start;
  const first = pastBackslashes(bytes, start);
  const width = first + 1 - start;
  for (let quote = first + width; quote <= first + 2 * width; quote += width) {
    if (pastBackslashes(bytes, quote + 1 - width) !== quote || bytes[quote] !== bytes[first])
      return start;
  }
  return start + 2 * width;
}

/** `str('`: the position of the quote, or `start` itself. */
function pastCallee(bytes: Buffer, start: number): number {
  const end = runEnd(bytes, start, callBytes, start + 40);
  return end > start && bytes[end] === 0x28 && isQuoteAt(bytes, end + 1) ? end + 1 : start;
}

/** `b'…'`, `f"…"`, `@"…"` */
function pastStringPrefix(bytes: Buffer, at: number): number {
  return isIn(stringPrefixes, bytes[at]) && isQuoteAt(bytes, at + 1) ? at + 1 : at;
}

function isJsonColon(bytes: Buffer, nameEnd: number): boolean {
  const quote = pastBackslashes(bytes, nameEnd);
  const operator = runEnd(bytes, quote + 1, blanks, quote + 9);
  return bytes[quote] === doubleQuote && bytes[operator] === 0x3a;
}

const typeBytes = alphabet('A-Za-z_.[]<>|& ');

/** `password: str = "…"`, `const token: string = '…'` */
function pastTypeAnnotation(bytes: Buffer, at: number): number {
  const end = runEnd(bytes, at, typeBytes, at + 40);
  if (end === at || bytes[end] !== 0x3d) return at;
  const value = runEnd(bytes, end + 1, blanks, end + 5);
  return isQuoteAt(bytes, value) ? value : at;
}

interface ValueRange {
  readonly valueStart: number;
  readonly valueEnd: number;
}

interface BareValue extends ValueRange {
  readonly isCalled: boolean;
}

/**
 * The content of the string whose opening quote, with its backslashes, begins at `start`. It closes
 * at the same quote after as many backslashes, or after that many plus complete escaped backslashes
 * of its own depth.
 */
export function quotedValue(bytes: Buffer, start: number): ValueRange | undefined {
  const quote = pastBackslashes(bytes, start);
  const depth = quote - start;
  const char = bytes[quote];
  const limit = Math.min(bytes.length, quote + longestValue);
  for (let at = quote + 1; at < limit; at += 1) {
    const byte = bytes[at];
    if (byte === newline) return undefined;
    if (byte !== char && byte !== doubleQuote) continue;
    const run = at - Math.max(beforeBackslashes(bytes, at), quote + 1);
    if (byte !== char) {
      if (run === 0) return undefined;
      continue;
    }
    if (run < depth) return undefined;
    if ((run - depth) % (2 * (depth + 1)) === 0)
      return { valueStart: quote + 1, valueEnd: at - depth };
  }
  return undefined;
}

function bareValue(bytes: Buffer, start: number, isLoose: boolean): BareValue {
  const limit = Math.min(bytes.length, start + longestValue);
  const end = isLoose ? looseEnd(bytes, start, limit) : runEnd(bytes, start, unquoted, limit);
  const valueEnd = withoutPunctuation(bytes, start, end);
  return { valueStart: start, valueEnd, isCalled: bytes[end] === 0x28 };
}

/** Where the run of loose bytes ends, or `&next=`, `;Next=`, `,next:` a closing tag or the next command (`&&`) begins. */
function looseEnd(bytes: Buffer, start: number, limit: number): number {
  for (let at = start; at < limit; at += 1) {
    if (!isIn(loose, bytes[at])) return at;
    if (bytes[at] === 0x3c && bytes[at + 1] === 0x2f) return at;
    if (!isIn(delimiters, bytes[at])) continue;
    if (bytes[at] === ampersand && bytes[at + 1] === ampersand) return at;
    const next = runEnd(bytes, at + 1, nameOrDot, at + 40);
    if (next > at + 1 && (bytes[next] === 0x3d || bytes[next] === 0x3a)) return at;
  }
  return limit;
}

const trailing = alphabet('.,;:)]}>');

function withoutPunctuation(bytes: Buffer, start: number, end: number): number {
  let at = end;
  while (at > start && isIn(trailing, bytes[at - 1])) at -= 1;
  return at;
}
