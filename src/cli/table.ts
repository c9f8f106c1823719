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
  let kept = '';
  let taken = 0;
  for (const character of shown) {
    taken += stringWidth(character);
    if (taken > width - 1) break;
    kept += character;
  }
  return width < 1 ? '' : `${kept.trimEnd()}…`;
}

export interface Column {
  readonly heading: string;
  /** Takes the remaining width, and is truncated to it. */
  readonly isElastic?: true;
  /** Wider cells are truncated. */
  readonly widest?: number;
  /** Omitted on narrower terminals. */
  readonly fromWidth?: number;
}

const gap = '  ';
const narrowest = 8;

/** Rows below their headings, none of them wider than the terminal. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const shown = columns.flatMap((column, index) =>
    (column.fromWidth ?? 0) <= width ? [{ ...column, index }] : [],
  );
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
