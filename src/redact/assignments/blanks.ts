import { alphabet, backslash, newline, pastBackslashes, runEnd } from '../alphabet.js';

/**
 * What may appear between words without meaning: blanks, colour codes, and newlines with the line
 * prefixes that tools add.
 */

const blanks = alphabet(' \t');
const controlParameters = alphabet('0-9;?');
const longestBlanks = 120;

/** Past spaces, tabs (also written as `\t`) and colour codes. */
export function pastBlanks(bytes: Buffer, from: number): number {
  let at = from;
  for (let round = 0; round < 8; round += 1) {
    const next = pastTab(bytes, pastControls(bytes, runEnd(bytes, at, blanks, at + longestBlanks)));
    if (next === at) break;
    at = next;
  }
  return at;
}

const invisible = ['\u200b', '\u200c', '\u200d', '\u2060', '\ufeff'].map((text) =>
  Buffer.from(text),
);

/** Past a tab, or a character of no width. */
function pastTab(bytes: Buffer, at: number): number {
  if ((bytes[at] ?? 0) >= 0xe2) {
    const found = invisible.find((text) => text.equals(bytes.subarray(at, at + text.length)));
    return at + (found?.length ?? 0);
  }
  if (bytes[at] !== backslash) return at;
  const letter = pastBackslashes(bytes, at);
  return bytes[letter] === 0x74 ? letter + 1 : at;
}

/** Past `ESC [ … m`, however ESC is written. */
export function pastControls(bytes: Buffer, from: number): number {
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

/** Past one newline, as a byte or escaped, or `at` itself. */
export function pastNewline(bytes: Buffer, at: number): number {
  if (bytes[at] === 0x0d && bytes[at + 1] === newline) return at + 2;
  if (bytes[at] === newline) return at + 1;
  if (bytes[at] !== backslash) return at;
  const letter = pastBackslashes(bytes, at);
  if (bytes[letter] === 0x6e) return letter + 1;
  if (bytes[letter] !== 0x72 || bytes[letter + 1] !== backslash) return at;
  const second = pastBackslashes(bytes, letter + 1);
  return bytes[second] === 0x6e ? second + 1 : at;
}

// Line numbers of `cat -n` and of editors, and the mark of a diff.
const margin = /^(?:[ \t]*\d{1,6}(?:\t|\\{1,64}t|\xe2\x86\x92|[:|]))?[+-]?/;

/** Past the prefix a tool adds to a line, and the indentation. */
export function pastMargin(bytes: Buffer, lineStart: number): number {
  const found = margin.exec(bytes.toString('latin1', lineStart, lineStart + 96));
  return pastBlanks(bytes, lineStart + (found?.[0].length ?? 0));
}
