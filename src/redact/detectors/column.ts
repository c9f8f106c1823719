import { alphabet, backslash, isIn, pastBackslashes, runEnd } from '../alphabet.js';
import { fits, isSecretValue } from '../assignments/judge.js';
import { bareName, secretNameOf } from '../assignments/names.js';
import type { Trigger } from '../detector.js';
import type { NamedRule } from '../rule.js';
import { type ScanContext, weights } from '../scan-context.js';

/**
 * Tables whose first line names their columns: CSV with any separator, Markdown, output of database
 * clients.
 */

const words = [
  ...['password', 'passwd', 'passphrase', 'secret', 'token', 'api_key', 'apikey', 'api key'],
  ...['access key', 'access_key', 'private_key', 'private key', 'pwd', 'credential'],
];

const longestTable = 8 * 1024;
const longestHeader = 400;
const mostRows = 200;
const newline = /\r?\n|\\{1,64}r\\{1,64}n|\\{1,64}n/g;
const separators = [/,/g, /;/g, /\t|\\{1,64}t/g, /\||\xe2\x94[\x82\x83]|\\{1,64}u250[23]/g];
const heading = /^["'\\]*[A-Za-z_][\w .()#/-]{0,40}["'\\]*$/;
const rule = /^[\s|+:=-]*$|^(?:\xe2[\x94\x95][\x80-\xbf]|\s)*$/;

export function columnTriggers(named: readonly NamedRule[]): readonly Trigger[] {
  return words.map((literal) => ({
    literal,
    fold: true,
    detector: {
      isWorthwhile: (bytes: Buffer, at: number) => isHeading(bytes, at, at + literal.length),
      detect: (context: ScanContext, at: number) => detect(context, at, named),
    },
  }));
}

/** Whether a separator or the end of the line follows, and a separator or the start of the line precedes. */
function isHeading(bytes: Buffer, start: number, end: number): boolean {
  let at = end;
  while (at < end + longestHeading && isIn(headingBytes, bytes[at])) at += 1;
  at = runEnd(bytes, at, padding, at + longestPadding);
  if (!isSeparatorAt(bytes, at)) return false;
  return /(?:^|[,;\t|\n]|\xe2\x94[\x82\x83]|\\t|\\n|")["'\\]*[\w ]{0,24}$/.test(
    bytes.toString('latin1', Math.max(0, start - 32), start),
  );
}

const longestHeading = 16;
const longestPadding = 40;
const headingBytes = alphabet('A-Za-z0-9_ ');
const padding = alphabet(' "\'');
const separatorBytes = alphabet(',;\t|\r\n\xe2');

function isSeparatorAt(bytes: Buffer, at: number): boolean {
  if (isIn(separatorBytes, bytes[at])) return true;
  if (bytes[at] !== backslash) return false;
  const letter = pastBackslashes(bytes, at);
  if (isIn(quoteBytes, bytes[letter])) return isSeparatorAt(bytes, letter + 1);
  return isIn(escapeLetters, bytes[letter]);
}

const quoteBytes = alphabet('"\'');
const escapeLetters = alphabet('trn');

/** The cost of finding the bounds of the table around a heading. */
const lookUnits = 64;

function detect(context: ScanContext, at: number, named: readonly NamedRule[]): void {
  // A row of a table that was already read is not another table's header.
  if (at < (context.searchedTo.get(words) ?? 0)) return;
  context.charge(lookUnits);
  const table = tableAround(context, at);
  if (table === undefined || !context.isFirstVisit(-1 - table.start)) return;
  context.charge(8 + (table.text.length >> 4));
  const [header, ...lines] = linesOf(table.text);
  const separator = separators.find((sign) => header?.text.search(sign) !== -1);
  if (header === undefined || separator === undefined) return;
  const names = header.text.split(separator).map((cell) => cell.trim());
  const headings = names.filter((name) => name !== '');
  if (headings.length < 2 || !headings.every((name) => heading.test(name))) return;
  const rows = rowsOf(lines, separator, names.length);
  context.charge(rows.length * 4);
  const last = rows.at(-1)?.at(-1);
  if (last !== undefined)
    context.searchedTo.set(words, table.start + last.start + last.text.length);
  names.forEach((name, index) => {
    readColumn(context, table.start, rows, { index, name: name.replace(/["'\\]/g, '') }, named);
  });
}

/** The cells of each line with as many cells as the header; ruled lines are skipped. */
function rowsOf(
  lines: readonly Line[],
  separator: RegExp,
  width: number,
): readonly (readonly Line[])[] {
  const rows: (readonly Line[])[] = [];
  for (const line of lines) {
    if (rule.test(line.text)) continue;
    const cells = cellsOf(line, separator);
    if (cells.length !== width) break;
    rows.push(cells);
  }
  return rows;
}

interface Line {
  readonly start: number;
  readonly text: string;
}

/** From the beginning of the header's line to the end of the text. */
function tableAround(context: ScanContext, at: number): Line | undefined {
  const from = Math.max(0, at - longestHeader);
  const before = context.text(from, at);
  const last = [...before.matchAll(opening)].at(-1);
  if (last === undefined && from > 0) return undefined;
  const start = last === undefined ? from : from + last.index + last[0].length;
  const text = context.text(start, Math.min(context.bytes.length, start + longestTable));
  const end = text.search(closingOf(last?.groups?.depth));
  return { start, text: end === -1 ? text : text.slice(0, end) };
}

/** A newline, or the quote that begins a string. */
const opening = /\n|\\{1,64}n|(?:[:[({=,]\s?|^)(?<depth>\\{0,64})["'`]/g;

/** Matches the end of a string whose opening quote had that many backslashes. */
function closingOf(depth: string | undefined): RegExp {
  return depth === undefined ? /(?!)/ : new RegExp(`(?<!\\\\)\\\\{${depth.length}}["'\`]`);
}

function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (const found of text.matchAll(newline)) {
    lines.push({ start, text: text.slice(start, found.index) });
    start = found.index + found[0].length;
    if (lines.length > mostRows) return lines;
  }
  return [...lines, { start, text: text.slice(start) }];
}

function cellsOf(line: Line, separator: RegExp): readonly Line[] {
  const cells: Line[] = [];
  let start = 0;
  for (const found of line.text.matchAll(separator)) {
    cells.push({ start: line.start + start, text: line.text.slice(start, found.index) });
    start = found.index + found[0].length;
  }
  return [...cells, { start: line.start + start, text: line.text.slice(start) }];
}

interface Column {
  readonly index: number;
  readonly name: string;
}

function readColumn(
  context: ScanContext,
  tableStart: number,
  rows: readonly (readonly Line[])[],
  column: Column,
  named: readonly NamedRule[],
): void {
  const name = secretNameOf(column.name);
  const bare = bareName(column.name);
  const shapes = named.filter((row) => row.name.test(bare));
  if (name === undefined && shapes.length === 0) return;
  for (const cells of rows) {
    const cell = cells[column.index];
    if (cell === undefined) continue;
    const lead = /^[\s"'\\]*/.exec(cell.text)?.[0].length ?? 0;
    const value = cell.text.slice(lead).replace(/[\s"'\\]+$/, '');
    context.charge(2 + (value.length >> 4));
    const start = tableStart + cell.start + lead;
    const found = {
      valueStart: start,
      valueEnd: start + value.length,
      tie: 'spaced',
      isQuoted: true,
      isCalled: false,
    } as const;
    const shape = shapes.find((row) => fits(row, value));
    const isSecret = name !== undefined && value.length >= 6 && isSecretValue(name, value, found);
    const kind = shape?.kind ?? (isSecret ? name.kind : undefined);
    if (kind !== undefined) context.add(found.valueStart, found.valueEnd, kind, weights.generic);
  }
}
