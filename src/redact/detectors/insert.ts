import { isSecretValue } from '../assignments/judge.js';
import { secretNameOf } from '../assignments/names.js';
import { isTypedPassword } from '../assignments/typed-password.js';
import type { Trigger } from '../detector.js';
import { isDense, isJumbled, isRandom } from '../entropy.js';
import { isUuid } from '../placeholders.js';
import { type ScanContext, weights } from '../scan-context.js';

/**
 * Values of columns whose names suggest a secret: `INSERT INTO users (name, password) VALUES ('…',
 * '…'), …`.
 */
export const insertTriggers: readonly Trigger[] = [
  {
    literal: 'insert into ',
    fold: true,
    detector: { isWorthwhile: () => true, detect },
  },
  {
    literal: ' from stdin',
    fold: true,
    detector: { isWorthwhile: () => true, detect: detectCopy },
  },
];

/** Tables that hold little but secrets, or people's passwords. */
const tellingTable =
  /(?:^|[_.])(?:users?|accounts?|logins?|admins?|credentials?|passwords?|secrets?|(?:api|access|service)_?keys?|(?:\w+_)?tokens?|auth|members?|customers?|staff)$/i;
const bareHead =
  /^insert into (?<table>[\w.$"'`[\]\\]{1,120})\s{0,4}values(?:\s|\\{1,64}[nrt]){0,24}/i;
const longestStatement = 4096;
const mostRows = 100;
const head =
  /^insert into [\w.$"'`[\]\\]{1,120}\s{0,4}\((?<columns>[^()]{3,1000})\)(?:\s|\\{1,64}[nrt]){0,24}values(?:\s|\\{1,64}[nrt]){0,24}/i;
const value =
  /(?:\s|\\{1,64}[nrt]){0,8}(?:[NEBX]?(?<quote>\\{0,64}['"])(?<text>.*?)\k<quote>|[^,()'"]{0,200}?)\s{0,8}(?<end>[,)])/y;
const between = /(?:\s|\\{1,64}[nrt]|,){0,40}\(/y;

function detect(context: ScanContext, at: number): void {
  const text = context.text(at, Math.min(context.bytes.length, at + longestStatement));
  context.charge(4);
  const found = head.exec(text);
  const columns = found?.groups?.columns;
  if (found === null || columns === undefined) {
    detectWithoutColumns(context, at, text);
    return;
  }
  context.charge(4 + (text.length >> 5));
  const names = columns.split(',').map((name) => secretNameOf(name.replace(/[\s"'`[\]\\]/g, '')));
  if (names.every((name) => name === undefined)) return;
  let next = found[0].length;
  for (let row = 0; row < mostRows; row += 1) {
    between.lastIndex = next;
    if (!between.test(text)) return;
    next = readRow(context, at, text, between.lastIndex, names);
    if (next === -1) return;
  }
}

/** The table's name alone suggests a secret, so the value must look like nothing else. */
function detectWithoutColumns(context: ScanContext, at: number, text: string): void {
  const found = bareHead.exec(text);
  const table = found?.groups?.table?.replace(/[\s"'`[\]\\]/g, '') ?? '';
  if (found === null || !tellingTable.test(table)) return;
  context.charge(4 + (text.length >> 5));
  let next = found[0].length;
  for (let row = 0; row < mostRows; row += 1) {
    between.lastIndex = next;
    if (!between.test(text)) return;
    next = between.lastIndex;
    for (let end = ','; end === ','; ) {
      value.lastIndex = next;
      const cell = value.exec(text);
      if (cell === null) return;
      addIfUnmistakable(context, at + next, cell);
      next = value.lastIndex;
      end = cell.groups?.end ?? ')';
    }
  }
}

function addIfUnmistakable(context: ScanContext, start: number, cell: RegExpExecArray): void {
  const { quote, text: content = '' } = cell.groups ?? {};
  context.charge(1 + (cell[0].length >> 6));
  if (quote === undefined || isUuid(content)) return;
  const isPassword = content.length >= 8 && /[!#%^&*=?~]/.test(content) && isTypedPassword(content);
  const isToken = /^[\w.+/=-]{24,}$/.test(content) && !isHex.test(content) && isDense(content);
  if (!(isPassword || (isToken && isRandom(content) && isJumbled(content)))) return;
  const valueStart = start + cell[0].indexOf(quote) + quote.length;
  context.add(valueStart, valueStart + content.length, 'password', weights.generic);
}

const isHex = /^[0-9a-f]+$/i;

/** Where the row ends, or -1 when it is cut off. */
function readRow(
  context: ScanContext,
  base: number,
  text: string,
  from: number,
  names: readonly ReturnType<typeof secretNameOf>[],
): number {
  let at = from;
  for (const name of names) {
    value.lastIndex = at;
    const found = value.exec(text);
    if (found === null) return -1;
    const { quote, text: content, end } = found.groups ?? {};
    context.charge(1 + (found[0].length >> 6));
    if (name !== undefined && quote !== undefined && content !== undefined) {
      const valueStart = base + at + found[0].indexOf(quote) + quote.length;
      const valueEnd = valueStart + content.length;
      const place = {
        valueStart,
        valueEnd,
        tie: 'assigned',
        isQuoted: true,
        isCalled: false,
      } as const;
      if (content.length >= 6 && isSecretValue(name, content, place))
        context.add(valueStart, valueEnd, name.kind, weights.generic);
    }
    at = value.lastIndex;
    if (end === ')') return at;
  }
  return at;
}

const longestCopyHead = 600;
const copyHead = /copy [\w.$"\\]{1,120}\s?\((?<columns>[^()]{3,500})\)$/i;
const rowBreak = /\r?\n|\\{1,64}n/y;
const tab = /\t|\\{1,64}t/y;

/** Rows of a dump: one value per column of `COPY users (id, password) FROM stdin`, parted by tabs. */
function detectCopy(context: ScanContext, at: number): void {
  const before = context.text(Math.max(0, at - longestCopyHead), at);
  const columns = copyHead.exec(before)?.groups?.columns;
  context.charge(4);
  if (columns === undefined) return;
  const names = columns.split(',').map((name) => secretNameOf(name.replace(/[\s"\\]/g, '')));
  if (names.every((name) => name === undefined)) return;
  const text = context.text(at, Math.min(context.bytes.length, at + longestStatement));
  context.charge(4 + (text.length >> 5));
  const start = /^ from stdin[^\n\\]{0,80}/i.exec(text)?.[0].length ?? 0;
  for (const cell of cellsOf(text, start, names.length)) {
    const name = names[cell.column];
    const content = text.slice(cell.start, cell.end);
    const place = {
      valueStart: at + cell.start,
      valueEnd: at + cell.end,
      tie: 'assigned',
      isQuoted: true,
      isCalled: false,
    } as const;
    if (name !== undefined && content.length >= 6 && isSecretValue(name, content, place))
      context.add(place.valueStart, place.valueEnd, name.kind, weights.generic);
  }
}

interface Cell {
  readonly column: number;
  readonly start: number;
  readonly end: number;
}

function* cellsOf(text: string, from: number, columns: number): Generator<Cell> {
  let at = from;
  for (let row = 0; row < mostRows; row += 1) {
    rowBreak.lastIndex = at;
    if (!rowBreak.test(text)) return;
    at = rowBreak.lastIndex;
    for (let column = 0; column < columns; column += 1) {
      const start = at;
      while (at < text.length && !/[\t\n\r\\"]/.test(text.charAt(at))) at += 1;
      if (at === start && text.charAt(at) !== '\t') return;
      yield { column, start, end: at };
      tab.lastIndex = at;
      if (!tab.test(text)) break;
      at = tab.lastIndex;
    }
  }
}
