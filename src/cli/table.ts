import stringWidth from 'string-width';
import { escapeTerminal } from '../escape-terminal.js';

/** The number of columns available to the answer; without a terminal nothing is truncated. */
export function terminalWidth(
  stream: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout,
): number {
  return stream.isTTY === true ? Math.max(20, stream.columns ?? 80) : Number.POSITIVE_INFINITY;
}

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
  const widths = shown.map(({ isElastic, widest }, at) => {
    const natural = Math.max(...cells.map((row) => stringWidth(row[at] ?? '')));
    return isElastic === true ? natural : Math.min(natural, widest ?? natural);
  });
  const rigid = widths.reduce((sum, one, at) => sum + (shown[at]?.isElastic ? 0 : one), 0);
  const left = Math.max(narrowest, width - rigid - gap.length * (shown.length - 1));
  const fits = widths.map((one, at) => (shown[at]?.isElastic ? Math.min(one, left) : one));
  return cells.map((row) =>
    row
      .map((cell, at) => padded(fitted(cell, fits[at] ?? 0), fits[at] ?? 0))
      .join(gap)
      .trimEnd(),
  );
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

/**
 * Redraws the terminal from the top, over the previous content: no line wraps, none is left over,
 * and nothing is pushed into the scrollback.
 */
export function printScreen(
  lines: readonly string[],
  stream: NodeJS.WritableStream & {
    readonly columns?: number;
    readonly rows?: number;
  } = process.stdout,
): void {
  const { columns = 80, rows = 24 } = stream;
  const most = Math.max(1, rows - 1);
  const shown = lines.length > most ? [...lines.slice(0, most - 1), '…'] : lines;
  const drawn = shown.map((line) => `${fitted(line, columns - 1)}\u001b[K\n`).join('');
  stream.write(`\u001b[H${drawn}\u001b[J`);
}
