import type { ScanContext } from './scan-context.js';

/**
 * What a tool adds around each line of a text: file names and line numbers (grep), times (logs),
 * diff marks, an `echo "…" >>`. Learned from one line with known content, then removed from the
 * others.
 */
export interface Frame {
  readonly before: RegExp;
  readonly after: RegExp;
  readonly lineBreak: RegExp;
}

/** The bytes of a line without its frame. */
export interface Framed {
  readonly start: number;
  readonly end: number;
  /** Where the next line begins; `undefined` after the last one. */
  readonly next: number | undefined;
}

const longestFrame = 200;
const longestLine = 600;
const mostBeginnings = 12;
const mostDepths = 4;

// What separates lines: newlines, HTML, the strings of a list, encoded newlines.
const plainBreaks: readonly RegExp[] = [
  /\r?\n/g,
  /<br ?\/?>(?:\r?\n|\\{1,64}n)?/gi,
  /\\{0,64}",[ \t]?\\{0,64}"/g,
  /&#(?:10|x0?a);/gi,
  /%0a|%0d%0a|%5cn/gi,
];

/**
 * The possible frames of the line that contains the known bytes: for each possible line break, the
 * longest first.
 */
export function* framesAround(
  context: ScanContext,
  start: number,
  end: number,
): Generator<Frame, void> {
  const behind = context.text(end, end + longestFrame);
  const ahead = context.text(Math.max(0, start - longestFrame), start);
  for (const { expression, index } of breaksIn(behind, ahead)) {
    const after = expressionOf(behind.slice(0, index));
    const line = ahead.slice(lastBreakEnd(ahead, expression));
    for (const before of beginnings(line)) {
      context.charge(8);
      yield { before: expressionOf(before), after, lineBreak: expression };
    }
  }
}

interface Break {
  readonly index: number;
  readonly expression: RegExp;
}

/** Those after the line, nearest first; if it is the last line, those before it. */
function breaksIn(behind: string, ahead: string): readonly Break[] {
  const lineBreaks = [...plainBreaks, ...escapedBreaks(behind + ahead)];
  const found = lineBreaks
    .map((expression) => ({ expression, index: firstBreak(behind, expression) }))
    .filter(({ index }) => index !== -1)
    .sort((a, b) => a.index - b.index);
  if (found.length > 0) return found;
  return lineBreaks
    .map((expression) => ({ expression, index: lastBreakEnd(ahead, expression) }))
    .filter(({ index }) => index > 0)
    .sort((a, b) => b.index - a.index)
    .map(({ expression }) => ({ expression, index: 0 }));
}

/**
 * Escaped newlines: the number of backslashes depends on the depth of JSON, and differs again in
 * code that builds text.
 */
function escapedBreaks(text: string): readonly RegExp[] {
  const depths = new Set([...text.matchAll(/\\{1,64}(?=n)/g)].map((found) => found[0].length));
  return [...depths]
    .slice(0, mostDepths)
    .map((depth) => new RegExp(`(?<!\\\\)(?:\\\\{${depth}}r)?\\\\{${depth}}n`, 'g'));
}

function firstBreak(text: string, expression: RegExp): number {
  expression.lastIndex = 0;
  return expression.exec(text)?.index ?? -1;
}

function lastBreakEnd(text: string, expression: RegExp): number {
  let end = 0;
  for (const found of text.matchAll(expression)) end = found.index + found[0].length;
  return end;
}

/** A line may begin within the text before it: after the quote that opens a string. */
function beginnings(line: string): readonly string[] {
  const starts = [0];
  for (const found of line.matchAll(/\\{0,64}["'`]/g)) {
    starts.push(found.index, found.index + found[0].length);
  }
  return [...new Set([...starts.slice(-mostBeginnings), line.length])].map((start) =>
    line.slice(start),
  );
}

const escapeCode = String.raw`(?:\x1b\[[\d;]{0,16}[A-Za-z]|\\{1,64}u001b\[[\d;]{0,16}[A-Za-z])`;
const piece = new RegExp(
  String.raw`(?<code>${escapeCode})|(?<blank>(?:[ \t]|\\{1,64}t)+)|(?<word>[A-Za-z0-9]+)|(?<quote>\\{0,64}["'])|(?<sign>[^])`,
  'g',
);

/**
 * The frame's text with variable numbers, colours and widths; the separators stay, so that one pass
 * matches it.
 */
function expressionOf(text: string): RegExp {
  const codes = `${escapeCode}{0,8}`;
  let source = codes;
  for (const { groups } of text.matchAll(piece)) {
    const { blank, word, quote, sign } = groups ?? {};
    if (blank !== undefined) source += String.raw`(?:[ \t]|\\{1,64}t)+`;
    else if (word !== undefined) source += /\d/.test(word) ? '[A-Za-z0-9]+' : word;
    else if (quote !== undefined) source += String.raw`\\{0,64}${quote.at(-1)}`;
    else if (sign !== undefined) source += signExpression(sign);
    else continue;
    source += codes;
  }
  return new RegExp(source, 'y');
}

/** grep writes `file:1:` before a match and `file-2-` before the lines around it. */
function signExpression(sign: string): string {
  if (sign === ':' || sign === '-') return '[:-]';
  if (sign === '^') return String.raw`\^?`;
  return sign.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
}

/** The line that begins at `at`, without its frame; `undefined` if its frame differs. */
export function unframed(context: ScanContext, at: number, frame: Frame): Framed | undefined {
  const text = context.text(at, at + longestLine);
  context.charge(2);
  frame.lineBreak.lastIndex = 0;
  const found = frame.lineBreak.exec(text);
  const length = found === null ? text.length : found.index;
  const line = text.slice(0, length);
  frame.before.lastIndex = 0;
  if (!frame.before.test(line)) return undefined;
  const start = at + frame.before.lastIndex;
  const next = found === null ? undefined : at + found.index + found[0].length;
  return { start, end: at + length, next };
}

/**
 * The starts of the lines in the stretch before `at`, the last first. The first line's start is
 * uncertain: after one of the quotes before it.
 */
export function lineStartsBefore(
  context: ScanContext,
  at: number,
  reach: number,
  { lineBreak }: Frame,
): { readonly sure: readonly number[]; readonly first: readonly number[] } {
  const from = Math.max(0, at - reach);
  const text = context.text(from, at);
  const breaks = [...text.matchAll(lineBreak)];
  const sure = breaks.map((found) => from + found.index + found[0].length).reverse();
  const head = text.slice(0, breaks[0]?.index ?? 0).slice(0, longestLine);
  const first = [0];
  for (const found of head.matchAll(/\\{0,64}["'`]/g)) first.push(found.index + found[0].length);
  return { sure, first: first.slice(-mostBeginnings).map((start) => from + start) };
}
