import * as v from 'valibot';
import type { Database } from './library.js';
import { columnArguments, type Row, rowOf, type SqlValue, withValues } from './values.js';

/** One state of a database, ready for queries. */
export interface Reading {
  /**
   * Rows in the order of the query. Each `?` in the statement stands for the next value, so none may appear in a
   * string or comment in it. Integers that a number cannot hold exactly are bigints, bytes are `Uint8Array`s.
   */
  all(sql: string, ...values: readonly SqlValue[]): readonly Row[];
}

/** Rows of the given shape; anything else in a hostile or damaged database is dropped. */
export function rowsOf<Schema extends v.GenericSchema>(
  reading: Reading,
  schema: Schema,
  sql: string,
  ...values: readonly SqlValue[]
): v.InferOutput<Schema>[] {
  return reading.all(sql, ...values).flatMap((row) => {
    const result = v.safeParse(schema, { ...row });
    return result.success ? [result.output] : [];
  });
}

/**
 * Returns rows through an aggregate function of ours: `@photostructure/sqlite` 1.2.1 cannot finalize a prepared
 * statement, and until it is garbage-collected its connection stays open, which keeps the `-wal` beyond the harness's
 * own exit. SQLite feeds the rows of an ordered subquery to an aggregate in that order.
 */
export class OpenReading implements Reading {
  readonly #database: Database;
  readonly #columns = new Map<string, readonly string[]>();
  #rows: (readonly unknown[])[] = [];

  constructor(database: Database) {
    this.#database = database;
    database.aggregate('tracecraft_row', {
      start: null,
      varargs: true,
      useBigIntArguments: true,
      step: (_nothing: unknown, ...values: readonly unknown[]) => {
        this.#rows.push(values);
        return null;
      },
      result: () => null,
    });
  }

  all(sql: string, ...values: readonly SqlValue[]): readonly Row[] {
    const statement = withValues(sql, values);
    const columns = this.#columnsOf(sql, statement);
    const found = this.#collect(`SELECT tracecraft_row(${columnArguments(columns)})
      FROM (${statement})`);
    return found.map((cells) => rowOf(columns, cells));
  }

  /** A view knows the column names of its query. */
  #columnsOf(sql: string, statement: string): readonly string[] {
    const known = this.#columns.get(sql);
    if (known !== undefined) return known;
    const view = 'temp.tracecraft_query';
    this.#database.exec(`CREATE TEMP VIEW tracecraft_query AS ${statement}`);
    try {
      const names = this.#collect(
        `SELECT tracecraft_row(name) FROM pragma_table_info('tracecraft_query', 'temp')`,
      ).map(([name]) => String(name));
      this.#columns.set(sql, names);
      return names;
    } finally {
      this.#database.exec(`DROP VIEW ${view}`);
    }
  }

  #collect(sql: string): readonly (readonly unknown[])[] {
    this.#rows = [];
    this.#database.exec(sql);
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }
}
