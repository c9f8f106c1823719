const hyphen = 0x2d;
const underscore = 0x5f;
const escapeSign = 0x1b;

/**
 * Where JSON may hide a part of a word, from a place on; -1 if nowhere: as an escape of an ASCII
 * character that words are made of or of one of `codes`, or behind a change of colour in the midst
 * of a word, which readers take out. Bytes were taken for characters.
 */
export function escapePlace(text: string, from: number, codes: ReadonlySet<number>): number {
  for (let at = text.indexOf('\\u', from); at !== -1; at = text.indexOf('\\u', at + 2)) {
    const code = Number.parseInt(text.slice(at + 2, at + 6), 16);
    if (isInWord(code) || codes.has(code)) return at;
    if (code === escapeSign && isColourInWord(text, at)) return at;
  }
  return -1;
}

/** Below 0x80 only; beyond, the caller knows which ones matter. */
function isInWord(code: number): boolean {
  if (code === hyphen || code === underscore) return true;
  const isDigit = code >= 0x30 && code <= 0x39;
  const lowered = code | 0x20;
  return isDigit || (code < 0x80 && lowered >= 0x61 && lowered <= 0x7a);
}

/** The longest sequence that is looked through; a longer one counts as one inside of a word. */
const mostParameters = 64;

function isColourInWord(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === backslash) before -= 1;
  if (before < 0 || !isWordByte(text.charCodeAt(before)) || text[at + 6] !== '[') return false;
  let end = at + 7;
  const most = end + mostParameters;
  while (end < most && isParameter(text.charCodeAt(end))) end += 1;
  if (end === most) return true;
  const next = text.charCodeAt(end + 1);
  return next === backslash || isWordByte(next);
}

const backslash = 0x5c;

/** From a blank to `?`: what stands between the bracket and the letter that ends a sequence. */
function isParameter(code: number): boolean {
  return code >= 0x20 && code <= 0x3f;
}

/** Any byte of a character outside of ASCII may belong to a letter. */
function isWordByte(code: number): boolean {
  return code >= 0x80 || isInWord(code);
}
