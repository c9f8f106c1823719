import { alphabet, backslash, isIn, runEnd } from '../alphabet.js';
import { isAfterEscape, pastBrokenEscape } from '../boundary.js';

const nameBytes = alphabet('A-Za-z0-9_-');
const nameOrDot = alphabet('A-Za-z0-9_.-');
const controlLetters = alphabet('nrt');
const controlParameters = alphabet('0-9;?');
const longestName = 64;

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

/** Past the rest of a colour code (`31m`) before a name. */
function pastColour(bytes: Buffer, start: number): number {
  const end = runEnd(bytes, start, controlParameters, start + 4) + 1;
  return bytes[end - 1] === 0x6d && isAfterEscape(bytes, end) ? end : start;
}
