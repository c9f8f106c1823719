import { type Fields, fields } from '../src/conversation/fields.js';
import { parsedLine } from '../src/conversation/outline.js';
import type { Chunk, Laying } from './resume.js';

/** By kind of row, message or part: the fields that a copy takes over. What is not named stays behind. */
export type AllowedFields = Readonly<Record<string, readonly string[]>>;

/** Of a parsed row: what JSON says is never undefined. */
export function picked(row: Fields, names: readonly string[]): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const name of names) {
    const value = row[name];
    if (value !== undefined) copy[name] = value;
  }
  return copy;
}

/** `undefined` for a kind that is not named. */
export function pickedBy(
  kinds: AllowedFields,
  row: Fields,
  kind: unknown,
): Record<string, unknown> | undefined {
  const names = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  return names === undefined ? undefined : picked(row, names);
}

/** The row on a line; empty if it is not JSON. */
export function rowOn(line: Buffer): Fields {
  return fields(parsedLine(line.toString('utf8')));
}

export function lineOf(row: object): Buffer {
  return Buffer.from(`${JSON.stringify(row)}\n`);
}

/** A copy that is made row by row. */
export function copying(
  path: readonly string[],
  copyOf: (row: Fields) => object | undefined,
  last: () => object | undefined = () => undefined,
): Laying {
  const chunks = (copy: object | undefined): readonly Chunk[] =>
    copy === undefined ? [] : [{ path, bytes: lineOf(copy) }];
  return { line: (line) => chunks(copyOf(rowOn(line))), end: () => chunks(last()) };
}

/** Rows that name the one before them, in a copy that leaves some of them out. */
export class RowLinks {
  /** By row that was left out: the row before the gap. */
  readonly #before = new Map<string, unknown>();
  /** By row that was left out: the next one that was kept. */
  readonly #after = new Map<string, string>();
  #waiting: string[] = [];

  keep(id: string): void {
    for (const one of this.#waiting) this.#after.set(one, id);
    this.#waiting = [];
  }

  leaveOut(id: string, parent: unknown): void {
    this.#before.set(id, this.before(parent));
    this.#waiting.push(id);
  }

  /** The row itself, or what it followed if it was left out: settled at once, so that one step is enough. */
  before(id: unknown): unknown {
    return typeof id === 'string' && this.#before.has(id) ? this.#before.get(id) : (id ?? null);
  }

  /** The row itself, or the next one that was kept. */
  after(id: unknown): unknown {
    return typeof id === 'string' ? (this.#after.get(id) ?? id) : id;
  }
}
