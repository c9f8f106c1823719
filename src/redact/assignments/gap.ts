import { alphabet, backslash, isIn, pastBackslashes, runEnd } from '../alphabet.js';
import { pastBlanks, pastControls } from './blanks.js';
import { pastDecoration } from './decoration.js';
import {
  afterWords,
  farthestDigit,
  hasTellingByte,
  longestWord,
  mayBeGapWord,
} from './gap-words.js';
import { isIssuedAt } from './issued-password.js';
import { nameStartOf } from './name-extent.js';
import type { Gap } from './tie.js';

const letters = alphabet('A-Za-z');
const smallLetters = alphabet('a-z');
const wordEnds = alphabet(' .,;:)(');
const quotes = alphabet('"\'`');
const blanks = alphabet(' \t');
const closers = alphabet('])}*');
/** What can follow a name that has a value; any other byte ends the search at once. */
const openings = alphabet(' \t\r\n"\'`\\=:|>])},?+*<~{.');

function isOpening(byte: number | undefined): boolean {
  return byte !== undefined && (openings[byte] === 1 || byte >= 0x80 || byte === 0x1b);
}

/** The gap after a name that ends at `nameEnd`; `undefined` if the name has no value. Bounded. */
export function gapAfter(bytes: Buffer, keywordStart: number, nameEnd: number): Gap | undefined {
  if (!isOpening(bytes[nameEnd]) || isProse(bytes, nameEnd)) return undefined;
  const named = pastControls(bytes, nameEnd);
  const afterQuote = pastBackslashes(bytes, named);
  const quoteEnd = isIn(quotes, bytes[afterQuote]) ? afterQuote + 1 : pastCurlyQuote(bytes, named);
  const isClosed = quoteEnd > named;
  if (!isClosed && afterQuote > named) return afterEscaped(bytes, keywordStart, named, afterQuote);
  const closed = runEnd(bytes, isClosed ? quoteEnd : named, closers, nameEnd + 80);
  const at = pastLeaders(bytes, pastBlanks(bytes, closed));
  const end = afterOperator(bytes, at, isClosed || isInTuple(bytes, keywordStart));
  if (end !== -1) return afterValueWord(bytes, nameEnd) ?? tied(bytes, end);
  return (
    afterValueWord(bytes, nameEnd) ??
    afterWords(bytes, closed, at) ??
    (isClosed ? undefined : afterBlanks(bytes, keywordStart, closed, at))
  );
}

/** Whether the word after a blank belongs to no gap, or no digit or sign follows for a while. */
function isProse(bytes: Buffer, nameEnd: number): boolean {
  const start = nameEnd + 1;
  if (bytes[nameEnd] !== 0x20 || !isIn(letters, bytes[start])) return false;
  const end = runEnd(bytes, start, smallLetters, start + longestWord + 1);
  if (end > start && isIn(wordEnds, bytes[end])) {
    const length = end - start;
    if (isAttribute(bytes, end)) return false;
    if (!mayBeGapWord(bytes[start] ?? 0, length)) return true;
  }
  return !hasTellingByte(bytes, start, start + farthestDigit) && !isIssuedAt(bytes, start);
}

/** `xsi:type="…"` */
function isAttribute(bytes: Buffer, colon: number): boolean {
  if (bytes[colon] !== 0x3a) return false;
  return bytes[runEnd(bytes, colon + 1, letters, colon + longestWord)] === 0x3d;
}

/** `db.password\: value` in files of properties; `NAME\tvalue`. */
function afterEscaped(
  bytes: Buffer,
  keywordStart: number,
  named: number,
  letter: number,
): Gap | undefined {
  if (bytes[letter] === 0x3a || bytes[letter] === 0x3d) return tied(bytes, letter + 1);
  if (escapedOperator.test(bytes.toString('latin1', letter, letter + 5))) {
    return tied(bytes, letter + 5);
  }
  const pair = afterValueWord(bytes, named);
  if (pair !== undefined || bytes[letter] !== 0x74) return pair;
  const end = afterOperator(bytes, pastBlanks(bytes, named), false);
  if (end !== -1) return tied(bytes, end);
  return afterBlanks(bytes, keywordStart, named, pastBlanks(bytes, named));
}

const curlyQuotes = ['\u2019', '\u201d', '\u00bb', '\u300d', '\u300f'].map((text) =>
  Buffer.from(text),
);

/** Past the quote that ends a name, if it is a typographic one. */
function pastCurlyQuote(bytes: Buffer, at: number): number {
  if ((bytes[at] ?? 0) < 0x80) return at;
  const found = curlyQuotes.find((quote) => quote.equals(bytes.subarray(at, at + quote.length)));
  return at + (found?.length ?? 0);
}

const dots = alphabet('.');
const fewestLeaders = 3;
const mostLeaders = 60;

/** `Password ........: value` */
function pastLeaders(bytes: Buffer, at: number): number {
  const end = runEnd(bytes, at, dots, at + mostLeaders);
  return end - at < fewestLeaders ? at : pastBlanks(bytes, end);
}

/** `{password, "value"}` and `{:password, "value"}` in Erlang and Elixir. */
function isInTuple(bytes: Buffer, keywordStart: number): boolean {
  const start = nameStartOf(bytes, keywordStart);
  const atom = bytes[start - 1] === 0x3a ? start - 1 : start;
  return bytes[atom - 1] === 0x7b;
}

function tied(bytes: Buffer, operatorEnd: number): Gap {
  const at = pastBlanks(bytes, operatorEnd);
  const isSpaced = at > operatorEnd;
  if (endsComparison(bytes, operatorEnd, isSpaced)) return { valueAt: at, tie: 'compared' };
  const { end, isNextLine } = pastDecoration(bytes, at);
  if (isNextLine) return { valueAt: end, tie: 'below' };
  return { valueAt: end, tie: isSpaced ? 'spaced' : 'assigned' };
}

/** `== ` or `===`; after `==` alone the value may begin with the second sign. */
function endsComparison(bytes: Buffer, operatorEnd: number, isSpaced: boolean): boolean {
  const isDouble = bytes[operatorEnd - 1] === 0x3d && bytes[operatorEnd - 2] === 0x3d;
  return isDouble && (isSpaced || bytes[operatorEnd - 3] === 0x3d);
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
    case 0x3c: // <-
      return bytes[at + 1] === 0x2d ? at + 2 : -1;
    case 0x7b: // {"
      return isQuoteAt(bytes, at + 1) && !isClosed ? at + 1 : -1;
    case 0x2d: // ->
    case 0x7e: // ~>
      return bytes[at + 1] === 0x3e ? at + 2 : -1;
    case 0x3f: // ?= ??=
    case 0x7c: // | ||= ||
      return afterDoubled(bytes, at);
    case 0x2c: // ,
      return isClosed ? at + 1 : -1;
    case 0x3b: // ;s:8:"
      return isClosed ? pastSerializedLength(bytes, at) : -1;
    case 0x3e: // >
      return at + 1;
    case backslash: {
      const letter = pastBackslashes(bytes, at);
      return escapedOperator.test(bytes.toString('latin1', letter, letter + 5)) ? letter + 5 : -1;
    }
    case 0xe2:
    case 0xef:
      return afterWideOperator(bytes, at);
    default:
      return -1;
  }
}

// Table bars and arrows; the full-width colon and equals sign.
const wideOperators = ['│', '┃', '║', '→', '⇒', '←', '：', '＝'].map((text) => Buffer.from(text));
const escapedOperator = /^u(?:250[023]|2551|219[02]|21d2|ff1a|ff1d)/i;

function afterWideOperator(bytes: Buffer, at: number): number {
  const found = wideOperators.find(
    (operator) => bytes.compare(operator, 0, operator.length, at, at + operator.length) === 0,
  );
  return found === undefined ? -1 : at + found.length;
}

/** `s:8:"password";s:10:"value"` as PHP serializes it. */
function pastSerializedLength(bytes: Buffer, at: number): number {
  const found = /^;s:\d{1,6}:(?=\\{0,64}")/.exec(bytes.toString('latin1', at, at + 80));
  return found === null ? -1 : at + found[0].length;
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

export function isQuoteAt(bytes: Buffer, at: number): boolean {
  return isIn(quotes, bytes[pastBackslashes(bytes, at)]);
}

const pairBytes = alphabet(' \t\r\n,"\'\\');
const pairStarts = alphabet('vVPOS{');
const longestValueWord = 16;
const controlLetters = alphabet('nrt');

/** `name: X, value: …` in JSON, YAML and XML, where the secret-looking name is itself a value. */
function afterValueWord(bytes: Buffer, nameEnd: number): Gap | undefined {
  let at = nameEnd;
  while (at < nameEnd + 40 && isBetweenPair(bytes, at)) at += 1;
  if (at === nameEnd) return undefined;
  if (!isIn(pairStarts, bytes[at])) return afterOtherFields(bytes, nameEnd);
  const end = bytes[at] === 0x7b ? afterBlock(bytes, at) : pastValueWord(bytes, at);
  if (end === -1) return undefined;
  const afterWord = pastBackslashes(bytes, end);
  const closed = isIn(quotes, bytes[afterWord]) ? afterWord + 1 : end;
  const operator = runEnd(bytes, closed, blanks, closed + 16);
  if (bytes[operator] !== 0x3a && bytes[operator] !== 0x3d) return undefined;
  return { valueAt: runEnd(bytes, operator + 1, blanks, operator + 9), tie: 'spaced' };
}

/** `value`, and in CloudFormation `ParameterValue`. */
function pastValueWord(bytes: Buffer, at: number): number {
  const found = /^(?:Parameter|Option|Setting|Variable)?value/i.exec(
    bytes.toString('latin1', at, at + longestValueWord),
  );
  return found === null ? -1 : at + found[0].length;
}

// The fields in between are at most a word or two long.
const otherFields =
  /^\\{0,64}["'],\s{0,4}(?:\\{0,64}["']\w{1,20}\\{0,64}["']\s?:\s?\\{0,64}["'][^"'\\]{0,40}\\{0,64}["'],\s{0,4}){1,3}\\{0,64}["'](?:value|text)\\{0,64}["']\s?:\s?/;

/** `"name":"Password","ref":"e8","value":…`: arguments of browser automation tools. */
function afterOtherFields(bytes: Buffer, nameEnd: number): Gap | undefined {
  const quote = pastBackslashes(bytes, nameEnd);
  if (!isIn(quotes, bytes[quote]) || bytes[quote + 1] !== 0x2c) return undefined;
  const found = otherFields.exec(bytes.toString('latin1', nameEnd, nameEnd + 320));
  return found === null ? undefined : { valueAt: nameEnd + found[0].length, tie: 'spaced' };
}

function isBetweenPair(bytes: Buffer, at: number): boolean {
  if (isIn(pairBytes, bytes[at])) return true;
  return isIn(controlLetters, bytes[at]) && bytes[at - 1] === backslash;
}

const block = /^\{(?:[^{}]|\{[^{}]{0,80}\}){0,240}?(?<=[\s,{nrt])(?:default|value)(?=\s{0,16}[=:])/;

/**
 * `variable "db_password" { type = string default = "…" }`: after the word that introduces the
 * value.
 */
function afterBlock(bytes: Buffer, at: number): number {
  const found = block.exec(bytes.toString('latin1', at, at + 320));
  return found === null ? -1 : at + found[0].length;
}

const typeWord = /^(?:REG_(?:EXPAND_)?SZ|string|String|SecureString|secret|text)[ \t]{1,8}/;

/** `--name value`, and `NAME value` as in `set -gx`, `ENV` and tables. */
function afterBlanks(
  bytes: Buffer,
  keywordStart: number,
  named: number,
  at: number,
): Gap | undefined {
  if (at === named) return undefined;
  if (isFlag(bytes, keywordStart)) return { valueAt: at, tie: 'flag' };
  if (!isPlaceable(bytes, at)) return undefined;
  const type = typeWord.exec(bytes.toString('latin1', at, at + 24));
  return { valueAt: at + (type?.[0].length ?? 0), tie: 'placed' };
}

const shortestPlaced = 10;
const typeStarts = alphabet('RsSt');

/** Whether a long enough word or string with a digit in it follows, or the type of one. */
function isPlaceable(bytes: Buffer, at: number): boolean {
  const start = isQuoteAt(bytes, at) ? pastBackslashes(bytes, at) + 1 : at;
  let end = start;
  let hasDigit = false;
  while (end < start + farthestDigit && (bytes[end] ?? 0) > 0x20 && (bytes[end] ?? 0) < 0x7f) {
    const byte = bytes[end] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) hasDigit = true;
    end += 1;
  }
  if (hasDigit) return end - start >= shortestPlaced;
  return isIn(typeStarts, bytes[at]) && typeWord.test(bytes.toString('latin1', at, at + 24));
}

/** `--name`, `-name` and, on Windows, `/name`. */
function isFlag(bytes: Buffer, keywordStart: number): boolean {
  const start = nameStartOf(bytes, keywordStart);
  if (bytes[start] === 0x2d) return true;
  return bytes[start - 1] === 0x2f && isIn(blanks, bytes[start - 2]);
}
