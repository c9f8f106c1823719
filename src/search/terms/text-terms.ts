import { identifiersIn, type Letter } from './identifiers.js';
import { coarseTerm, longestCoarse, longestSpelled, term } from './term.js';

/** Adds the terms of one run of letters, whatever is around it. */
export function addTerms(run: string, terms: Set<string>): void {
  if (isAscii(run)) addAscii(run, terms);
  else for (const { letters } of identifiersIn(run)) addLetters(letters, terms);
}

/** Calls `take` with each run of letters and their joints, and whatever is not ASCII. */
export function forEachRun(text: string, take: (run: string) => void): void {
  let start = -1;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const isInside = code > 0x7f || isRun[code] === 1;
    if (isInside && start === -1) start = at;
    else if (!isInside && start !== -1) {
      take(text.slice(start, at));
      start = -1;
    }
  }
  if (start !== -1) take(text.slice(start));
}

const isRun = Uint8Array.from({ length: 128 }, (_, code) =>
  /[\w-]/.test(String.fromCharCode(code)) ? 1 : 0,
);

/** The same as below, for the nine in ten that are ASCII. */
function addAscii(run: string, terms: Set<string>): void {
  const letters = lettersOf(run);
  const isSpelled = letters.length <= longestSpelled;
  let place = 0;
  let before = joint;
  for (let at = 0; at < run.length; at += 1) {
    const here = asciiClass(run.charCodeAt(at));
    if (here !== joint) {
      if (begins(before, here, run.charCodeAt(at + 1))) {
        const rest = letters.slice(place);
        terms.add(isSpelled ? term(rest) : coarseTerm(rest));
      }
      place += 1;
    }
    before = here;
  }
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

function isAscii(run: string): boolean {
  for (let at = 0; at < run.length; at += 1) if (run.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** A function of its own: in the one with the loop, V8 of Node 20 makes it a hundred times slower. */
function lettersOf(run: string): string {
  const lower = run.toLowerCase();
  return /[_-]/.test(lower) ? lower.replace(/[_-]+/g, '') : lower;
}

const [joint, upper, lower, digit] = [0, 1, 2, 3];

function asciiClass(code: number): number {
  if (code >= 97) return lower;
  if (code === 95 || code === 45) return joint;
  return code >= 65 ? upper : digit;
}

/** As `beginsSubWord` has it. */
function begins(before: number, here: number, next: number): boolean {
  if (before === joint) return true;
  if (here !== upper) return false;
  return before !== upper || (next >= 97 && next <= 122);
}
