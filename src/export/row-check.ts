import { RefusedError } from '../errors.js';
import type { Redactor } from '../redact/redact.js';
import { type Cell, type Row, type TableName, tables } from './tables.js';

/** Names and ids stand in every row of a session: what is short is remembered, so many values of it. */
const longestRemembered = 120;
const mostRemembered = 10_000;
/** Room for the bytes of most cells, used again for each. */
const scratchBytes = 1_000_000;
const none: readonly string[] = [];
const noRow: Row = {};

/** Rows are numbered within their table, over all partitions. */
export class RowCheck {
  readonly #redactor: Redactor;
  readonly #rows = new Map<TableName, number>();
  /** The last row, all of whose cells are clean. */
  #before = noRow;
  readonly #clean = new Set<string>();
  readonly #scratch = Buffer.allocUnsafe(scratchBytes);

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** A `RefusedError` that names table, row and kinds, never the value. */
  check(table: TableName, row: Row): void {
    const number = (this.#rows.get(table) ?? 0) + 1;
    this.#rows.set(table, number);
    const before = this.#before;
    // Cell by cell: the names of our columns say nothing about what is in them.
    for (const column in row) {
      const cell = row[column];
      if (typeof cell !== 'string' || cell === before[column]) continue;
      const isRepeated = !longColumns.has(column);
      if (this.#kindsIn(cell, isRepeated).length > 0) throw this.#refusal(table, number, row);
    }
    this.#before = row;
  }

  #refusal(table: TableName, number: number, row: Row): RefusedError {
    const told = Object.entries(row).map(
      ([name, cell]) => [name, cell, this.#kindsIn(cell, false)] as const,
    );
    const kinds = [...new Set(told.flatMap(([, , found]) => found))].sort().join(', ');
    const clean = Object.fromEntries(told.filter(([, , found]) => found.length === 0));
    return new RefusedError(`row ${number} of ${table} holds a secret: ${kinds}`, {
      hint: `${placeOf(clean)}Nothing was written. "tracecraft redact scan --fix" takes it out of the bucket.`,
    });
  }

  #kindsIn(cell: Cell, isRepeated: boolean): readonly string[] {
    if (typeof cell !== 'string' || cell === '') return none;
    const isRemembered = isRepeated && cell.length <= longestRemembered;
    if (isRemembered && this.#clean.has(cell)) return none;
    const { counts } = this.#redactor.redact(this.#bytesOf(cell));
    if (counts !== undefined && counts.size > 0) return [...counts.keys()];
    if (isRemembered) {
      if (this.#clean.size >= mostRemembered) this.#clean.clear();
      this.#clean.add(cell);
    }
    return none;
  }

  /** As they will be in the file; valid until the next call. */
  #bytesOf(text: string): Buffer {
    if (text.length * 3 > scratchBytes) return Buffer.from(text);
    return this.#scratch.subarray(0, this.#scratch.write(text));
  }
}

/** Columns whose values hardly ever come again. */
const longColumns = new Set(
  Object.values(tables).flatMap(({ columns }) =>
    columns.filter(({ isLong }) => isLong === true).map(({ name }) => name),
  ),
);

/** An id may itself hold the secret, so only clean cells tell where it is. */
function placeOf({ harness, session, entry, key }: Row): string {
  const id = typeof session === 'string' ? `It is in ${String(harness ?? '')} ${session}` : '';
  if (id === '' && typeof key !== 'string') return '';
  const where = typeof entry === 'string' ? `${id}, entry ${entry}` : id || `It is in ${key}`;
  return `${where}. `;
}
