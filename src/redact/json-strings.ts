import { alphabet, backslash, isIn } from './alphabet.js';

/** The content of a JSON string: after the opening quote, before the closing one. */
export interface JsonString {
  readonly start: number;
  readonly end: number;
}

const quote = 0x22;
const blanks = alphabet(' \t\r\n');
/** Longer JSON text is assumed to be valid rather than parsed. */
const longestParsed = 128 * 1024 * 1024;

/** The strings of one JSON text, including keys, in order. Correct only if the text is valid. */
export function* jsonStrings(bytes: Buffer, start: number, end: number): Generator<JsonString> {
  let at = bytes.indexOf(quote, start);
  while (at !== -1 && at < end) {
    const close = closingQuote(bytes, at + 1, end);
    yield { start: at + 1, end: close };
    at = bytes.indexOf(quote, close + 1);
  }
}

function closingQuote(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at += 1) {
    if (bytes[at] === quote) return at;
    if (bytes[at] === backslash) at += 1;
  }
  return end;
}

/** Whether the bytes may be JSON: they begin with a bracket, a brace or a quote. */
export function looksLikeJson(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0x09)) at += 1;
  return bytes[at] === 0x7b || bytes[at] === 0x5b || bytes[at] === quote;
}

/**
 * Whether it ends the way it begins. A failed parse costs more than a successful one, so obvious
 * cases are ruled out first.
 */
function endsLikeJson(bytes: Buffer, start: number, end: number): boolean {
  let first = start;
  while (first < end && isIn(blanks, bytes[first])) first += 1;
  let last = end - 1;
  while (last > first && isIn(blanks, bytes[last])) last -= 1;
  if (bytes[first] === quote) return last > first && bytes[last] === quote;
  return bytes[last] === (bytes[first] === 0x7b ? 0x7d : 0x5d);
}

export function isJson(bytes: Buffer, start: number, end: number): boolean {
  if (!looksLikeJson(bytes, start, end) || !endsLikeJson(bytes, start, end)) return false;
  if (end - start > longestParsed) return true;
  try {
    JSON.parse(bytes.toString('latin1', start, end));
    return true;
  } catch {
    return false;
  }
}
