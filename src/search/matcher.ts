import { messageOf, UsageError } from '../errors.js';
import { createPrefilter, type Prefilter } from './prefilter.js';
import { beginsSubWord, endsSubWord, isIdentifier, subWordsOf } from './sub-words.js';
import { type Need, needsOf } from './terms/query-terms.js';

export interface Query {
  /** Words, and phrases if they contain spaces. */
  readonly words: readonly string[];
  /** One of the words is enough. */
  readonly isAny: boolean;
  /** Words match as a whole, not as the beginning of a sub-word. */
  readonly isWhole: boolean;
  /** Words match anywhere, even in the middle of another word. */
  readonly isSubstring: boolean;
  /** The words form one regular expression. */
  readonly isRegex: boolean;
}

/** A match in a text. */
export interface Found {
  readonly at: number;
  readonly end: number;
}

export interface Matcher {
  /** The number of search terms. */
  readonly count: number;
  /** The first match of each term; `undefined` if it does not occur. */
  find(text: string): readonly (Found | undefined)[];
  /** Whether these matches are enough. */
  isMatch(found: readonly (Found | undefined)[]): boolean;
  /** Which lines of a part may match. */
  readonly prefilter: Prefilter;
  /** What the texts with each term have in the word index of a pack. */
  readonly needs: readonly (readonly Need[])[];
  /** One of the terms is enough. */
  readonly isAny: boolean;
}

type Term = (text: string) => Found | undefined;

export function createMatcher(query: Query): Matcher {
  const words = query.words.filter((word) => word.trim() !== '');
  if (words.length === 0) {
    throw new UsageError('nothing to search for', { hint: 'Name one or more words.' });
  }
  const terms = query.isRegex
    ? [regexTerm(words.join(' '))]
    : words.map((word) => wordTerm(word, query));
  const isAny = query.isAny && !query.isRegex;
  const isMatch = (found: readonly (Found | undefined)[]): boolean =>
    isAny ? found.some(isThere) : found.every(isThere);
  let needs: readonly (readonly Need[])[] | undefined;
  return {
    count: terms.length,
    find: (text) => terms.map((term) => term(text)),
    isMatch,
    isAny,
    get needs() {
      needs ??= query.isRegex ? [[]] : words.map((word) => needsOf(word, query));
      return needs;
    },
    prefilter: createPrefilter(
      terms.map((_, index) => (query.isRegex ? undefined : words[index])),
      { isAny },
    ),
  };
}

function isThere(found: Found | undefined): boolean {
  return found !== undefined;
}

function regexTerm(source: string): Term {
  let regex: RegExp;
  try {
    regex = new RegExp(source, hasCapital(source) ? 'u' : 'iu');
  } catch (error) {
    const why = messageOf(error);
    throw new UsageError(`not a regular expression: ${source.slice(0, 200)}`, {
      hint: why.slice(0, 300),
      cause: error,
    });
  }
  return (text) => {
    const found = regex.exec(text);
    return found === null ? undefined : { at: found.index, end: found.index + found[0].length };
  };
}

/** Whoever writes a capital letter means it; that of an escape, as in `\W`, is none. */
function hasCapital(source: string): boolean {
  return /\p{Lu}/u.test(source.replace(/\\[pP]\{[^}]*\}|\\./gsu, ''));
}

/**
 * In an identifier, sub-words may be joined by any `_` and `-` or by none: `toolResult` finds
 * `tool_result`.
 */
function wordTerm(word: string, { isWhole, isSubstring }: Query): Term {
  const source = /\s/.test(word.trim()) || isSubstring ? phraseSource(word) : joinedSource(word);
  const regex = new RegExp(source, 'giu');
  if (isSubstring) return (text) => firstOf(regex, text, () => true);
  const isWord = (text: string, { at, end }: Found): boolean =>
    beginsSubWord(text, at) && (!isWhole || endsSubWord(text, end));
  return (text) => firstOf(regex, text, (found) => isWord(text, found));
}

/** Any number and kind of spaces between the words of a phrase. */
function phraseSource(phrase: string): string {
  return phrase.trim().split(/\s+/).map(escaped).join('\\s+');
}

function joinedSource(word: string): string {
  const pieces = subWordsOf(word);
  return isIdentifier(word) ? pieces.map(escaped).join('[_-]*') : escaped(word);
}

function firstOf(
  regex: RegExp,
  text: string,
  isGood: (found: Found) => boolean,
): Found | undefined {
  regex.lastIndex = 0;
  for (let match = regex.exec(text); match !== null; match = regex.exec(text)) {
    const found = { at: match.index, end: match.index + match[0].length };
    if (isGood(found)) return found;
    // In the midst of a surrogate pair, a Unicode expression would go back to its beginning.
    regex.lastIndex = found.at + ((text.codePointAt(found.at) ?? 0) > 0xffff ? 2 : 1);
  }
  return undefined;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, (sign) => `\\x${hex(sign)}`);
}

function hex(sign: string): string {
  return sign.charCodeAt(0).toString(16).padStart(2, '0');
}
