/** A set of byte values: 256 entries, 1 for a member. Bytes of multi-byte UTF-8 are never members of the sets below. */
export type Alphabet = Uint8Array;

/**
 * Builds a set from members and ranges as in a regular expression's class: `A-Za-z0-9_-` (a `-` at
 * the end is literal).
 */
export function alphabet(members: string): Alphabet {
  const set = new Uint8Array(256);
  for (let at = 0; at < members.length; at += 1) {
    const first = members.charCodeAt(at);
    const isRange = members[at + 1] === '-' && at + 2 < members.length;
    const last = isRange ? members.charCodeAt(at + 2) : first;
    for (let byte = first; byte <= last; byte += 1) set[byte] = 1;
    if (isRange) at += 2;
  }
  return set;
}

export const digits = alphabet('0-9');
export const hexDigits = alphabet('0-9A-Fa-f');
export const alphanumeric = alphabet('A-Za-z0-9');
export const word = alphabet('A-Za-z0-9_');
export const urlSafe = alphabet('A-Za-z0-9_-');
export const base64 = alphabet('A-Za-z0-9+/');
export const base64Any = alphabet('A-Za-z0-9+/_-');

export const backslash = 0x5c;
export const newline = 0x0a;

/** First position at or after `from`, but at most `limit`, whose byte is not in the set. */
export function runEnd(bytes: Buffer, from: number, set: Alphabet, limit: number): number {
  const end = Math.min(limit, bytes.length);
  let at = from;
  while (at < end && set[bytes[at] ?? 0] === 1) at += 1;
  return at;
}

/** Start of the run of the set's bytes that ends before `to`; at least `limit`. */
export function runStart(bytes: Buffer, to: number, set: Alphabet, limit: number): number {
  const start = Math.max(limit, 0);
  let at = to;
  while (at > start && set[bytes[at - 1] ?? 0] === 1) at -= 1;
  return at;
}

export function isIn(set: Alphabet, byte: number | undefined): boolean {
  return byte !== undefined && set[byte] === 1;
}

/**
 * Position after any backslashes that begin at `from`, however many: the depth of JSON is never
 * counted.
 */
export function pastBackslashes(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === backslash) at += 1;
  return at;
}

/** Position of the first of any backslashes that end before `to`. */
export function beforeBackslashes(bytes: Buffer, to: number): number {
  let at = to;
  while (at > 0 && bytes[at - 1] === backslash) at -= 1;
  return at;
}
