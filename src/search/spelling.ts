import { escapePlace } from './json-escapes.js';
import { isIdentifier, subWordsOf } from './sub-words.js';

/** How a word may be written in lines of JSON, whose UTF-8 bytes were taken for characters. */
export interface Spelling {
  /** How many characters stand in a row wherever the word is: the more, the rarer. */
  readonly length: number;
  /** Where the word may stand next, from a place on; -1 if nowhere. There is one for each way to write it. */
  readonly finders: readonly Finder[];
}

export type Finder = (text: string, from: number) => number;

/** Of a word, as far as it helps: longer ones are hardly rarer. */
const longest = 24;

/** `undefined` if nothing is known about how the word is written: any line may hold it. */
export function spellingOf(word: string): Spelling | undefined {
  const pieces = subWordsOf(word);
  const given = isIdentifier(word) ? pieces : [longestOf(pieces)];
  const signs = given.map((piece) => [...piece].slice(0, longest));
  // A piece that was cut short must be the last one.
  const end = signs.findIndex((piece) => piece.length === longest) + 1;
  const kept = end === 0 ? signs : signs.slice(0, end);
  const variants = new Map<string, readonly string[]>();
  for (const sign of kept.flat()) {
    const found = variantsOf(sign);
    if (found === undefined) return undefined;
    variants.set(sign, found);
  }
  return variants.size === 0 ? undefined : createSpelling(kept, variants);
}

function createSpelling(
  pieces: readonly (readonly string[])[],
  variants: ReadonlyMap<string, readonly string[]>,
): Spelling {
  const plain = pieces
    .map((piece) => piece.map((sign) => alternatives(variants.get(sign) ?? [])).join(''))
    .join('[_-]*');
  const regex = new RegExp(plain, 'gi');
  const all = [...variants.values()].flat();
  const others = all.flatMap((sign) => outsideAscii.get(sign.toLowerCase()) ?? []);
  const beyond = new Set([...all, ...others].filter((sign) => sign > '\x7f'));
  const codes = new Set([...beyond].map((sign) => sign.charCodeAt(0)));
  return {
    length: pieces.flat().length,
    finders: [
      (text, from) => {
        regex.lastIndex = from;
        return regex.exec(text)?.index ?? -1;
      },
      (text, from) => escapePlace(text, from, codes),
      ...[...new Set(others)].map((sign): Finder => {
        const bytes = Buffer.from(sign).toString('latin1');
        return (text, from) => text.indexOf(bytes, from);
      }),
    ],
  };
}

/** Only `k` and `s` have forms outside of ASCII that count as the same letter. */
const outsideAscii: ReadonlyMap<string, string> = new Map([
  ['k', '\u212a'],
  ['s', '\u017f'],
]);

function alternatives(signs: readonly string[]): string {
  const spelled = [...new Set(signs.map(bytesOf))];
  return spelled.length === 1 ? (spelled[0] ?? '') : `(?:${spelled.join('|')})`;
}

/** As an expression. Of letters and digits only, so nothing in ASCII needs to be escaped. */
function bytesOf(sign: string): string {
  if (sign <= '\x7f') return sign;
  return [...Buffer.from(sign)].map((byte) => `\\x${byte.toString(16)}`).join('');
}

/**
 * The characters that match this one when case is ignored; `undefined` if they are not known. For
 * ASCII the expression itself ignores case.
 */
function variantsOf(sign: string): readonly string[] | undefined {
  if (sign <= '\x7f') return [sign];
  // What has no case has no other form.
  if (sign.toLowerCase() === sign && sign.toUpperCase() === sign) return [sign];
  return sign.length > 1 ? undefined : (foldings.get(sign) ?? foldingsOf(sign));
}

/** Looking through all characters takes milliseconds. */
const foldings = new Map<string, readonly string[]>();

function foldingsOf(sign: string): readonly string[] {
  const regex = new RegExp(sign, 'giu');
  const found = everyCasedSign().match(regex) ?? [];
  foldings.set(sign, found);
  return found;
}

let casedSigns: string | undefined;

/** All characters with upper and lower case below the surrogates, in one text. */
function everyCasedSign(): string {
  if (casedSigns !== undefined) return casedSigns;
  const all = Array.from({ length: 0xd800 }, (_, code) => String.fromCharCode(code));
  casedSigns = all
    .filter((sign) => sign.toLowerCase() !== sign || sign.toUpperCase() !== sign)
    .join('');
  return casedSigns;
}

function longestOf(pieces: readonly string[]): string {
  return pieces.reduce(
    (best, piece) => (Buffer.byteLength(piece) > Buffer.byteLength(best) ? piece : best),
    '',
  );
}
