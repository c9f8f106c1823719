import { alphabet, isIn, pastBackslashes, runEnd } from '../alphabet.js';
import type { ScanContext } from '../scan-context.js';
import { readAndJudge } from './finding.js';
import type { NameSense } from './name-sense.js';
import type { Gap } from './tie.js';

/** Several values of one name: lists, and a value with its replacement. */

const listOpening =
  /^\\{0,64}["'`]?[ \t]{0,4}(?:[:=]|=>|:=)[ \t]{0,4}(?:\[|(?:\r?\n|(?:\\{1,64}r)?\\{1,64}n)(?:[ \t]{0,8}\d{1,6}(?:\t|\\{1,64}t|\xe2\x86\x92))?[ \t]{0,24}- )/;
const mostListed = 64;
const quotes = alphabet('"\'`');
const blanks = alphabet(' \t');
const operators = alphabet(':=>');

export function isListAfter(bytes: Buffer, nameEnd: number): boolean {
  return (
    mayOpenList(bytes, nameEnd) &&
    listOpening.test(bytes.toString('latin1', nameEnd, nameEnd + 120))
  );
}

const listBytes = alphabet('[\r\n\\');
const longestPadding = 4;

/** Cheaper than the expression: after most plurals (`input_tokens`) comes a number. */
function mayOpenList(bytes: Buffer, nameEnd: number): boolean {
  const quote = pastBackslashes(bytes, nameEnd);
  const closed = isIn(quotes, bytes[quote]) ? quote + 1 : nameEnd;
  const sign = runEnd(bytes, closed, blanks, closed + longestPadding);
  const value = runEnd(bytes, sign, operators, sign + 2);
  if (value === sign) return false;
  return isIn(listBytes, bytes[runEnd(bytes, value, blanks, value + longestPadding)]);
}

/** `["…", "…"]`, or one value per line after a dash. */
export function readList(
  context: ScanContext,
  nameEnd: number,
  first: Gap,
  sense: NameSense,
): void {
  let gap: Gap | undefined = { ...first, tie: 'spaced' };
  for (let count = 0; gap !== undefined && count < mostListed; count += 1) {
    context.charge(2);
    const end: number | undefined = readAndJudge(context, nameEnd, gap, sense);
    gap = end === undefined ? undefined : nextListed(context.bytes, end);
  }
}

/** A value and its replacement: `"…" -> "…"`. */
export function readChange(
  context: ScanContext,
  nameEnd: number,
  gap: Gap,
  sense: NameSense,
): void {
  const end = readAndJudge(context, nameEnd, gap, sense);
  const arrow = end === undefined ? null : change.exec(context.text(end, end + 100));
  if (end === undefined || arrow === null) return;
  readAndJudge(context, nameEnd, { valueAt: end + arrow[0].length, tie: 'spaced' }, sense);
}

const change = /^\\{0,64}["'`]?[ \t]{1,4}(?:->|=>|\xe2\x86\x92)[ \t]{1,4}(?=\\{0,64}["'`])/;

const betweenListed =
  /^(?:\\{0,64}["'`])?[ \t]{0,4}(?:,(?:\s|\\{1,64}[nrt]){0,40}|(?:\r?\n|(?:\\{1,64}r)?\\{1,64}n)(?:[ \t]{0,8}\d{1,6}(?:\t|\\{1,64}t|\xe2\x86\x92))?[ \t]{0,24}- )(?=[^\s\]])/;

function nextListed(bytes: Buffer, valueEnd: number): Gap | undefined {
  const found = betweenListed.exec(bytes.toString('latin1', valueEnd, valueEnd + 160));
  return found === null ? undefined : { valueAt: valueEnd + found[0].length, tie: 'spaced' };
}
