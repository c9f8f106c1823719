import {
  alphabet,
  backslash,
  beforeBackslashes,
  isIn,
  newline,
  pastBackslashes,
  runEnd,
} from './alphabet.js';

/** `NAME=value`, `"name": "value"`, `name: value`, `--name value`, `<name>value</name>` and their like, at any depth of JSON. */
export interface Assignment {
  readonly name: string;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly isQuoted: boolean;
  /** Whether blanks stand around the operator, as in code and prose rather than in environments and commands. */
  readonly isSpaced: boolean;
}

const nameBytes = alphabet('A-Za-z0-9_-');
const nameOrDot = alphabet('A-Za-z0-9_.-');
const quotes = alphabet('"\'`');
const blanks = alphabet(' \t');
const stringPrefixes = alphabet('bBrRfFuU@$');
const callBytes = alphabet('A-Za-z0-9_.');
const unquoted = alphabet('A-Za-z0-9+/=_.~%:@$!*?#^-');
const loose = alphabet('!#-&()-[]^_a-~');
const delimiters = alphabet('&,;');

const longestName = 64;
const longestValue = 4096;
const doubleQuote = 0x22;

/** Position of the value behind a name that ends at `nameEnd`, or -1 when nothing is assigned. Bytes only, bounded. */
export function valueAfter(bytes: Buffer, keywordStart: number, nameEnd: number): number {
  const pair = afterValueWord(bytes, nameEnd);
  if (pair !== -1) return pair;
  const afterQuote = pastBackslashes(bytes, nameEnd);
  const isClosed = isIn(quotes, bytes[afterQuote]);
  if (!isClosed && afterQuote > nameEnd) return -1;
  let at = isClosed ? afterQuote + 1 : nameEnd;
  at = runEnd(bytes, at, alphabetOfClosers, at + 2);
  const operator = runEnd(bytes, at, blanks, at + 16);
  const end = afterOperator(bytes, operator, isClosed);
  if (end !== -1) return runEnd(bytes, end, blanks, end + 16);
  const isFlagged = operator > nameEnd && !isClosed && isFlag(bytes, keywordStart);
  return isFlagged ? operator : -1;
}

const alphabetOfClosers = alphabet('])');

function afterOperator(bytes: Buffer, at: number, isClosed: boolean): number {
  switch (bytes[at]) {
    case 0x3a: // :
      if (bytes[at + 1] === 0x3a) return -1;
      return bytes[at + 1] === 0x3d ? at + 2 : pastStars(bytes, at + 1);
    case 0x3d: // =
      return pastEquals(bytes, at + 1);
    case 0x2b: // += ?= ||= ?? ||
    case 0x3f:
    case 0x7c: {
      const doubled = bytes[at + 1] === bytes[at] ? at + 2 : at + 1;
      if (bytes[doubled] === 0x3d) return doubled + 1;
      return doubled === at + 2 && bytes[at] !== 0x2b ? doubled : -1;
    }
    case 0x2c: // ,
      return isClosed ? at + 1 : -1;
    case 0x3e: // >
      return isClosed ? -1 : at + 1;
    default:
      return -1;
  }
}

/** `**Password:** value` */
function pastStars(bytes: Buffer, at: number): number {
  return bytes[at] === 0x2a && bytes[at + 1] === 0x2a ? at + 2 : at;
}

function pastEquals(bytes: Buffer, at: number): number {
  if (bytes[at] === 0x7e) return -1;
  let end = at;
  while (end < at + 2 && (bytes[end] === 0x3d || bytes[end] === 0x3e)) end += 1;
  return end;
}

/** `name: X, value: …` in JSON, YAML and XML, where the telling name is itself a value. */
function afterValueWord(bytes: Buffer, nameEnd: number): number {
  let at = nameEnd;
  while (at < nameEnd + 40 && isBetweenPair(bytes, at)) at += 1;
  if (at === nameEnd || bytes.toString('latin1', at, at + 5).toLowerCase() !== 'value') return -1;
  const afterWord = pastBackslashes(bytes, at + 5);
  const afterQuote = isIn(quotes, bytes[afterWord]) ? afterWord + 1 : at + 5;
  const operator = runEnd(bytes, afterQuote, blanks, afterQuote + 4);
  if (bytes[operator] !== 0x3a && bytes[operator] !== 0x3d) return -1;
  return runEnd(bytes, operator + 1, blanks, operator + 9);
}

const pairBytes = alphabet(' \t\r\n,"\'\\');
const controlLetters = alphabet('nrt');

function isBetweenPair(bytes: Buffer, at: number): boolean {
  if (isIn(pairBytes, bytes[at])) return true;
  return isIn(controlLetters, bytes[at]) && bytes[at - 1] === backslash;
}

function isFlag(bytes: Buffer, keywordStart: number): boolean {
  const start = nameStartOf(bytes, keywordStart);
  return bytes[start] === 0x2d && bytes[start + 1] === 0x2d;
}

export function nameEndOf(bytes: Buffer, keywordEnd: number): number {
  return runEnd(bytes, keywordEnd, nameBytes, keywordEnd + longestName);
}

/** Start of the name around `at`; the letter of an escape before it (`\nPASSWORD`) is not part of it. */
export function nameStartOf(bytes: Buffer, at: number): number {
  let start = at;
  const limit = Math.max(0, at - longestName);
  while (start > limit && isIn(nameOrDot, bytes[start - 1])) {
    if (bytes[start - 2] === backslash && isIn(controlLetters, bytes[start - 1])) break;
    start -= 1;
  }
  return start;
}

/**
 * Reads the assignment whose name ends at `nameEnd` and whose value begins at `valueAt`. A bare value ends at a blank, a quote
 * or an escape; unless it is loose, also at what ends a word in code.
 */
export function readAssignment(
  bytes: Buffer,
  nameStart: number,
  nameEnd: number,
  valueAt: number,
  isLoose: boolean,
): Assignment | undefined {
  const name = bytes.toString('latin1', nameStart, nameEnd);
  const isNameQuoted = isIn(quotes, bytes[pastBackslashes(bytes, nameEnd)]);
  const isSpaced = isIn(blanks, bytes[valueAt - 1]);
  const start = pastTypeAnnotation(bytes, valueAt);
  const prefixed =
    isIn(stringPrefixes, bytes[start]) && isQuoteAt(bytes, start + 1) ? start + 1 : start;
  if (isQuoteAt(bytes, prefixed)) {
    const quote = pastBackslashes(bytes, prefixed);
    const quoted = quotedValue(bytes, quote, quote - prefixed);
    if (quoted !== undefined) return { name, ...quoted, isQuoted: true, isSpaced };
    if (isNameQuoted && bytes[quote] === doubleQuote) return undefined;
    return { name, ...bareValue(bytes, quote + 1, isLoose), isQuoted: false, isSpaced };
  }
  const call = runEnd(bytes, start, callBytes, start + 40);
  if (call > start && bytes[call] === 0x28 && isQuoteAt(bytes, call + 1)) {
    const quote = pastBackslashes(bytes, call + 1);
    const quoted = quotedValue(bytes, quote, quote - call - 1);
    return quoted === undefined ? undefined : { name, ...quoted, isQuoted: true, isSpaced };
  }
  // A quoted name with a bare value is a number, a literal or code: replacing it would break the JSON it may be.
  if (isNameQuoted && isJsonColon(bytes, nameEnd)) return undefined;
  return { name, ...bareValue(bytes, start, isLoose), isQuoted: false, isSpaced };
}

function isJsonColon(bytes: Buffer, nameEnd: number): boolean {
  const quote = pastBackslashes(bytes, nameEnd);
  const operator = runEnd(bytes, quote + 1, blanks, quote + 9);
  return bytes[quote] === doubleQuote && bytes[operator] === 0x3a;
}

/** `password: str = "…"`, `const token: string = '…'` */
function pastTypeAnnotation(bytes: Buffer, at: number): number {
  const end = runEnd(bytes, at, typeBytes, at + 40);
  if (end === at || bytes[end] !== 0x3d) return at;
  const value = runEnd(bytes, end + 1, blanks, end + 5);
  return isQuoteAt(bytes, value) ? value : at;
}

const typeBytes = alphabet('A-Za-z_.[]<>| ');

function isQuoteAt(bytes: Buffer, at: number): boolean {
  return isIn(quotes, bytes[pastBackslashes(bytes, at)]);
}

interface ValueRange {
  readonly valueStart: number;
  readonly valueEnd: number;
}

/**
 * The content of the string that opens with the quote at `quote` behind `depth` backslashes. It closes at the same quote
 * behind as many, or behind as many and whole escaped backslashes of its own depth.
 */
function quotedValue(bytes: Buffer, quote: number, depth: number): ValueRange | undefined {
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

function bareValue(bytes: Buffer, start: number, isLoose: boolean): ValueRange {
  const limit = start + longestValue;
  let end = runEnd(bytes, start, isLoose ? loose : unquoted, limit);
  if (isLoose) end = firstBreak(bytes, start, end);
  return { valueStart: start, valueEnd: withoutPunctuation(bytes, start, end) };
}

/** Where `&next=`, `;Next=`, `,next:` or a closing tag begins, or `end`. */
function firstBreak(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at += 1) {
    if (bytes[at] === 0x3c && bytes[at + 1] === 0x2f) return at;
    if (!isIn(delimiters, bytes[at])) continue;
    const next = runEnd(bytes, at + 1, nameOrDot, at + 40);
    if (next > at + 1 && (bytes[next] === 0x3d || bytes[next] === 0x3a)) return at;
  }
  return end;
}

const trailing = alphabet('.,;:)]}>');

function withoutPunctuation(bytes: Buffer, start: number, end: number): number {
  let at = end;
  while (at > start && isIn(trailing, bytes[at - 1])) at -= 1;
  return at;
}
