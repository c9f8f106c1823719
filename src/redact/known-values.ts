import type { Trigger } from './detector.js';
import { type Passage, weights } from './passage.js';

/** Values that the caller knows to be secret, wherever they appear: plainly, URL-encoded, and escaped as JSON up to three deep. */

const shortest = 8;
const depths = 3;

const commonWords = new Set(
  (
    'password passwort changeme localhost production development staging testing undefined disabled enabled required ' +
    'optional username administrator postgres postgresql database default example container kubernetes frontend backend ' +
    'internal external template workspace repository documents xterm-256color truecolor'
  ).split(' '),
);

export function knownTriggers(values: readonly string[]): readonly Trigger[] {
  const literals = new Set(values.filter(isUsable).map(trimmed).flatMap(spellings));
  return [...literals]
    .filter((literal) => literal.length >= shortest)
    .sort((a, b) => b.length - a.length)
    .map((literal) => ({
      literal,
      detector: {
        isWorthwhile: () => true,
        detect: (passage: Passage, at: number) =>
          passage.add(at, at + literal.length, 'known', weights.known),
      },
    }));
}

function isUsable(value: string): boolean {
  const text = trimmed(value);
  if (Buffer.byteLength(text) < shortest || commonWords.has(text.toLowerCase())) return false;
  return new Set(text).size > 2 && !/^(?:true|false|null)$/i.test(text);
}

/** Ends of blanks and backslashes could not be told from what surrounds the value. */
function trimmed(value: string): string {
  return value.replace(/^[\s\\]+|[\s\\]+$/g, '');
}

/** Byte strings, one latin1 character per byte. */
function spellings(value: string): readonly string[] {
  const found = [value, encoded(value)];
  let utf8 = value;
  let ascii = value;
  for (let depth = 1; depth <= depths; depth += 1) {
    utf8 = JSON.stringify(utf8).slice(1, -1);
    ascii = asciiOnly(JSON.stringify(ascii).slice(1, -1));
    found.push(utf8, ascii);
  }
  return found.map((text) => Buffer.from(text, 'utf8').toString('latin1'));
}

/** A lone surrogate, which cannot be URL-encoded, becomes U+FFFD and then matches nothing. */
function encoded(value: string): string {
  return encodeURIComponent(Buffer.from(value).toString());
}

function asciiOnly(text: string): string {
  return text.replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
