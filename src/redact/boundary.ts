import {
  alphabet,
  alphanumeric,
  backslash,
  beforeBackslashes,
  hexDigits,
  isIn,
  pastBackslashes,
  runEnd,
  runStart,
  urlSafe,
} from './alphabet.js';

/**
 * Where a token may begin. JSON writes a newline, a tab or a colour code as letters (`\n`,
 * `\u001b[32m`), which a plain word boundary takes for part of the token; so does URL encoding
 * (`%3D`).
 */

const escapeLetters = alphabet('abefnrtv0');
const controlParameters = alphabet('0-9;?');
const letters = alphabet('A-Za-z');
const jsonEscapes = alphabet('bfnrtu"/\\');
const quote = 0x22;

/** Whether nothing before `at` belongs to the same word. */
export function isFreeOnLeft(bytes: Buffer, at: number): boolean {
  if (at === 0 || !isIn(urlSafe, bytes[at - 1])) return true;
  return isAfterEscape(bytes, at) || isAfterDiffMark(bytes, at);
}

/**
 * Whether `-` or `_` joins it to the text before, as in `backup-ghp_…`, `MY_ghp_…` and names of
 * branches and folders.
 */
export function isJoinedOnLeft(bytes: Buffer, at: number): boolean {
  return isIn(joints, bytes[at - 1]);
}

/** Whether the text after a fixed-length token is a suffix joined to it: `_bak`, `-web`. */
export function isJoinedOnRight(bytes: Buffer, at: number): boolean {
  if (!isIn(joints, bytes[at])) return false;
  const end = runEnd(bytes, at, urlSafe, at + longestJoined);
  return end < at + longestJoined && joinedNames.test(bytes.toString('latin1', at, end));
}

/**
 * Whether the word before the joint is a word people write: base64 with `-` and `_` has joints too.
 */
export function isJoinedToName(bytes: Buffer, at: number): boolean {
  const end = at - 1;
  const start = runStart(bytes, end, alphanumeric, end - longestJoined);
  return /^(?:\d{0,8}|[A-Za-z]\d{1,3}|[A-Z]{2,}|(?:[A-Z]?[a-z]{2,}(?:[A-Z][a-z]+)*)?\d{0,4})$/.test(
    bytes.toString('latin1', start, end),
  );
}

const joints = alphabet('_-');
const longestJoined = 40;
const joinedNames = /^(?:[_-]{1,2}(?:[a-z]{1,16}|[A-Z]{1,16}|[A-Z][a-z]{1,15}|\d{1,8}))*[_-]?$/;

const lineStarts = alphabet('\n\r"\'`');

/** The `-` of a removed line or the `+` of an added one; in `structuredPatch.lines` each line is a string of its own. */
export function isAfterDiffMark(bytes: Buffer, at: number): boolean {
  if (bytes[at - 1] !== 0x2d && bytes[at - 1] !== 0x2b) return false;
  if (at === 1 || isIn(lineStarts, bytes[at - 2])) return true;
  return bytes[at - 3] === backslash && (bytes[at - 2] === 0x6e || bytes[at - 2] === 0x72);
}

/** Whether an escape sequence of any kind, at any depth of JSON, ends right before `at`. */
export function isAfterEscape(bytes: Buffer, at: number): boolean {
  if (at >= 2 && bytes[at - 2] === backslash && isIn(escapeLetters, bytes[at - 1])) return true;
  if (isIn(hexDigits, bytes[at - 1]) && isAfterHexEscape(bytes, at)) return true;
  return isIn(letters, bytes[at - 1]) && isAfterControlSequence(bytes, at);
}

function isAfterHexEscape(bytes: Buffer, at: number): boolean {
  const start = runStart(bytes, at, hexDigits, at - 4);
  const length = at - start;
  if (length === 4 && bytes[start - 1] === 0x75 && bytes[start - 2] === backslash) return true;
  if (length < 2) return false;
  const beforePair = at - 3;
  if (bytes[beforePair] === 0x25) return true;
  return bytes[beforePair] === 0x78 && bytes[beforePair - 1] === backslash;
}

/**
 * `ESC [ 3 2 m` and the like, whether ESC is one byte, an escape of JSON or a shell, or has been
 * lost.
 */
function isAfterControlSequence(bytes: Buffer, at: number): boolean {
  const start = runStart(bytes, at - 1, controlParameters, at - 20);
  if (bytes[start - 1] !== 0x5b) return false;
  if (start < at - 1) return true;
  return isAfterEscapeCharacter(bytes, start - 1);
}

function isAfterEscapeCharacter(bytes: Buffer, at: number): boolean {
  if (bytes[at - 1] === 0x1b || bytes[at - 1] === 0x5b) return true;
  const text = bytes.toString('latin1', Math.max(0, at - 6), at);
  return /\\(?:u001b|x1b|033|e)$/i.test(text);
}

/**
 * `start` itself, or the position after an escape that contains `start`, so that a replacement
 * never leaves half an escape. `
 * abc` may be a newline or the end of a path: either way the two bytes stay.
 */
export function pastBrokenEscape(bytes: Buffer, start: number): number {
  if (bytes[start - 1] === backslash) {
    if (bytes[start] === backslash) return escapeStart(bytes, start);
    return isIn(jsonEscapes, bytes[start]) ? start + escapeLength(bytes, start) : start;
  }
  const hexStart = runStart(bytes, start, hexDigits, start - 3);
  const isCut = bytes[hexStart - 1] === 0x75 && bytes[hexStart - 2] === backslash;
  return isCut && escapeLength(bytes, hexStart - 1) === 5 ? hexStart + 4 : start;
}

/**
 * For a `start` among backslashes: where the escape they lead to begins. The backslashes before it
 * are text. JSON in JSON doubles backslashes, so at any depth the lowest set bit of their count
 * says how many belong to the escape. That fails for an escaped quote, before which an even number
 * remains.
 */
function escapeStart(bytes: Buffer, start: number): number {
  const first = beforeBackslashes(bytes, start);
  const letter = pastBackslashes(bytes, start);
  if (bytes[letter] === quote) return start + ((start - first) % 2);
  const count = letter - first;
  return Math.max(start, letter - (count & -count));
}

/** `end` itself, or the position before an escape that `end` would split. */
export function beforeBrokenEscape(bytes: Buffer, start: number, end: number): number {
  for (let at = end - 1; at >= start && at >= end - 5; at -= 1) {
    if (bytes[at] !== backslash) continue;
    const isCut = at + 1 < bytes.length && at + 1 + escapeLength(bytes, at + 1) > end;
    return isCut ? beforeBackslashes(bytes, at + 1) : end;
  }
  return end;
}

/** Length in bytes of an escape after its backslashes. */
function escapeLength(bytes: Buffer, at: number): number {
  if (bytes[at] !== 0x75) return 1;
  return runEnd(bytes, at + 1, hexDigits, at + 5) === at + 5 ? 5 : 1;
}
