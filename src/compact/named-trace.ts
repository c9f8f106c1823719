import { type Fields, fields, word } from '../conversation/fields.js';
import type { Reader } from '../conversation/reader.js';
import type { TraceOf, TraceRow } from './trace.js';

/** The version of Pi's session format whose rows OpenClaw writes. */
const piVersion = 3;

/**
 * Rows in Pi's format under a header that names their harness, passed on row by row, unchanged.
 * Messages that repeat another are left out, and their children are attached to their parents.
 */
export class NamedTrace {
  readonly #of: TraceOf;
  readonly #reader: Reader;
  /** Rows before the first message: without a message there is nothing to view. */
  #held: TraceRow[] = [];
  #hasHeader = false;
  #hasMessage = false;
  /** The parents of rows that were left out. */
  readonly #parents = new Map<string, unknown>();

  constructor(of: TraceOf, reader: Reader) {
    this.#of = of;
    this.#reader = reader;
  }

  rows(value: unknown): readonly TraceRow[] {
    const outer = fields(value);
    const row = outer.event === undefined ? outer : fields(outer.event);
    const told = row.type === 'session' ? this.#header(row) : this.#row(row);
    if (told === undefined) return [];
    if (told.type === 'message') this.#hasMessage = true;
    this.#held.push(told);
    if (!this.#hasMessage) return [];
    const ready = this.#held;
    this.#held = [];
    return ready;
  }

  #header(row: Fields): TraceRow | undefined {
    if (this.#hasHeader) return undefined;
    this.#hasHeader = true;
    const { harness, session } = this.#of;
    const header = { ...row, type: 'session', harness, id: word(row.id) ?? session };
    // A viewer identifies a trace by its first row, whatever a damaged transcript begins with.
    this.#held.unshift(header);
    return undefined;
  }

  #row(row: Fields): TraceRow | undefined {
    if (word(row.type) === undefined) return undefined;
    if (!this.#hasHeader) this.#header({ version: piVersion });
    const id = word(row.id);
    if (row.type === 'message' && this.#saysNothing(row)) {
      if (id !== undefined) this.#parents.set(id, this.#parentOf(row));
      return undefined;
    }
    return row.parentId === undefined ? row : { ...row, parentId: this.#parentOf(row) };
  }

  /** Empty, or a repetition of another row. */
  #saysNothing(row: Fields): boolean {
    try {
      return this.#reader.read(row).pieces.length === 0;
    } catch {
      // Too deeply nested to traverse.
      return true;
    }
  }

  #parentOf({ parentId }: Fields): unknown {
    return typeof parentId === 'string' && this.#parents.has(parentId)
      ? this.#parents.get(parentId)
      : parentId;
  }
}
