import { backslash, newline } from '../alphabet.js';
import type { Trigger } from '../detector.js';
import { looksLikeJson } from '../json-strings.js';
import { type ScanContext, weights } from '../scan-context.js';

/**
 * Values the caller knows to be secret, wherever they appear: plain, URL-encoded, and JSON-escaped
 * up to three levels deep. Only the field names of a JSON row stay: readers rely on them.
 */

const shortest = 8;
const depths = 3;

const commonWords = new Set(
  (
    'password passwort changeme localhost production development staging testing undefined disabled enabled required ' +
    'optional username administrator postgres postgresql database default example container kubernetes frontend backend ' +
    'internal external template workspace repository documents xterm-256color truecolor'
  ).split(' '),
);

export function literalTriggers(values: readonly string[]): readonly Trigger[] {
  const literals = new Set(values.filter(isUsable).map(trimmed).flatMap(spellings));
  return [...literals]
    .filter((literal) => literal.length >= shortest)
    .sort((a, b) => b.length - a.length)
    .map((literal) => ({
      literal,
      detector: {
        isWorthwhile: () => true,
        detect: (context: ScanContext, at: number) => {
          const end = at + literal.length;
          if (!isInFieldName(context.bytes, at, end)) context.add(at, end, 'known', weights.known);
        },
      },
    }));
}

function isUsable(value: string): boolean {
  const text = trimmed(value);
  if (Buffer.byteLength(text) < shortest || commonWords.has(text.toLowerCase())) return false;
  return new Set(text).size > 2 && !/^(?:true|false|null)$/i.test(text);
}

const longestName = 256;
const quote = 0x22;
const colon = 0x3a;

/**
 * Whether the bytes are part of a key of the row itself; keys of JSON inside its strings have a
 * backslash before their quotes.
 */
function isInFieldName(bytes: Buffer, start: number, end: number): boolean {
  const opening = start - 1 - lengthOutsideQuotes(bytes, start - 1, -1);
  const closing = end + lengthOutsideQuotes(bytes, end, 1);
  if (bytes[opening] !== quote || bytes[opening - 1] === backslash) return false;
  if (bytes[closing] !== quote || bytes[closing - 1] === backslash) return false;
  let after = closing + 1;
  while (bytes[after] === 0x20) after += 1;
  if (bytes[after] !== colon) return false;
  return looksLikeJson(bytes, bytes.lastIndexOf(newline, start) + 1, bytes.length);
}

function lengthOutsideQuotes(bytes: Buffer, from: number, step: 1 | -1): number {
  let length = 0;
  while (length < longestName && isNameByte(bytes[from + length * step])) length += 1;
  return length;
}

function isNameByte(byte: number | undefined): boolean {
  return byte !== undefined && byte !== quote && byte !== backslash && byte !== newline;
}

/** Blanks and backslashes at the ends could not be distinguished from the text around the value. */
function trimmed(value: string): string {
  return value.replace(/^[\s\\]+|[\s\\]+$/g, '');
}

type Escape = (text: string) => string;

const jsonText: Escape = (text) => JSON.stringify(text).slice(1, -1);

/**
 * How serializers escape one level of JSON: minimally, in ASCII only, with `\/` (PHP), with `+ & <
 * > '` as `\u002B` (.NET).
 */
const escapes: readonly Escape[] = [
  jsonText,
  (text) => unicodeEscaped(jsonText(text), /[\u0080-\uffff]/g),
  (text) => jsonText(text).replaceAll('/', '\\/'),
  (text) => unicodeEscaped(jsonText(text).replaceAll('\\"', '"'), /["&'+<>\u0080-\uffff]/g),
  (text) => unicodeEscaped(jsonText(text), /[&<>]/g),
];

/** No serializer escapes any of it. */
const plain = /^[\w.-]+$/;

/** Byte strings, one latin1 character per byte. */
function spellings(value: string): readonly string[] {
  if (plain.test(value)) return [value];
  const found = [value, encoded(value)];
  for (const spell of escapes) {
    let text = spell(value);
    for (let depth = 1; depth <= depths; depth += 1) {
      found.push(text);
      text = jsonText(text);
    }
  }
  const upper = found.map((text) => text.replace(/u00[0-9a-f]{2}/g, toUpperHex));
  return [...found, ...upper].map((text) => Buffer.from(text, 'utf8').toString('latin1'));
}

function toUpperHex(text: string): string {
  return `u${text.slice(1).toUpperCase()}`;
}

/** A lone surrogate, which cannot be URL-encoded, becomes U+FFFD and then matches nothing. */
function encoded(value: string): string {
  return encodeURIComponent(Buffer.from(value).toString());
}

function unicodeEscaped(text: string, chars: RegExp): string {
  return text.replace(chars, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
