import { type Identifier, identifiersIn } from './identifiers.js';
import { coarseTerm, term } from './term.js';

/** Terms that begin with a text, or that are equal to it. */
export interface TermRange {
  readonly text: string;
  readonly isPrefix: boolean;
}

/** One term of any of these ranges. */
export type Need = readonly TermRange[];

/**
 * What texts with a match of this word must have among their terms, all of it. It may ask for too
 * little, never for too much.
 */
export function needsOf(
  word: string,
  { isSubstring }: { readonly isSubstring: boolean },
): readonly Need[] {
  // White space matches any other.
  const text = /\s/.test(word.trim()) || isSubstring ? word.trim().replace(/\s+/g, ' ') : word;
  return identifiersIn(text).flatMap((one) => needsOfIdentifier(one, isSubstring));
}

/** What begins in the midst of a word is no beginning of a term. */
function needsOfIdentifier({ letters, isFirst, isLast }: Identifier, isSubstring: boolean): Need[] {
  const needs: Need[] = [];
  let stretch = '';
  let isInside = isFirst && isSubstring;
  const close = (isOpen: boolean): void => {
    if (stretch !== '' && !isInside) needs.push(spelled(stretch, isOpen));
    stretch = '';
    isInside = false;
  };
  for (const [at, { sign, isIdeograph }] of letters.entries()) {
    if (!isIdeograph) {
      stretch += sign;
      continue;
    }
    close(false);
    const next = letters[at + 1]?.sign;
    needs.push([{ text: sign + (next ?? ''), isPrefix: next === undefined && isLast }]);
  }
  close(isLast);
  return needs;
}

/** `isOpen`: the text may go on after it. */
function spelled(letters: string, isOpen: boolean): Need {
  const coarse = coarseTerm(letters);
  return [
    { text: term(letters), isPrefix: isOpen },
    { text: coarse, isPrefix: isOpen },
  ];
}
