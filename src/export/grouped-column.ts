import { ByteRoom } from './byte-room.js';
import type { Cell, Column, Row } from './tables.js';

const basicTypes = {
  text: 'STRING',
  count: 'INT64',
  amount: 'DOUBLE',
  flag: 'BOOLEAN',
  time: 'TIMESTAMP',
} as const;

interface ColumnData {
  readonly name: string;
  readonly type: (typeof basicTypes)[keyof typeof basicTypes];
  readonly data: unknown[];
  readonly encoding?: 'PLAIN';
  readonly statistics?: false;
}

/**
 * What a group of rows has in one column. Long texts are kept as bytes outside of V8's heap: there, texts that live until
 * their group is written would be copied twice, and most of the time would go to that.
 */
export class GroupedColumn {
  readonly #column: Column;
  readonly #room = new ByteRoom();
  #values: unknown[] = [];

  constructor(column: Column) {
    this.#column = column;
  }

  /** Returns about how many bytes it takes. */
  add(row: Row): number {
    const value = this.#stored(row[this.#column.name]);
    this.#values.push(value);
    if (value instanceof Uint8Array) return value.length;
    return typeof value === 'string' ? value.length : 8;
  }

  data(): ColumnData {
    return { ...this.empty(), data: this.#values };
  }

  /** A long text is worth neither a dictionary nor a place in the statistics. */
  empty(): ColumnData {
    const { name, type, isLong } = this.#column;
    const column = { name, type: basicTypes[type], data: [] };
    return isLong === true ? { ...column, encoding: 'PLAIN', statistics: false } : column;
  }

  clear(): void {
    this.#values = [];
    this.#room.clear();
  }

  #stored(cell: Cell | undefined): unknown {
    if (cell === null || cell === undefined) return undefined;
    const { type, isLong } = this.#column;
    if (type === 'text' && isLong === true) return this.#room.encoded(String(cell));
    // Milliseconds too: of a date the library makes two more objects.
    if ((type === 'count' || type === 'time') && typeof cell === 'number') {
      return BigInt(Math.trunc(cell));
    }
    return cell;
  }
}
