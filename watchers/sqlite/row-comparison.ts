import type { ReadLimit } from '../../src/mirror/stream.js';
import {
  fingerprintOf,
  matches,
  type RowFingerprint,
  shippedFingerprint,
} from './row-fingerprint.js';

export type Operation = 'insert' | 'update' | 'delete';

export function isOperation(text: string | undefined): text is Operation {
  return text === 'insert' || text === 'update' || text === 'delete';
}

/** What was uploaded from a session: the fingerprint of its own row and of each row that belongs to it. */
export interface Shipped<Key> {
  session: RowFingerprint | undefined;
  /** Of its counters, where they are a line of their own. */
  usage: RowFingerprint | undefined;
  readonly rows: Map<Key, RowFingerprint>;
  /** Earlier reads compared rows up to this key, in a round that is not finished. */
  after: Key | undefined;
}

export function nothingShipped<Key>(): Shipped<Key> {
  return { session: undefined, usage: undefined, rows: new Map(), after: undefined };
}

/** A session in one state of a database. A body is what follows the operation in a line. */
export interface SessionRows<Key> {
  /** Of its own row. */
  readonly session: Buffer;
  /** The next rows by ascending key; none at the end. */
  rowsAfter(after: Key | undefined): readonly { readonly key: Key; readonly body: Buffer }[];
  compare(left: Key, right: Key): number;
  deletedBody(key: Key): Buffer;
  /** Its counters. They grow with every call; a line of theirs is worth it when a turn has ended. */
  usage?(): Buffer | undefined;
}

/** What a line says, whoever wrote it. */
export interface ReadState<Key> {
  readonly operation: Operation;
  /** The session's own row, its counters, or the row of this key. */
  readonly of: 'session' | 'usage' | { readonly key: Key };
  readonly body: Buffer;
}

export interface Difference {
  readonly lines: readonly Buffer[];
  readonly bytes: number;
  /** The limit was reached before everything was compared. */
  readonly more: boolean;
}

/** Takes in lines that someone uploaded; lines that are not row states say nothing. */
export function foldShipped<Key>(
  shipped: Shipped<Key>,
  lines: readonly Buffer[],
  parse: (line: Buffer) => ReadState<Key> | undefined,
): void {
  for (const line of lines) {
    const state = parse(line);
    if (state === undefined) continue;
    const print = state.operation === 'delete' ? undefined : shippedFingerprint(state.body);
    if (state.of === 'session') shipped.session = print;
    else if (state.of === 'usage') shipped.usage = print;
    else if (print === undefined) shipped.rows.delete(state.of.key);
    else shipped.rows.set(state.of.key, print);
  }
  shipped.after = undefined;
}

export function lineOf(operation: Operation, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{"op":"${operation}",`), body, newline]);
}

/** What follows the operation in a line; `undefined` if it is cut off. */
export function bodyIn(line: Buffer, operation: Operation): Buffer | undefined {
  const end = line.at(-1) === newline[0] ? line.length - 1 : line.length;
  if (line[end - 1] !== closingBrace) return undefined;
  return line.subarray(`{"op":"${operation}",`.length, end);
}

const newline = Buffer.from('\n');
const closingBrace = 0x7d;

/**
 * Compares a session's rows with what was uploaded, by ascending key, and takes in the differences. The session's row
 * comes first if it is new, and after the others if it changed; then come its counters. A round cut short by the limit continues where it stopped; once
 * it is complete, everything is compared again in one go, so that in the end it all is one state of the database.
 */
export class RowComparison<Key> {
  readonly #rows: SessionRows<Key>;
  readonly #shipped: Shipped<Key>;
  readonly #limit: ReadLimit;
  readonly #lines: Buffer[] = [];
  readonly #from: Key | undefined;
  #bytes = 0;

  /** Only rows after `from`, if the caller knows that those before it are as they were. */
  constructor(rows: SessionRows<Key>, shipped: Shipped<Key>, limit: ReadLimit, from?: Key) {
    this.#rows = rows;
    this.#shipped = shipped;
    this.#limit = limit;
    this.#from = from;
  }

  run(): Difference {
    const isWhole = this.#take();
    return { lines: this.#lines, bytes: this.#bytes, more: !isWhole };
  }

  #take(): boolean {
    if (this.#shipped.session === undefined && !this.#sessionIs('insert')) return false;
    const isCutShort = this.#shipped.after !== undefined;
    this.#shipped.after ??= this.#from;
    if (!this.#round() || (isCutShort && !this.#round())) return false;
    const isSame = isLike(this.#shipped.session, this.#rows.session);
    return (isSame || this.#sessionIs('update')) && this.#usage();
  }

  #usage(): boolean {
    const body = this.#rows.usage?.();
    const { usage } = this.#shipped;
    if (body === undefined || isLike(usage, body)) return true;
    if (!this.#add(lineOf(usage === undefined ? 'insert' : 'update', body))) return false;
    this.#shipped.usage = fingerprintOf(body);
    return true;
  }

  #sessionIs(operation: Operation): boolean {
    if (!this.#add(lineOf(operation, this.#rows.session))) return false;
    this.#shipped.session = fingerprintOf(this.#rows.session);
    return true;
  }

  /** Every row once, from where the last round stopped. */
  #round(): boolean {
    const { compare } = this.#rows;
    const start = this.#shipped.after;
    const absent = [...this.#shipped.rows.keys()]
      .filter((key) => start === undefined || compare(key, start) > 0)
      .sort((left, right) => compare(right, left));
    for (;;) {
      const rows = this.#rows.rowsAfter(this.#shipped.after);
      for (const { key, body } of rows) {
        if (!this.#deleted(absent, key)) return false;
        if (absent.length > 0 && compare(absent[absent.length - 1] ?? key, key) === 0) absent.pop();
        if (!this.#row(key, body)) return false;
        this.#shipped.after = key;
      }
      if (rows.length === 0) break;
    }
    if (!this.#deleted(absent, undefined)) return false;
    this.#shipped.after = undefined;
    return true;
  }

  /** Reports those before `before`, or all. */
  #deleted(absent: Key[], before: Key | undefined): boolean {
    const { compare, deletedBody } = this.#rows;
    for (let key = absent.at(-1); key !== undefined; key = absent.at(-1)) {
      if (before !== undefined && compare(key, before) >= 0) break;
      if (!this.#add(lineOf('delete', deletedBody(key)))) return false;
      this.#shipped.rows.delete(key);
      this.#shipped.after = key;
      absent.pop();
    }
    return true;
  }

  #row(key: Key, body: Buffer): boolean {
    const print = this.#shipped.rows.get(key);
    if (isLike(print, body)) {
      if (typeof print !== 'string') this.#shipped.rows.set(key, fingerprintOf(body));
      return true;
    }
    if (!this.#add(lineOf(print === undefined ? 'insert' : 'update', body))) return false;
    this.#shipped.rows.set(key, fingerprintOf(body));
    return true;
  }

  #add(line: Buffer): boolean {
    const { bytes, lines = Number.POSITIVE_INFINITY } = this.#limit;
    const isFull = this.#bytes + line.length > bytes || this.#lines.length >= lines;
    if (this.#lines.length > 0 && isFull) return false;
    this.#lines.push(line);
    this.#bytes += line.length;
    return true;
  }
}

function isLike(print: RowFingerprint | undefined, body: Buffer): boolean {
  return print !== undefined && matches(print, body);
}
