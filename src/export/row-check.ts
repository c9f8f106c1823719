import { RefusedError } from '../errors.js';
import type { Redactor } from '../redact/redact.js';
import type { Row, TableName } from './tables.js';

/** Rows are numbered within their table, over all partitions. */
export class RowCheck {
  readonly #redactor: Redactor;
  readonly #rows = new Map<TableName, number>();

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** A `RefusedError` that names table, row and kinds, never the value. */
  check(table: TableName, row: Row): void {
    const number = (this.#rows.get(table) ?? 0) + 1;
    this.#rows.set(table, number);
    const { counts } = this.#redactor.redact(Buffer.from(JSON.stringify(row)));
    if (counts === undefined) return;
    const kinds = [...counts.keys()].sort().join(', ');
    throw new RefusedError(`row ${number} of ${table} holds a secret: ${kinds}`, {
      hint: `${placeOf(row)}Nothing was written. "tracecraft redact scan --fix" takes it out of the bucket.`,
    });
  }
}

function placeOf({ harness, session, entry, key }: Row): string {
  const id = typeof session === 'string' ? `It is in ${String(harness ?? '')} ${session}` : '';
  if (id === '' && typeof key !== 'string') return '';
  const where = typeof entry === 'string' ? `${id}, entry ${entry}` : id || `It is in ${key}`;
  return `${where}. `;
}
