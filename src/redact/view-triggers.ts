import {
  alphabet,
  backslash,
  beforeBackslashes,
  hexDigits,
  isIn,
  pastBackslashes,
  runEnd,
  urlSafe,
} from './alphabet.js';
import { foreignKeyWords, foreignPasswordWords } from './assignments/foreign-words.js';
import { isAfterEscape } from './boundary.js';
import { unitAt } from './escapes.js';

/** A literal that suggests checking the text as its reader sees it. */
export interface ViewTrigger {
  readonly literal: string;
  readonly fold?: boolean;
  /** Hides only a part of something that also shows: nothing to see where no detector looked closer. */
  readonly isPartial?: boolean;
  /** Whether the bytes at `at` could hide something. */
  isWorthwhile(bytes: Buffer, at: number): boolean;
}

export function viewTriggers(): readonly ViewTrigger[] {
  return [
    ...escapedLetters(),
    ...escapedSchemes,
    ...escapedSlashes(),
    ...colours(),
    ...invisible(),
    ...wide(),
    ...entities(),
    ...encoded(),
    ...foreignWords(),
  ];
}

/** Slashes in these literals may be written as `\/` and `\\/`. */
export function slashTriggers(literals: readonly string[]): readonly ViewTrigger[] {
  return literals
    .filter((literal) => literal.includes('/'))
    .flatMap((literal) => ['\\/', '\\\\/'].map((slash) => literal.replaceAll('/', slash)))
    .map((literal) => ({ literal, isWorthwhile: always }));
}

const always = (): boolean => true;

/**
 * Printable ASCII in escapes: `\\u002b` and `\\u0022` (.NET), `\\u003d` (Go), any letter. JSON
 * allows them, and they would hide a secret.
 */
const escapedLetters = (): readonly ViewTrigger[] =>
  ['2', '3', '4', '5', '6', '7'].map((digit) => ({
    literal: `\\u00${digit}`,
    isWorthwhile: always,
  }));

const escapedSchemes: readonly ViewTrigger[] = [':\\/', ':\\\\'].map((literal) => ({
  literal,
  isWorthwhile: (bytes, at) => isEscapedSlashes(bytes, at + 1),
}));

/** `\\/` as PHP writes it, within a token. */
const escapedSlashes = (): readonly ViewTrigger[] =>
  Array.from({ length: 0x5f }, (_, index) => ({
    literal: `\\/${String.fromCharCode(0x20 + index)}`,
    isPartial: true,
    isWorthwhile: always,
  }));

function isEscapedSlashes(bytes: Buffer, at: number): boolean {
  const first = pastBackslashes(bytes, at);
  if (bytes[first] !== 0x2f) return false;
  const second = pastBackslashes(bytes, first + 1);
  return second > first + 1 && bytes[second] === 0x2f;
}

/** An invisible character hides a word only in its middle. */
function isInsideWord(bytes: Buffer, at: number): boolean {
  let start = at;
  while (bytes[start - 1] === backslash) start -= 1;
  if (!isIn(urlSafe, bytes[start - 1]) || isAfterEscape(bytes, start)) return false;
  let end = start;
  for (let unit = unitAt(bytes, end); unit?.text === ''; unit = unitAt(bytes, end)) end = unit.end;
  return end > start && isIn(urlSafe, bytes[end]);
}

const colours = (): readonly ViewTrigger[] =>
  [
    ...[...'0123456789mK;'].map((byte) => `\x1b[${byte}`),
    '\x1b]8',
    '\\u001b',
    '\\x1b',
    '\\033[',
    '\\e[',
  ].map((literal) => ({
    literal,
    fold: literal === literal.toLowerCase(),
    isWorthwhile: isInsideWord,
  }));

const invisible = (): readonly ViewTrigger[] =>
  [
    ...['\u200b', '\u200c', '\u200d', '\u200e', '\u200f', '\u2060', '\ufeff'].map(utf8),
    ...letters().map((letter) => utf8(`\u00ad${letter}`)),
    ...['200b', '200c', '200d', '200e', '200f', '2060', 'feff', '00ad'].map((hex) => `\\u${hex}`),
  ].map((literal) => ({ literal, fold: literal.startsWith('\\'), isWorthwhile: isInsideWord }));

/** Full-width letters and digits. */
const wide = (): readonly ViewTrigger[] =>
  [
    ...letters().map((letter) => utf8(String.fromCharCode(letter.charCodeAt(0) + 0xfee0))),
    ...['1', '2', '3', '4', '5'].map((digit) => `\\uff${digit}`),
  ].map((literal) => ({ literal, fold: literal.startsWith('\\'), isWorthwhile: always }));

const entities = (): readonly ViewTrigger[] =>
  [
    '&quot;',
    '&apos;',
    '&gt;',
    '&amp;quot;',
    '&amp;gt;',
    ';&#',
    '&#34;',
    '&#39;',
    '&#61;',
    '&#x22;',
    '&#x27;',
    '&#x3d;',
  ].map((literal) => ({ literal, fold: true, isWorthwhile: always }));

/** `%3D` and the like, and three characters in a row as `%41` or `\x41`. */
const encoded = (): readonly ViewTrigger[] => [
  ...[
    '%3d',
    '%3a',
    '%22',
    '%27',
    '%253d',
    '%253a',
    '%2522',
    '%3cpass',
    '%20password',
    '%20-p',
    '%20private',
    '+private+',
    '%0amii',
  ].map((literal) => ({
    literal,
    fold: true,
    isWorthwhile: always,
  })),
  ...['3', '4', '5', '6', '7'].flatMap((digit) =>
    [...'0123456789abcdef'].map((second) => ({
      literal: `%${digit}${second}`,
      fold: true,
      isWorthwhile: (bytes: Buffer, at: number) => bytes[at + 3] === 0x25 && bytes[at + 6] === 0x25,
    })),
  ),
  ...['3', '4', '5', '6', '7'].map((digit) => ({
    literal: `\\x${digit}`,
    isWorthwhile: (bytes: Buffer, at: number) => {
      const next = pastBackslashes(bytes, at + 4);
      return next > at + 4 && bytes[next] === 0x78 && isHexPair(bytes, next + 1);
    },
  })),
  // Printable ASCII; three in a row are no references to groups.
  ...['04', '05', '06', '07', '10', '11', '12', '13', '14', '15', '16', '17'].map((digits) => ({
    literal: `\\${digits}`,
    isWorthwhile: (bytes: Buffer, at: number) => areOctalEscapes(bytes, at, 3),
  })),
];

function areOctalEscapes(bytes: Buffer, from: number, count: number): boolean {
  let at = from;
  for (let found = 0; found < count; found += 1) {
    const start = pastBackslashes(bytes, at);
    const end = runEnd(bytes, start, octalDigits, start + 3);
    if (start === at || end !== start + 3) return false;
    at = end;
  }
  return true;
}

const octalDigits = alphabet('0-7');

function isHexPair(bytes: Buffer, at: number): boolean {
  return runEnd(bytes, at, hexDigits, at + 2) === at + 2;
}

/** Words for passwords and keys in ASCII-only JSON, by their first non-ASCII letter. */
const foreignWords = (): readonly ViewTrigger[] =>
  [...foreignPasswordWords, ...foreignKeyWords]
    .filter((word) => /[^\x20-\x7e]/.test(word))
    .map((word) => {
      const start = word.search(/[^\x20-\x7e]/);
      return {
        literal: `\\u${word.charCodeAt(start).toString(16).padStart(4, '0')}`,
        fold: true,
        isWorthwhile: (bytes: Buffer, at: number) => isWordAround(bytes, at, word, start),
      };
    });

function isWordAround(bytes: Buffer, at: number, word: string, start: number): boolean {
  const first = beforeBackslashes(bytes, at);
  const head = bytes.toString('latin1', first - start, first).toLowerCase();
  return (
    head === word.slice(0, start).toLowerCase() && isTextAt(bytes, at, utf8(word.slice(start)))
  );
}

function isTextAt(bytes: Buffer, at: number, wanted: string): boolean {
  let text = '';
  for (let next = at; text.length < wanted.length; ) {
    const unit = unitAt(bytes, next);
    const byte = bytes[next];
    if (byte === undefined) return false;
    text += unit?.text ?? String.fromCharCode(byte);
    next = unit?.end ?? next + 1;
  }
  return text === wanted;
}

function letters(): readonly string[] {
  return [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];
}

function utf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
