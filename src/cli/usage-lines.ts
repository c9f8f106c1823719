import type { MetaDocument } from '../protocol/documents.js';
import type { Usage } from '../protocol/usage.js';
import { totalUsage } from '../protocol/usage-slots.js';
import type { Grouping, Report, ReportRow } from '../usage/report.js';
import { plural } from './format.js';
import { type Column, tableLines } from './table.js';

export interface UsageTable {
  readonly report: Report;
  readonly by: Grouping;
  readonly width: number;
  /** Draws a bar beside each row. */
  readonly hasBars: boolean;
}

const barWidth = 12;

/** Tokens by group, and their total. */
export function usageTable({ report, by, width, hasBars }: UsageTable): string[] {
  const { rows, total, unpriced } = report;
  const sizeOf = ({ listPrice, usage }: ReportRow): number =>
    total.listPrice === undefined ? usage.output : (listPrice ?? 0);
  const largest = Math.max(...rows.map(sizeOf), 0);
  const cells = rows.map((row) => [
    ...cellsOf(row, false),
    ...(hasBars ? [bar(sizeOf(row), largest)] : []),
  ]);
  return tableLines(
    [...columnsOf(by), ...(hasBars ? [{ heading: '', fromWidth: 100 }] : [])],
    [...cells, [...cellsOf(total, unpriced.length > 0), ...(hasBars ? [''] : [])]],
    width,
  );
}

function columnsOf(by: Grouping): readonly Column[] {
  return [
    { heading: by.toUpperCase(), isElastic: true },
    { heading: 'INPUT' },
    { heading: 'CACHE READ', fromWidth: 60 },
    { heading: 'CACHE WRITE', fromWidth: 76 },
    { heading: 'OUTPUT' },
    { heading: 'CALLS', fromWidth: 50 },
    { heading: 'LIST PRICE' },
  ];
}

function cellsOf({ group, usage, listPrice }: ReportRow, isAtLeast: boolean): readonly string[] {
  const { input, cacheRead, output, calls } = usage;
  const price = listPrice === undefined ? '-' : usd(listPrice);
  return [
    group,
    tokens(input),
    tokens(cacheRead),
    tokens(writtenIn(usage)),
    tokens(output),
    String(calls),
    isAtLeast && listPrice !== undefined ? `at least ${price}` : price,
  ];
}

function bar(size: number, largest: number): string {
  return largest === 0 ? '' : '▇'.repeat(Math.round((size / largest) * barWidth));
}

/** What a whole session used, on one line; `undefined` if nothing is known. */
export function usageLine(meta: Pick<MetaDocument, 'usage'> | undefined): string | undefined {
  const used = totalUsage(meta?.usage);
  if (used === undefined) return undefined;
  const { calls, input, cacheRead, output } = used;
  const parts = [
    `${tokens(input)} input`,
    `${tokens(cacheRead)} cache read`,
    `${tokens(writtenIn(used))} cache write`,
    `${tokens(output)} output`,
  ];
  return `The session used ${parts.join(', ')} tokens in ${plural(calls, 'call')}.`;
}

export function writtenIn({ write5m, write1h }: Usage): number {
  return write5m + write1h;
}

/** `12,345` up to six digits, then `1.23M`. */
export function tokens(count: number): string {
  if (count < 1_000_000) return count.toLocaleString('en-US');
  return count < 1_000_000_000
    ? `${(count / 1_000_000).toFixed(2)}M`
    : `${(count / 1_000_000_000).toFixed(2)}G`;
}

export function usd(amount: number): string {
  const digits = amount > 0 && amount < 0.1 ? 4 : 2;
  return `$${amount.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/** As a spreadsheet reads it: one line per group, without a total. */
export function usageCsv(rows: readonly Readonly<Record<string, unknown>>[], by: string): string[] {
  const [first] = rows;
  const names = Object.keys(first ?? { [by]: '' });
  return [names.join(','), ...rows.map((row) => names.map((name) => csvCell(row[name])).join(','))];
}

function csvCell(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = value === null || value === undefined ? '' : String(value);
  // A spreadsheet would run a text that begins like a formula.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
