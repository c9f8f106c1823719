import stringWidth from 'string-width';
import { escapeTerminal } from '../escape-terminal.js';

/** Text on one line, at most this many columns wide: wide characters are measured, not counted. */
export function fitted(text: string, width: number): string {
  const shown = escapeTerminal(text);
  if (stringWidth(shown) <= width) return shown;
  return width < 1 ? '' : `${cutAt(shown, width - 1).trimEnd()}…`;
}

export interface Column {
  readonly heading: string;
  /** Takes the remaining width, and is truncated to it. */
  readonly isElastic?: true;
  /** What commands accept, so it is never truncated: a row in which it is too wide is printed on several lines. */
  readonly isName?: true;
  /** Wider cells are truncated. */
  readonly widest?: number;
  /** Omitted on narrower terminals. */
  readonly fromWidth?: number;
  /** Omitted on terminals of this width and wider ones. */
  readonly belowWidth?: number;
}

const gap = '  ';
const narrowest = 8;

/** Rows below their headings, none of them wider than the terminal. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const shown = columns.flatMap((column, index) => {
    const { fromWidth = 0, belowWidth } = column;
    const isShown = fromWidth <= width && (belowWidth === undefined || width < belowWidth);
    return isShown ? [{ ...column, index }] : [];
  });
  const cells = [shown.map(({ heading }) => heading), ...rows.map((row) => cellsOf(row, shown))];
  const widths = columnWidths(shown, cells, width);
  return cells.flatMap((row) => {
    const isTooWide = shown.some(
      ({ isName }, at) => isName === true && stringWidth(row[at] ?? '') > (widths[at] ?? 0),
    );
    return isTooWide ? flowedLines(shown, row, width) : [alignedLine(row, widths)];
  });
}

/** What names and other cells need comes first; the elastic column gets what is left. */
function columnWidths(
  shown: readonly Column[],
  cells: readonly (readonly string[])[],
  width: number,
): readonly number[] {
  const natural = shown.map((_, at) => cells.map((row) => stringWidth(row[at] ?? '')));
  const reserved = shown.map(({ isElastic }, at) =>
    isElastic === true ? Math.min(narrowest, greatest(natural[at])) : 0,
  );
  const widths = shown.map(() => 0);
  let left = width - gap.length * (shown.length - 1) - reserved.reduce((sum, one) => sum + one, 0);
  for (const at of inOrderOfNeed(shown)) {
    const { isElastic, isName, widest = width } = shown[at] ?? {};
    const least = reserved[at] ?? 0;
    const limit = Number.isFinite(width) ? widest : width;
    const most = isElastic ? Math.max(least, left + least) : isName ? Math.min(limit, left) : limit;
    // A name beyond the limit is printed on a line of its own, so its column need not be as wide.
    const fitting = isName ? natural[at]?.filter((one) => one <= most) : natural[at];
    widths[at] = Math.min(most, greatest(fitting));
    left -= (widths[at] ?? 0) - least;
  }
  return widths;
}

function inOrderOfNeed(shown: readonly Column[]): readonly number[] {
  const rank = ({ isElastic, isName }: Column): number => (isElastic ? 2 : isName ? 1 : 0);
  return shown
    .map((column, at) => ({ at, rank: rank(column) }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ at }) => at);
}

function greatest(numbers: readonly number[] = []): number {
  return numbers.reduce((most, one) => Math.max(most, one), 0);
}

/** Cells one after another, on as many lines as it takes to leave the names whole. */
function flowedLines(
  shown: readonly Column[],
  row: readonly string[],
  width: number,
): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const [at, { isElastic, isName, widest = width }] of shown.entries()) {
    const whole = row[at] ?? '';
    const cell = isElastic || isName ? whole : fitted(whole, widest);
    if (cell === '') continue;
    const needed = isElastic ? Math.min(narrowest, stringWidth(cell)) : stringWidth(cell);
    if (line !== '' && stringWidth(line) + needed > width) {
      lines.push(line);
      line = gap;
    }
    const left = width - stringWidth(line);
    if (isName && needed > left) {
      lines.push(...wrapped(line + cell, width, gap));
      line = gap;
    } else line += fitted(cell, left) + gap;
  }
  return [...lines, line].map((one) => one.trimEnd()).filter((one) => one !== '');
}

function alignedLine(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, at) => padded(fitted(cell, widths[at] ?? 0), widths[at] ?? 0))
    .join(gap)
    .trimEnd();
}
/** Rows without headings, at a terminal; elsewhere they are as wide as they are, and programs may read them. */
export function rowLines(
  layout: readonly Omit<Column, 'heading'>[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  return tableLines(
    layout.map((column) => ({ heading: '', ...column })),
    rows,
    width,
  ).slice(1);
}

/** A text on several lines, broken between words where there are some; every line after the first is indented. */
export function wrapped(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of escapeTerminal(text).split(/(?<= )/)) {
    const isFull = stringWidth(line + word.trimEnd()) > width;
    if (isFull && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += word;
    while (stringWidth(line.trimEnd()) > width && width > indent.length + 1) {
      const head = cutAt(line, width);
      lines.push(head);
      line = indent + line.slice(head.length);
    }
  }
  return [...lines, line.trimEnd()];
}

/** As much of a text as fits. */
function cutAt(text: string, width: number): string {
  let kept = '';
  let taken = 0;
  for (const character of text) {
    taken += stringWidth(character);
    if (taken > width) break;
    kept += character;
  }
  return kept;
}

function cellsOf(
  row: readonly string[],
  shown: readonly { readonly index: number }[],
): readonly string[] {
  return shown.map(({ index }) => escapeTerminal(row[index] ?? ''));
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}
