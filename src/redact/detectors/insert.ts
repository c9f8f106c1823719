import { isSecretValue } from '../assignments/judge.js';
import { secretNameOf } from '../assignments/names.js';
import type { Trigger } from '../detector.js';
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
];

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
  if (found === null || columns === undefined) return;
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
