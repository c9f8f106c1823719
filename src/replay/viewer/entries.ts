import type { EntryColumns } from '../page/data.js';

/** The entries of a page, by index. */
export class Entries {
  readonly count: number;
  readonly #columns: EntryColumns;
  /** Each entry's position in the columns. */
  readonly #rows: Int32Array;
  readonly #causes: ReadonlyMap<number, { readonly stream: number; readonly line: number }>;

  constructor(columns: EntryColumns) {
    this.#columns = columns;
    this.count = columns.timeMs.length;
    this.#rows = rowsOf(columns);
    this.#causes = new Map(
      columns.causes.map(([entry, stream, line]) => [entry, { stream, line }] as const),
    );
  }

  /** Its line in the record stream. */
  row(index: number): number {
    return this.#rows[index] ?? -1;
  }

  timeMs(index: number): number {
    return this.#columns.timeMs[this.row(index)] ?? 0;
  }

  type(index: number): string {
    return this.#name(this.#columns.type, index) ?? '';
  }

  agent(index: number): string | undefined {
    return this.#name(this.#columns.agent, index);
  }

  step(index: number): string | undefined {
    return this.#name(this.#columns.step, index);
  }

  to(index: number): string | undefined {
    return this.#name(this.#columns.to, index);
  }

  text(index: number): string {
    return this.#columns.text[this.row(index)] ?? '';
  }

  isDerived(index: number): boolean {
    return this.row(index) >= this.count - this.#columns.derived.length;
  }

  /** The tool call that caused it, if that is in a mirrored session. */
  cause(index: number): { readonly stream: number; readonly line: number } | undefined {
    return this.#causes.get(index);
  }

  #name(column: readonly number[], index: number): string | undefined {
    return this.#columns.names[column[this.row(index)] ?? -1];
  }
}

function rowsOf({ timeMs, derived }: EntryColumns): Int32Array {
  const rows = new Int32Array(timeMs.length);
  const recorded = timeMs.length - derived.length;
  let [event, told] = [0, 0];
  for (let place = 0; place < rows.length; place += 1) {
    if (derived[told] === place) rows[place] = recorded + told++;
    else rows[place] = event++;
  }
  return rows;
}
