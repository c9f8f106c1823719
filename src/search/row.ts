import { readerOf } from '../../watchers/readers.js';
import { leafText } from '../conversation/leaf-text.js';
import type { RowText } from '../conversation/reader.js';

/** What is searched of one line of a transcript. */
export interface SearchedRow {
  readonly role: RowText['role'];
  readonly tool?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly atMs: number | undefined;
  /** Rows with the same one are states of the same thing. */
  readonly id: string | undefined;
  readonly text: string;
}

/** A line that no reader can read is searched as it is. */
export function rowIn(harness: string, line: string): SearchedRow | undefined {
  const reader = readerOf(harness);
  const whole: SearchedRow = { role: 'system', text: line, id: undefined, atMs: undefined };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return whole;
  }
  try {
    if (reader === undefined) return { ...whole, text: leafText(value) };
    const reading = reader.read(value);
    const said = reader.textOf(value, reading);
    return said && { ...said, id: reading.id, atMs: reading.atMs };
  } catch {
    // Too deeply nested to traverse.
    return whole;
  }
}
