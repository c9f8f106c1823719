import { alphabet, isIn } from '../alphabet.js';
import { pastBlanks, pastMargin, pastNewline } from './blanks.js';

/** Where the value itself begins, and whether it is on a line of its own. */
export interface Decoration {
  readonly end: number;
  readonly isNextLine: boolean;
}

const longest = 200;

/**
 * What languages write before a value, by its first character: YAML's tags, anchors and block marks, PHP's `string(17)`,
 * SQL's `N'…'`, a wrapping call, the bracket of a list, the elements of a property list.
 */
const decorations: Readonly<Record<string, RegExp>> = {
  '!': /^!{1,2}[\w/:.-]{1,40}[ \t]{1,4}/,
  '&': /^&[\w-]{1,40}[ \t]{1,4}(?=[^\s=])/,
  '(': /^\(ConvertTo-SecureString(?:\s{1,4}-(?:String|AsPlainText|Force)){0,3}\s{1,4}/i,
  '*': /^\*{1,2}(?=[^\s*])/,
  '<': /^<(?:<(?=\\{0,64}")|!\[CDATA\[|\/?(?:string|b|strong|i|em|code|tt|kbd|td|dd|p|span|label|value|th|dt|mark)(?: [^<>\n]{1,80})?>)[ \t]{0,4}/,
  '{': /^\{(?:\s|\\{1,64}[nrt]){0,24}(?:\\{0,64}["'](?:type|sensitive)\\{0,64}["']\s?:\s?(?:true|false|\\{0,64}["']\w{1,16}\\{0,64}["']),(?:\s|\\{1,64}[nrt]){0,24}){0,2}\\{0,64}["']?(?:value|S|stringValue|_text|#text|\$t|secret|text|plain(?:text)?|default)\\{0,64}["']?\s?:\s?/,
  v: /^value:[ \t]{1,4}/,
  '[': /^(?:\[\[|\[\s{0,4}(?=\\{0,64}["'`]))/,
  C: /^ConvertTo-SecureString(?:\s{1,4}-(?:String|AsPlainText|Force)){0,3}\s{1,4}/i,
  N: /^N(?=\\{0,64}')/,
  S: /^(?:Some|Secret(?:Str(?:ing)?)?|String(?:::from)?)\(/,
  d: /^default\(/,
  i: /^is[ \t]{1,3}/,
  s: /^string\(\d{1,5}\)\s{1,4}/,
};
const lineBreaks = alphabet('|>\\\r\n');

export function pastDecoration(bytes: Buffer, from: number): Decoration {
  let end = from;
  let isNextLine = false;
  for (let round = 0; round < 4; round += 1) {
    const next = pastOne(bytes, end, isNextLine);
    if (next === end) break;
    isNextLine ||= isIn(lineBreaks, bytes[end]);
    end = next;
  }
  return { end, isNextLine };
}

function pastOne(bytes: Buffer, at: number, isNextLine: boolean): number {
  const byte = bytes[at] ?? 0;
  if (isIn(lineBreaks, byte)) return isNextLine ? at : pastLineBreak(bytes, at);
  const decoration = decorationOf[byte];
  if (decoration === undefined) return at;
  const found = decoration.exec(bytes.toString('latin1', at, at + longest));
  return at + (found?.[0].length ?? 0);
}

const decorationOf: readonly (RegExp | undefined)[] = Array.from(
  { length: 256 },
  (_, byte) => decorations[String.fromCharCode(byte)],
);

const blockMark = /^[|>][+-]?\d?[+-]?[ \t]*/;

/** Past a newline, with YAML's block mark before it and the indentation after it. */
function pastLineBreak(bytes: Buffer, at: number): number {
  const mark = blockMark.exec(bytes.toString('latin1', at, at + 8));
  const lineEnd = pastBlanks(bytes, at + (mark?.[0].length ?? 0));
  const lineStart = pastNewline(bytes, lineEnd);
  if (lineStart === lineEnd) return at;
  return pastListMark(bytes, pastMargin(bytes, lineStart));
}

/** `- value` in a YAML list. */
function pastListMark(bytes: Buffer, at: number): number {
  return bytes[at] === 0x2d && bytes[at + 1] === 0x20 ? pastBlanks(bytes, at + 1) : at;
}
