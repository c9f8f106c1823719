import {
  alphabet,
  backslash,
  beforeBackslashes,
  isIn,
  newline,
  pastBackslashes,
  runEnd,
  runStart,
} from '../alphabet.js';
import { isAfterEscape, pastBrokenEscape } from '../boundary.js';

/** `NAME=value`, `"name": "value"`, `name: value`, `--name value`, `<name>value</name>` and their like, at any depth of JSON. */
export interface Assignment {
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly isQuoted: boolean;
  /** Whether blanks stand around the operator, as in code and prose rather than in environments and commands. */
  readonly isSpaced: boolean;
  /** Whether the operator compares rather than assigns. */
  readonly isComparison: boolean;
  /** Whether a bare value is followed by an opening parenthesis. */
  readonly isCalled: boolean;
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
const longestValue = 64 * 1024;
const doubleQuote = 0x22;

/** Position of the value behind a name that ends at `nameEnd`, or -1 when nothing is assigned. Bytes only, bounded. */
export function valueAfter(bytes: Buffer, keywordStart: number, nameEnd: number): number {
  const pair = afterValueWord(bytes, nameEnd);
  if (pair !== -1) return pair;
  const named = pastControls(bytes, nameEnd);
  const afterQuote = pastBackslashes(bytes, named);
  const isClosed = isIn(quotes, bytes[afterQuote]);
  if (!isClosed && afterQuote > named) return -1;
  const closed = isClosed ? afterQuote + 1 : named;
  const operator = pastBlanks(bytes, runEnd(bytes, closed, closers, closed + 2));
  const end = afterOperator(bytes, operator, isClosed);
  if (end !== -1) return pastBlanks(bytes, end);
  if (operator === closed) return -1;
  const verb = afterVerb(bytes, operator);
  if (verb !== -1) return verb;
  return !isClosed && isFlag(bytes, keywordStart) ? operator : -1;
}

const closers = alphabet('])');

/** Past spaces, tabs and colour codes. */
function pastBlanks(bytes: Buffer, from: number): number {
  let at = from;
  for (let round = 0; round < 4; round += 1) {
    const next = pastControls(bytes, runEnd(bytes, at, blanks, at + 24));
    if (next === at) break;
    at = next;
  }
  return at;
}

const controlParameters = alphabet('0-9;?');

/** Past `ESC [ … m`, however ESC is written. */
function pastControls(bytes: Buffer, from: number): number {
  let at = from;
  for (let round = 0; round < 4; round += 1) {
    const bracket = pastEscapeCharacter(bytes, at);
    if (bracket === at || bytes[bracket] !== 0x5b) return at;
    at = runEnd(bytes, bracket + 1, controlParameters, bracket + 16) + 1;
  }
  return at;
}

function pastEscapeCharacter(bytes: Buffer, at: number): number {
  if (bytes[at] === 0x1b) return at + 1;
  if (bytes[at] !== backslash) return at;
  const letter = pastBackslashes(bytes, at);
  const found = /^(?:u001b|x1b|033|e(?=\[))/i.exec(bytes.toString('latin1', letter, letter + 5));
  return found === null ? at : letter + found[0].length;
}

/** `the token is …` */
function afterVerb(bytes: Buffer, at: number): number {
  const found = /^(?:is|was|are)(?: set to| now)?:? {1,3}/.exec(
    bytes.toString('latin1', at, at + 16),
  );
  return found === null ? -1 : at + found[0].length;
}

function afterOperator(bytes: Buffer, at: number, isClosed: boolean): number {
  switch (bytes[at]) {
    case 0x3a: // :
      if (bytes[at + 1] === 0x3a) return -1;
      return bytes[at + 1] === 0x3d ? at + 2 : pastStars(bytes, at + 1);
    case 0x3d: // =
      return pastEquals(bytes, at + 1);
    case 0x2b: // +=
      return bytes[at + 1] === 0x3d ? at + 2 : -1;
    case 0x3f: // ?= ??=
    case 0x7c: // | ||= ||
      return afterDoubled(bytes, at);
    case 0x2c: // ,
      return isClosed ? at + 1 : -1;
    case 0x3e: // >
      return isClosed ? -1 : at + 1;
    default:
      return -1;
  }
}

function afterDoubled(bytes: Buffer, at: number): number {
  const end = bytes[at + 1] === bytes[at] ? at + 2 : at + 1;
  if (bytes[end] === 0x3d) return end + 1;
  if (end === at + 2) return isQuoteAt(bytes, pastBlanks(bytes, end)) ? end : -1;
  return bytes[at] === 0x7c && isIn(blanks, bytes[end]) ? end : -1;
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

/** `name: X, value: …` in JSON, YAML and XML, where the secret-looking name is itself a value. */
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
  if (bytes[start - 1] === backslash) return pastBrokenEscape(bytes, start);
  return bytes[start - 1] === 0x5b || bytes[start - 1] === 0x3b ? pastColour(bytes, start) : start;
}

/** What is left of a colour code (`31m`) before a name. */
function pastColour(bytes: Buffer, start: number): number {
  const end = runEnd(bytes, start, controlParameters, start + 4) + 1;
  return bytes[end - 1] === 0x6d && isAfterEscape(bytes, end) ? end : start;
}

/**
 * Reads the assignment whose name ends at `nameEnd` and whose value begins at `valueAt`. A bare value ends at a blank, a quote
 * or an escape; unless it is loose, also at what ends a word in code.
 */
export function readAssignment(
  bytes: Buffer,
  nameEnd: number,
  valueAt: number,
  isLoose: boolean,
): Assignment | undefined {
  const operator = runStart(bytes, valueAt, blanks, valueAt - 24);
  const isSpaced = operator < valueAt;
  const isComparison = endsComparison(bytes, operator, valueAt);
  const start = pastStringPrefix(bytes, pastTypeAnnotation(bytes, valueAt));
  const call = isQuoteAt(bytes, start) ? start : pastCallee(bytes, start);
  if (isQuoteAt(bytes, call)) {
    const quoted = quotedValue(bytes, call);
    if (quoted !== undefined) {
      const { valueStart, valueEnd } = quoted;
      return { valueStart, valueEnd, isQuoted: true, isSpaced, isComparison, isCalled: false };
    }
    if (call > start) return undefined;
  }
  // A quoted name with a bare value is a number, a literal or code: replacing it would break the JSON it may be.
  if (isJsonColon(bytes, nameEnd)) return undefined;
  const valueStart =
    call === start && isQuoteAt(bytes, start) ? pastBackslashes(bytes, start) + 1 : start;
  const { valueEnd, isCalled } = bareValue(bytes, valueStart, isLoose);
  return { valueStart, valueEnd, isQuoted: false, isSpaced, isComparison, isCalled };
}

/** `str('`: the position of the quote, or `start` itself. */
function pastCallee(bytes: Buffer, start: number): number {
  const end = runEnd(bytes, start, callBytes, start + 40);
  return end > start && bytes[end] === 0x28 && isQuoteAt(bytes, end + 1) ? end + 1 : start;
}

/** `== ` or `===`; after `==` alone the value may begin with the second sign. */
function endsComparison(bytes: Buffer, operatorEnd: number, valueAt: number): boolean {
  const isDouble = bytes[operatorEnd - 1] === 0x3d && bytes[operatorEnd - 2] === 0x3d;
  return isDouble && (operatorEnd < valueAt || bytes[operatorEnd - 3] === 0x3d);
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

interface BareValue extends ValueRange {
  readonly isCalled: boolean;
}

/**
 * The content of the string whose opening quote, with its backslashes, begins at `start`. It closes at the same quote behind
 * as many backslashes, or behind as many and whole escaped backslashes of its own depth.
 */
function quotedValue(bytes: Buffer, start: number): ValueRange | undefined {
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

/** Where the run of loose bytes ends, or `&next=`, `;Next=`, `,next:` or a closing tag begins. */
function looseEnd(bytes: Buffer, start: number, limit: number): number {
  for (let at = start; at < limit; at += 1) {
    if (!isIn(loose, bytes[at])) return at;
    if (bytes[at] === 0x3c && bytes[at + 1] === 0x2f) return at;
    if (!isIn(delimiters, bytes[at])) continue;
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
