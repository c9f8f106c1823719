import { base64Any, runEnd, runStart } from './alphabet.js';
import { isAfterEscape } from './boundary.js';

/** Judges a text by itself: random, a word, a sequence, part of a blob. */

const seen = new Uint16Array(256);

/** Shannon entropy in bits per byte of a latin1 text; only its first 256 bytes count. */
export function entropy(text: string): number {
  const length = Math.min(text.length, 256);
  if (length === 0) return 0;
  seen.fill(0);
  for (let at = 0; at < length; at += 1) {
    const byte = text.charCodeAt(at) & 0xff;
    seen[byte] = (seen[byte] ?? 0) + 1;
  }
  let bits = 0;
  for (const count of seen) {
    if (count > 0) bits -= (count / length) * Math.log2(count / length);
  }
  return bits;
}

// The letter pairs that make up nearly nine tenths of English text and a quarter of random letters.
const commonPairs = new Uint8Array(26 * 26);
for (const pair of (
  'th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ' +
  'ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly nc et ut ss so ' +
  'rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ' +
  'ig tu ev ld ry mp fe bl ab gh ty op wo sa ay ex ke ui fr oo ag bo ap sp cl ey od ck ub ob ef up ue um bu cr qu ' +
  'ov gr oc br pp ff rd rm rn rc gi ga go gu ky ki au ei ul lt ls sk sc'
).split(' ')) {
  commonPairs[pairIndex(pair.charCodeAt(0), pair.charCodeAt(1))] = 1;
}

/** Whether two bytes are letters of either case that often follow each other. */
function isCommonPair(first: number, second: number): boolean {
  return isLetter(first) && isLetter(second) && commonPairs[pairIndex(first, second)] === 1;
}

function pairIndex(first: number, second: number): number {
  return ((first | 0x20) - 0x61) * 26 + (second | 0x20) - 0x61;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isUpper(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

/**
 * Whether most of its letters follow each other as in words, in camel case or not. Never true of
 * hex and short texts.
 */
export function isWordy(text: string): boolean {
  if (/^[0-9a-f]+$/i.test(text) && /\d/.test(text)) return false;
  const { pairs, common, humps } = letterPairs(text);
  if (humps > pairs / 3 || alternations(text) > Math.max(3, text.length / 8)) return false;
  if (pairs < 5 || pairs < text.length / 3 || common < pairs * 0.65) return false;
  const upper = text.match(/[A-Z]/g)?.length ?? 0;
  const letters = text.match(/[A-Za-z]/g)?.length ?? 0;
  return upper < letters * 0.35 || upper > letters * 0.9;
}

interface LetterPairs {
  readonly pairs: number;
  /** Those that are common in words. */
  readonly common: number;
  /** A lower-case letter followed by an upper-case one, which counts as neither. */
  readonly humps: number;
}

function letterPairs(text: string): LetterPairs {
  let pairs = 0;
  let common = 0;
  let humps = 0;
  for (let at = 1; at < text.length && at < 256; at += 1) {
    const first = text.charCodeAt(at - 1);
    const second = text.charCodeAt(at);
    if (!isLetter(first) || !isLetter(second)) continue;
    if (!isUpper(first) && isUpper(second)) humps += 1;
    else {
      pairs += 1;
      if (isCommonPair(first, second)) common += 1;
    }
  }
  return { pairs, common, humps };
}

/**
 * Whether nobody would name anything like this: letters in no language's order, or cases and digits
 * in a jumble. One criterion suffices.
 */
export function isJumbled(text: string): boolean {
  const { pairs, common } = letterPairs(text);
  if (pairs >= 3 && common < pairs / 2) return true;
  return alternations(text) > text.length / 6 || caseChanges(text) > text.length * 0.4;
}

/**
 * How often a lower-case letter, an upper-case one or a digit is followed by one of another kind.
 */
function caseChanges(text: string): number {
  let changes = 0;
  let last = 0;
  for (let at = 0; at < text.length && at < 256; at += 1) {
    const byte = text.charCodeAt(at);
    const kind = isUpper(byte) ? 1 : isLetter(byte) ? 2 : byte >= 0x30 && byte <= 0x39 ? 3 : 0;
    if (kind === 0) continue;
    if (last !== 0 && kind !== last) changes += 1;
    last = kind;
  }
  return changes;
}

/** How often a digit is next to a letter. */
export function alternations(text: string): number {
  return text.match(/[A-Za-z](?=\d)|\d(?=[A-Za-z])/g)?.length ?? 0;
}

/** Most bytes follow from the one before: aaaa, 1234, fedc. */
export function isSequence(text: string): boolean {
  if (text.length < 6) return new Set(text).size <= 1;
  let steps = 0;
  const length = Math.min(text.length, 256);
  for (let at = 1; at < length; at += 1) {
    const step = text.charCodeAt(at) - text.charCodeAt(at - 1);
    if (step >= -1 && step <= 1) steps += 1;
  }
  return steps > (length - 1) * 0.6;
}

const around = 160;
const longRun = 64;

/**
 * Whether the bytes are a piece of a long base64 run (an image, an encrypted field, a signature): a
 * token's shape occurs there by chance, and replacing it destroys data that must survive byte for
 * byte.
 */
export function isInsideBlob(bytes: Buffer, start: number, end: number): boolean {
  const isFree = start === 0 || isAfterEscape(bytes, start);
  const left = isFree ? start : runStart(bytes, start, base64Any, start - around);
  const right = runEnd(bytes, end, base64Any, end + around);
  if (start - left + right - end < longRun) return false;
  return isMixed(bytes, left, start) || isMixed(bytes, end, right);
}

function isMixed(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < 40) return false;
  const text = bytes.toString('latin1', start, end);
  const upper = text.match(/[A-Z]/g)?.length ?? 0;
  const lower = text.match(/[a-z]/g)?.length ?? 0;
  const digit = text.match(/\d/g)?.length ?? 0;
  const least = text.length / 16;
  if (upper < least || lower < least || digit < least / 2 || entropy(text) < 4) return false;
  const { pairs, common } = letterPairs(text);
  return common < pairs / 2;
}

/**
 * The text encoded in base64 of either alphabet; `undefined` if it is not base64 or not printable
 * ASCII.
 */
export function printableFromBase64(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined;
  const decoded = Buffer.from(text, 'base64').toString('latin1');
  return /^[\x20-\x7e\n\r\t]+$/.test(decoded) ? decoded : undefined;
}

export function hasUpperLowerDigit(secret: string): boolean {
  const body = secret.slice(3);
  return /\d/.test(body) && /[A-Z]/.test(body) && /[a-z]/.test(body);
}

/** Letters and digits mixed as in no name. */
export function isDense(text: string): boolean {
  return hasUpperLowerDigit(text) || alternations(text) > text.length / 5;
}

/** Letters of both cases as if at random, or digits; in camel-case names both are rare. */
export function isUnworded(secret: string): boolean {
  if ((secret.match(/\d/g)?.length ?? 0) >= 2) return true;
  const upper = secret.match(/[A-Z]/g)?.length ?? 0;
  const letters = secret.match(/[A-Za-z]/g)?.length ?? 0;
  return upper >= letters / 6 && upper <= (letters * 5) / 6;
}

/** Whether the text could come from a generator: varied enough, no words, no sequence. */
export function isRandom(text: string): boolean {
  const least = Math.min(3, Math.log2(Math.max(text.length, 2)) - 0.9);
  if (entropy(text) < least || isSequence(text) || isWordy(text)) return false;
  return /\d/.test(text) || (/[a-z]/.test(text) && /[A-Z]/.test(text));
}
