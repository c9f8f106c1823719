/**
 * What the word index of a pack holds. At each beginning of a sub-word there is one term: what
 * follows in the same identifier, folded, without its joints. `checkout_totalSum` has
 * `checkouttotalsum`, `totalsum` and `sum`, so a word is there if its letters begin a term,
 * however the text joins them. In scripts without spaces a term is a character and the next one.
 */
export const longestTerm = 24;

/**
 * Encoded data has a beginning every few letters, and nobody searches for its middle. Of longer
 * stretches than this, terms are short and of a kind of their own.
 */
export const longestSpelled = 64;

export const longestCoarse = 3;
const coarseMark = '\u0001';

export function term(letters: string): string {
  return cut(letters, longestTerm);
}

export function coarseTerm(letters: string): string {
  return coarseMark + cut(letters, longestCoarse);
}

/** Never in the midst of a surrogate pair. */
function cut(letters: string, length: number): string {
  if (letters.length <= length) return letters;
  const isHalf = (letters.charCodeAt(length - 1) & 0xfc00) === 0xd800;
  return letters.slice(0, isHalf ? length - 1 : length);
}
