import { RefusedError } from '../errors.js';
import type { Redactor } from '../redact/redact.js';
import type { Cell, Row, TableName } from './tables.js';

/** Names and ids stand in every row of a session: what is short is remembered, so many values of it. */
const longestRemembered = 120;
const mostRemembered = 10_000;

/** Rows are numbered within their table, over all partitions. */
export class RowCheck {
  readonly #redactor: Redactor;
  readonly #rows = new Map<TableName, number>();
  readonly #clean = new Set<string>();

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** A `RefusedError` that names table, row and kinds, never the value. */
  check(table: TableName, row: Row): void {
    const number = (this.#rows.get(table) ?? 0) + 1;
    this.#rows.set(table, number);
    const found = new Set<string>();
    const dirty = new Set<string>();
    // Cell by cell: the names of our columns say nothing about what is in them.
    for (const [column, cell] of Object.entries(row)) {
      for (const kind of this.#kindsIn(cell)) {
        found.add(kind);
        dirty.add(column);
      }
    }
    if (found.size === 0) return;
    const kinds = [...found].sort().join(', ');
    const clean = Object.fromEntries(Object.entries(row).filter(([name]) => !dirty.has(name)));
    throw new RefusedError(`row ${number} of ${table} holds a secret: ${kinds}`, {
      hint: `${placeOf(clean)}Nothing was written. "tracecraft redact scan --fix" takes it out of the bucket.`,
    });
  }

  #kindsIn(cell: Cell): readonly string[] {
    if (typeof cell !== 'string' || cell === '' || this.#clean.has(cell)) return [];
    const kinds = [
      ...(this.#redactor.redact(Buffer.from(JSON.stringify(cell))).counts?.keys() ?? []),
    ];
    if (kinds.length === 0 && cell.length <= longestRemembered) {
      if (this.#clean.size >= mostRemembered) this.#clean.clear();
      this.#clean.add(cell);
    }
    return kinds;
  }
}

/** An id may itself hold the secret, so only clean cells tell where it is. */
function placeOf({ harness, session, entry, key }: Row): string {
  const id = typeof session === 'string' ? `It is in ${String(harness ?? '')} ${session}` : '';
  if (id === '' && typeof key !== 'string') return '';
  const where = typeof entry === 'string' ? `${id}, entry ${entry}` : id || `It is in ${key}`;
  return `${where}. `;
}
