import { identifiersIn, type Letter } from './identifiers.js';
import { coarseTerm, longestCoarse, longestSpelled, term } from './term.js';

/** 1 for what a run of letters is made of: letters, their joints, and whatever is not ASCII. */
export const isRunByte = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > 0x7f || /[\w-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** Adds the terms of one run, whatever is around it. */
export function addTerms(run: string, terms: Set<string>): void {
  for (const { letters } of identifiersIn(run)) addLetters(letters, terms);
}

function addLetters(letters: readonly Letter[], terms: Set<string>): void {
  for (const [at, { isIdeograph, sign }] of letters.entries()) {
    if (isIdeograph) terms.add(sign + (letters[at + 1]?.sign ?? ''));
    else if (at === 0 || letters[at - 1]?.isIdeograph === true) addStretch(letters, at, terms);
  }
}

/** Up to the next ideograph. */
function addStretch(letters: readonly Letter[], from: number, terms: Set<string>): void {
  let end = from;
  while (letters[end]?.isIdeograph === false) end += 1;
  const stretch = letters.slice(from, end);
  const signs = stretch.map(({ sign }) => sign);
  const isSpelled = signs.join('').length <= longestSpelled;
  for (const [at, { beginsSubWord }] of stretch.entries()) {
    if (!beginsSubWord) continue;
    const rest = signs.slice(at, at + (isSpelled ? longestSpelled : longestCoarse)).join('');
    terms.add(isSpelled ? term(rest) : coarseTerm(rest));
  }
}
