import { alphabet, backslash, isIn, pastBackslashes, runEnd } from '../alphabet.js';
import { pastBlanks, pastControls, pastMargin, pastNewline } from './blanks.js';
import { pastDecoration } from './decoration.js';
import { nameStartOf } from './name-extent.js';

/**
 * How a value is tied to its name: `NAME=value`, `name: value`, `name == value`, `--name value`,
 * `the name is value`, and a value that merely follows: below `name:`, in a table.
 */
export type Tie = 'assigned' | 'spaced' | 'compared' | 'flag' | 'stated' | 'below' | 'placed';

/** The text between a name and its value. */
export interface Gap {
  readonly valueAt: number;
  readonly tie: Tie;
}

const letters = alphabet('A-Za-z');
const smallLetters = alphabet('a-z');
const lettersAndDigits = alphabet('A-Za-z0-9');
const wordEnds = alphabet(' .,;:)(');
const longestWord = 12;
const farthestDigit = 72;
/** The first words of the verbs and qualifiers below. */
const gapWords = new Set(
  (
    'is was are now equals ist lautet war wird est es era jest to brzmi je bylo ar var blev este on adalah merupakan has have ' +
    'should must will got set changed reset updated rotated er e n s for of in from fuer von zu de del du da do para pour ' +
    'per voor dla till f l n string str varchar text'
  ).split(' '),
);
/** Their possible initial letters, by length. */
const gapWordShapes = new Uint8Array(0x1000);
for (const word of gapWords) gapWordShapes[shapeOf(word.charCodeAt(0), word.length)] = 1;

function shapeOf(first: number, length: number): number {
  return (first << 4) | length;
}

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
    if (length > longestWord || gapWordShapes[shapeOf(bytes[start] ?? 0, length)] !== 1)
      return true;
  }
  return !hasTellingByte(bytes, start, start + farthestDigit);
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

const verbs =
  /^[ \t]{0,3}(?:(?:has been |have been |should be |must be |will be |was |is |got )?(?:now )?(?:set to|changed to|reset to|updated to|rotated to)|(?:is|was|are|equals|ist|lautet|war|wird|est|es|ser\xc3\xa1|era|jest|to|brzmi|je|bylo|ar|are|var|blev|este|on|n\xc3\xb3 l\xc3\xa0|l\xc3\xa0|\xce\xb5\xce\xaf\xce\xbd\xce\xb1\xce\xb9|\xd1\x94|\xe0\xa4\xb9\xe0\xa5\x88|adalah|merupakan)(?: (?:set to|now|still|just|simply|called|jetzt|ahora|maintenant))?|\xc3\xa9|\xc3\xa8|\\{1,64}u00e[89]|\xc3\xa4r|\\{1,64}u00e4r|\xc3\xa6r|er|e|-(?= )|\xe2\x80[\x93\x94](?= )|\xe3\x81\xaf|\xe3\x81\x8c|\xe0\xb8\x84\xe0\xb8\xb7\xe0\xb8\xad|\xd9\x87\xd9\x8a|\xd7\x94\xd7\x99\xd7\x90|\xe6\x98\xaf|\xe4\xb8\xba|\xe7\x82\xba|\xe5\xb0\xb1\xe6\x98\xaf|\xeb\x8a\x94|\xec\x9d\x80)(?::|\xef\xbc\x9a)?(?:[ \t]{1,3}|(?=[^a-z \t])|(?<=[\x80-\xff]))/;
const qualifier =
  /^(?:\(s\))?(?:[ \t]{1,3}(?:for|of|on|to|in|from|f(?:\xc3\xbc|\\{1,64}u00fc)r|\xd0\xbe\xd1\x82|\xd0\xb4\xd0\xbb\xd1\x8f|\xd0\xba|\xd0\xbd\xd0\xb0|\xd0\xb2|fuer|von|zu|de|del|du|da|do|para|pour|per|voor|dla|till) [^\n:=\\"]{1,60}|[ \t]{0,3}[([][^)\]\n\\"]{1,40}[)\]]|[ \t]{1,3}#?\d{1,3})[ \t]{0,2}(?:[:=]|\xef\xbc\x9a|(?<= )(?:is|was|ist|lautet|es|est|jest|to|\xc3\xa9|\xc3\xa8|\\{1,64}u00e[89]) )/;
const typeOfValue =
  /^[ \t]{1,2}(?:string|String|str|varchar|text)(?:\(\d{1,4}\))?[ \t]{0,2}:?=[ \t]{0,2}(?=\\{0,64}["'`])/;
const element =
  /^<\/[\w:.-]{1,40}>[:=]?(?:\s|\\{1,64}[nrt]|\d{1,6}(?=\t|\\{1,64}t|\xe2\x86\x92)|\xe2\x86\x92){0,60}<[\w:.-]{1,40}>/;
const attributes =
  /^(?:[ \t]{1,4}[\w:.-]{1,40}=\\{0,64}["'][^"'\\<>\n]{0,80}\\{0,64}["']){1,4}[ \t]{0,2}>/;
const heredoc = /^<<-?\\{0,64}["']?[A-Za-z_]{1,20}\\{0,64}["']?(?=[\n\\\r])/;
const wordStarts = alphabet('A-Za-z0-9#([<\\-');
/** Gaps made of words: verbs, `for root:`, the elements of a property list, the mark of a here-document. */
function afterWords(bytes: Buffer, closed: number, at: number): Gap | undefined {
  const first = bytes[at] ?? 0;
  if (first < 0x80 && !isIn(wordStarts, first)) return undefined;
  if (isIn(lettersAndDigits, first) && !isGapWord(bytes, at)) return undefined;
  if (!hasTellingByte(bytes, at, at + farthestDigit)) return undefined;
  const text = bytes.toString('latin1', closed, closed + 200);
  const verb = verbs.exec(text);
  if (verb !== null) return stated(bytes, closed + verb[0].length);
  const qualified = qualifier.exec(text);
  if (qualified !== null) {
    const { end } = pastDecoration(bytes, pastBlanks(bytes, closed + qualified[0].length));
    return { valueAt: end, tie: 'stated' };
  }
  const typed = typeOfValue.exec(text);
  if (typed !== null) return { valueAt: closed + typed[0].length, tie: 'spaced' };
  const tag = element.exec(text) ?? attributes.exec(text);
  if (tag !== null) return { valueAt: closed + tag[0].length, tie: 'assigned' };
  const document = heredoc.exec(text);
  if (document === null) return undefined;
  const lineStart = pastNewline(bytes, closed + document[0].length);
  return { valueAt: pastMargin(bytes, lineStart), tie: 'placed' };
}

/** Whether a number, one of the words above or an attribute's name follows. */
function isGapWord(bytes: Buffer, at: number): boolean {
  const end = runEnd(bytes, at, lettersAndDigits, at + longestWord + 1);
  if (end - at > longestWord) return false;
  if (bytes[end] === 0x3d || bytes[end] === 0x3a) return true;
  const word = bytes.toString('latin1', at, end);
  return gapWords.has(word) || /^\d{1,3}$/.test(word);
}

/** Secret values contain digits or signs; prose mostly does not. */
function hasTellingByte(bytes: Buffer, from: number, to: number): boolean {
  const end = Math.min(to, bytes.length);
  for (let at = from; at < end; at += 1) {
    if (tellingBytes[bytes[at] ?? 0] === 1) return true;
  }
  return false;
}

/** Bytes found in passwords but not in words. */
export const tellingBytes = alphabet('0-9!@#$%^&*+=?~()');

function stated(bytes: Buffer, from: number): Gap {
  const { end, isNextLine } = pastDecoration(bytes, pastBlanks(bytes, from));
  return { valueAt: end, tie: isNextLine ? 'placed' : 'stated' };
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
