import { alphabet, backslash, isIn, newline, pastBackslashes } from './alphabet.js';
import { quotedValue } from './assignments/value.js';

/** One argument of a command line: the bytes between its quotes, if it is quoted. */
export interface Argument {
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
  /** Nothing separates it from the previous argument: `-p"secret"` is two. */
  readonly isJoined: boolean;
}

const quotes = alphabet('"\'');
const blanks = alphabet(' \t');
const ends = alphabet('|;&`\n\r');
const mostArguments = 48;
const longestLine = 1024;

/**
 * The arguments of a command from `from` to the end of its line, at any depth of JSON. A backslash
 * continues a line, and a list of strings (`["mysql", "-p…"]`) is read like a line.
 */
export function argumentsFrom(bytes: Buffer, from: number): readonly Argument[] {
  const found: Argument[] = [];
  const limit = Math.min(bytes.length, from + longestLine);
  let at = from;
  while (found.length < mostArguments) {
    const start = pastSeparators(bytes, at, limit);
    if (start >= limit || isEnd(bytes, start)) break;
    const isJoined = start === at && found.length > 0;
    const argument = argumentAt(bytes, start, limit, isJoined);
    if (argument === undefined || isField(bytes, argument)) break;
    found.push(argument);
    at = argument.isQuoted ? pastBackslashes(bytes, argument.end) + 1 : argument.end;
  }
  return found;
}

/** Blanks, a line continuation, and separators between the strings of a list. */
function pastSeparators(bytes: Buffer, from: number, limit: number): number {
  let at = from;
  while (at < limit) {
    if (isIn(blanks, bytes[at])) at += 1;
    else {
      const next = pastContinuation(bytes, pastListComma(bytes, at));
      if (next === at) break;
      at = next;
    }
  }
  return at;
}

const listComma = /^\\{0,64}["'],[ \t]{0,4}(?=\\{0,64}["'])|^,[ \t]{0,4}(?=\\{0,64}["'])/;

function pastListComma(bytes: Buffer, at: number): number {
  if (bytes[at] !== 0x2c && !isIn(quotes, bytes[pastBackslashes(bytes, at)])) return at;
  const found = listComma.exec(bytes.toString('latin1', at, at + 140));
  return found === null ? at : at + found[0].length;
}

/** An escaped newline has 2^n backslashes; one after a backslash of its own has 3 · 2^n. */
function pastContinuation(bytes: Buffer, at: number): number {
  if (bytes[at] !== backslash) return at;
  if (bytes[at + 1] === newline) return at + 2;
  const letter = pastBackslashes(bytes, at);
  const count = letter - at;
  const isContinued = count % 3 === 0 && isPowerOfTwo(count / 3);
  return bytes[letter] === 0x6e && isContinued ? letter + 1 : at;
}

function isPowerOfTwo(count: number): boolean {
  return count > 0 && (count & (count - 1)) === 0;
}

function isEnd(bytes: Buffer, at: number): boolean {
  if (isIn(ends, bytes[at])) return true;
  return bytes[at] === backslash && isNewlineEscape(bytes, at);
}

function isNewlineEscape(bytes: Buffer, at: number): boolean {
  const letter = pastBackslashes(bytes, at);
  const isLetter = bytes[letter] === 0x6e || bytes[letter] === 0x72;
  return isLetter && isPowerOfTwo(letter - at);
}

function argumentAt(
  bytes: Buffer,
  start: number,
  limit: number,
  isJoined: boolean,
): Argument | undefined {
  const quoteAt = bytes[start] === 0x24 ? start + 1 : start;
  if (isIn(quotes, bytes[pastBackslashes(bytes, quoteAt)])) {
    const quoted = quotedValue(bytes, quoteAt);
    if (quoted === undefined) return undefined;
    return { start: quoted.valueStart, end: quoted.valueEnd, isQuoted: true, isJoined };
  }
  const end = bareEnd(bytes, start, limit);
  return end > start ? { start, end, isQuoted: false, isJoined } : undefined;
}

/** The line ended with its string, and what follows is not a list: `{"command":"sshpass -p","cwd":"/work"}`. */
function isField(bytes: Buffer, { end, isQuoted }: Argument): boolean {
  if (!isQuoted) return false;
  const closing = pastBackslashes(bytes, end);
  return /^["'][ \t]{0,4}:/.test(bytes.toString('latin1', closing, closing + 6));
}

function bareEnd(bytes: Buffer, start: number, limit: number): number {
  let at = start;
  while (at < limit) {
    const byte = bytes[at] ?? 0;
    if (isIn(blanks, byte) || isIn(quotes, byte)) break;
    if (isIn(ends, byte) && !(byte === 0x26 && at > start && isNameAfter(bytes, at))) break;
    if (byte === backslash) {
      const next = pastBackslashes(bytes, at);
      if (isIn(quotes, bytes[next]) || isNewlineEscape(bytes, at)) break;
      at = next;
    } else at += 1;
  }
  return at;
}

/** `&` in the middle of a password, or of an address without quotes. */
function isNameAfter(bytes: Buffer, at: number): boolean {
  return /^&[\w%]/.test(bytes.toString('latin1', at, at + 2));
}
