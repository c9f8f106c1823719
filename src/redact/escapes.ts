import { alphabet, backslash, hexDigits, isIn, pastBackslashes, runEnd } from './alphabet.js';

/**
 * Bytes that represent other bytes, or none: an escape, an entity, a colour code, an invisible
 * character.
 */
export interface Unit {
  readonly start: number;
  readonly end: number;
  /** What a reader sees instead, one latin1 character per byte. */
  readonly text: string;
}

const escapeCharacter = 0x1b;
const quote = 0x22;
const slash = 0x2f;
const percent = 0x25;
const ampersand = 0x26;
const letterU = 0x75;
const letterX = 0x78;

const firstBytes = new Uint8Array(256);
for (const byte of [backslash, escapeCharacter, percent, ampersand, 0xc2, 0xe2, 0xe3, 0xef]) {
  firstBytes[byte] = 1;
}

/**
 * The first position at or after `from` where a unit may begin; the length of the bytes if there is
 * none.
 */
export function nextUnit(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && firstBytes[bytes[at] ?? 0] === 0) at += 1;
  return at;
}

/** The unit that begins at `at`; `undefined` if the bytes there represent themselves. */
export function unitAt(bytes: Buffer, at: number): Unit | undefined {
  switch (bytes[at]) {
    case backslash:
      return escapeAt(bytes, at);
    case escapeCharacter:
      return controlAt(bytes, at, at + 1);
    case percent:
      return percentAt(bytes, at);
    case ampersand:
      return entityAt(bytes, at);
    default:
      return firstBytes[bytes[at] ?? 0] === 1 ? characterAt(bytes, at) : undefined;
  }
}

/**
 * `\u0041`, `\x41`, `\/` and escaped colour codes at any depth of JSON. A quote keeps its backslashes, so that strings still
 * end where they end, and a backslash stays an escape.
 */
function escapeAt(bytes: Buffer, start: number): Unit | undefined {
  const letter = pastBackslashes(bytes, start);
  if (bytes[letter] === slash) return { start, end: letter + 1, text: '/' };
  if (bytes[letter] === letterU) {
    const code = hexAt(bytes, letter + 1, 4);
    if (code === undefined) return undefined;
    if (code === escapeCharacter) return controlAt(bytes, start, letter + 5);
    if (code === quote) return { start: letter, end: letter + 5, text: '"' };
    const text = seenAs(code);
    return text === undefined ? undefined : { start, end: letter + 5, text };
  }
  if (bytes[letter] === letterX) {
    const code = hexAt(bytes, letter + 1, 2);
    if (code === escapeCharacter) return controlAt(bytes, start, letter + 3);
    return code === undefined ? undefined : plainUnit(start, letter + 3, code);
  }
  const end = shortEscapeEnd(bytes, letter);
  if (end !== -1) return controlAt(bytes, start, end);
  const code = octalAt(bytes, letter);
  return code === undefined ? undefined : plainUnit(start, letter + 3, code);
}

/** `\101`, as shells and C write any byte. */
function octalAt(bytes: Buffer, at: number): number | undefined {
  if (runEnd(bytes, at, octalDigits, at + 3) !== at + 3) return undefined;
  return Number.parseInt(bytes.toString('latin1', at, at + 3), 8);
}

const octalDigits = alphabet('0-7');

/** `\033` and `\e`, as shells write the escape character. */
function shortEscapeEnd(bytes: Buffer, at: number): number {
  if (bytes[at] === 0x65) return at + 1;
  return bytes.toString('latin1', at, at + 3) === '033' ? at + 3 : -1;
}

const parameters = alphabet('0-9;?:');
const finals = alphabet('A-Za-z');
const longestLink = 500;

/**
 * `ESC [ … m` and the like, and links (`ESC ] 8 ; ; … BEL`), which are invisible. `from` is after
 * the escape character.
 */
function controlAt(bytes: Buffer, start: number, from: number): Unit | undefined {
  if (bytes[from] === 0x5b) {
    const end = runEnd(bytes, from + 1, parameters, from + 20);
    return isIn(finals, bytes[end]) ? { start, end: end + 1, text: '' } : undefined;
  }
  if (bytes[from] !== 0x5d) return undefined;
  for (let at = from; at < bytes.length && at < from + longestLink; at += 1) {
    if (bytes[at] === 0x07) return { start, end: at + 1, text: '' };
    if (bytes[at] === escapeCharacter && bytes[at + 1] === backslash)
      return { start, end: at + 2, text: '' };
  }
  return undefined;
}

const entities: Readonly<Record<string, string>> = {
  quot: "'",
  apos: "'",
  lt: '<',
  gt: '>',
  amp: '&',
  nbsp: ' ',
};
const entity = /^&(?:amp;){0,3}(?:(quot|apos|lt|gt|amp|nbsp)|#(\d{2,5})|#x([0-9a-f]{2,4}));/i;

function entityAt(bytes: Buffer, start: number): Unit | undefined {
  const found = entity.exec(bytes.toString('latin1', start, start + 24));
  if (found === null) return undefined;
  const [whole, name, decimal, hex] = found;
  const end = start + whole.length;
  if (name !== undefined) return { start, end, text: entities[name.toLowerCase()] ?? '' };
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  const text = seenAs(code);
  return text === undefined ? undefined : { start, end, text };
}

/** `%41`, also if the percent sign itself is encoded. */
function percentAt(bytes: Buffer, start: number): Unit | undefined {
  let at = start + 1;
  while (bytes[at] === 0x32 && bytes[at + 1] === 0x35 && at < start + 7) at += 2;
  const code = hexAt(bytes, at, 2);
  if (code === undefined) return undefined;
  if (code >= 0x80) return { start, end: at + 2, text: String.fromCharCode(code) };
  return plainUnit(start, at + 2, code);
}

/** One byte; whitespace becomes a blank, and the quote that would end a JSON string becomes the other quote. */
function plainUnit(start: number, end: number, code: number): Unit | undefined {
  if (code === quote) return { start, end, text: "'" };
  if (code === 0x09 || code === 0x0a || code === 0x0d) return { start, end, text: ' ' };
  const isPlain = code >= 0x20 && code < 0x7f && code !== backslash;
  return isPlain ? { start, end, text: String.fromCharCode(code) } : undefined;
}

/** UTF-8 characters that look like others or are invisible. */
function characterAt(bytes: Buffer, start: number): Unit | undefined {
  const isTwo = bytes[start] === 0xc2;
  const end = start + (isTwo ? 2 : 3);
  if (end > bytes.length) return undefined;
  const code = bytes.toString('utf8', start, end).codePointAt(0) ?? 0;
  const text = seenAs(code);
  return text === undefined || text.length > 1 ? undefined : { start, end, text };
}

/**
 * What a reader sees: nothing, a blank, the ASCII character of a full-width form, or the character
 * itself.
 */
function seenAs(code: number): string | undefined {
  if (isInvisible(code)) return '';
  if (isBlank(code)) return ' ';
  const plain = code >= 0xff01 && code <= 0xff5e ? code - 0xfee0 : code;
  if (plain === quote) return "'";
  if (plain === backslash || plain < 0x20 || plain === 0x7f) return undefined;
  if (plain < 0x7f) return String.fromCharCode(plain);
  if (plain >= 0xd800 && plain <= 0xdfff) return undefined;
  return utf8(plain);
}

/** The UTF-8 bytes of a character of the Basic Multilingual Plane, one latin1 character each. */
function utf8(code: number): string {
  const last = 0x80 | (code & 0x3f);
  if (code < 0x800) return String.fromCharCode(0xc0 | (code >> 6), last);
  return String.fromCharCode(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), last);
}

/** Soft hyphens, zero-width blanks and joiners, direction marks, variation selectors. */
function isInvisible(code: number): boolean {
  if (code === 0xad || code === 0xfeff || code === 0x34f) return true;
  if (code >= 0x200b && code <= 0x200f) return true;
  if (code >= 0x202a && code <= 0x202e) return true;
  return (code >= 0x2060 && code <= 0x2064) || (code >= 0xfe00 && code <= 0xfe0f);
}

function isBlank(code: number): boolean {
  return code === 0xa0 || (code >= 0x2000 && code <= 0x200a) || code === 0x202f || code === 0x3000;
}

function hexAt(bytes: Buffer, at: number, length: number): number | undefined {
  if (runEnd(bytes, at, hexDigits, at + length) !== at + length) return undefined;
  return Number.parseInt(bytes.toString('latin1', at, at + length), 16);
}
