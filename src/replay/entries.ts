import type { EntryColumns } from './page-data.js';

/** The entries of a page, by index. */
export class Entries {
  readonly count: number;
  readonly #columns: EntryColumns;
  readonly #derived: ReadonlySet<number>;
  readonly #causes: ReadonlyMap<number, { readonly stream: number; readonly line: number }>;

  constructor(columns: EntryColumns) {
    this.#columns = columns;
    this.count = columns.timeMs.length;
    this.#derived = new Set(columns.derived);
    this.#causes = new Map(
      columns.causes.map(([entry, stream, line]) => [entry, { stream, line }] as const),
    );
  }

  timeMs(index: number): number {
    return this.#columns.timeMs[index] ?? 0;
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
    return this.#columns.text[index] ?? '';
  }

  isDerived(index: number): boolean {
    return this.#derived.has(index);
  }

  /** The tool call that made it, if it is in a mirrored session. */
  cause(index: number): { readonly stream: number; readonly line: number } | undefined {
    return this.#causes.get(index);
  }

  #name(column: readonly number[], index: number): string | undefined {
    return this.#columns.names[column[index] ?? -1];
  }
}
