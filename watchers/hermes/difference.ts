import type { ReadLimit } from '../../src/mirror/stream.js';
import type { Reading } from '../sqlite/reading.js';
import { fingerprintOf, matches, type RowFingerprint } from '../sqlite/row-fingerprint.js';
import type { Row } from '../sqlite/values.js';
import type { Shipped } from './position.js';
import {
  deletedBody,
  lineOf,
  messageState,
  type Operation,
  type RowState,
  sessionState,
} from './rows.js';
import { usageOf } from './sessions.js';

interface Difference {
  readonly lines: readonly Buffer[];
  readonly bytes: number;
  /** The limit was reached before everything was compared. */
  readonly more: boolean;
}

const rowsAtATime = 200;

/**
 * Compares a session's rows with what was uploaded, by ascending id, and takes in the differences. The session's row
 * comes first if it is new, and after the messages if it changed; then come its counters. A round cut short by the limit continues where it stopped; once
 * it is complete, everything is compared again in one go, so that in the end it all is one state of the database.
 */
export class Comparison {
  readonly #reading: Reading;
  readonly #shipped: Shipped;
  readonly #limit: ReadLimit;
  readonly #lines: Buffer[] = [];
  #bytes = 0;

  constructor(reading: Reading, shipped: Shipped, limit: ReadLimit) {
    this.#reading = reading;
    this.#shipped = shipped;
    this.#limit = limit;
  }

  run(sessionId: string, session: Row): Difference {
    const isWhole = this.#take(sessionId, session);
    return { lines: this.#lines, bytes: this.#bytes, more: !isWhole };
  }

  #take(sessionId: string, row: Row): boolean {
    const session = sessionState(sessionId, row);
    if (this.#shipped.session === undefined && !this.#sessionIs('insert', session)) return false;
    const isCutShort = this.#shipped.after !== undefined;
    if (!this.#round(sessionId) || (isCutShort && !this.#round(sessionId))) return false;
    const isSame = isLike(this.#shipped.session, session);
    return (isSame || this.#sessionIs('update', session)) && this.#usage(sessionId);
  }

  /** Counters grow with every call; a line of theirs is worth it when a turn has ended. */
  #usage(sessionId: string): boolean {
    const state = usageOf(this.#reading, sessionId);
    const { usage } = this.#shipped;
    if (state === undefined || isLike(usage, state)) return true;
    if (!this.#add(lineOf(usage === undefined ? 'insert' : 'update', state.body))) return false;
    this.#shipped.usage = fingerprintOf(state.body);
    return true;
  }

  #sessionIs(operation: Operation, { body }: RowState): boolean {
    if (!this.#add(lineOf(operation, body))) return false;
    this.#shipped.session = fingerprintOf(body);
    return true;
  }

  /** Every message once, from where the last round stopped. */
  #round(sessionId: string): boolean {
    const start = this.#shipped.after;
    const absent = [...this.#shipped.rows.keys()]
      .filter((id) => start === undefined || id > start)
      .sort((left, right) => right - left);
    for (;;) {
      const rows = this.#rowsAfter(sessionId);
      for (const { id, row } of rows) {
        if (!this.#deleted(absent, id)) return false;
        if (absent.at(-1) === id) absent.pop();
        if (!this.#message(messageState(id, row), id)) return false;
        this.#shipped.after = id;
      }
      if (rows.length < rowsAtATime) break;
    }
    if (!this.#deleted(absent, Number.POSITIVE_INFINITY)) return false;
    this.#shipped.after = undefined;
    return true;
  }

  #rowsAfter(sessionId: string): readonly { readonly id: number; readonly row: Row }[] {
    const { after } = this.#shipped;
    const rows = this.#reading.all(
      `SELECT * FROM messages WHERE session_id = ? AND id > ? ORDER BY id LIMIT ${rowsAtATime}`,
      sessionId,
      after ?? Number.MIN_SAFE_INTEGER,
    );
    return rows.flatMap((row) => {
      const { id } = row;
      return typeof id === 'number' ? [{ id, row }] : [];
    });
  }

  #deleted(absent: number[], before: number): boolean {
    for (let id = absent.at(-1); id !== undefined && id < before; id = absent.at(-1)) {
      if (!this.#add(lineOf('delete', deletedBody(id)))) return false;
      this.#shipped.rows.delete(id);
      this.#shipped.after = id;
      absent.pop();
    }
    return true;
  }

  #message(state: RowState, id: number): boolean {
    const print = this.#shipped.rows.get(id);
    if (isLike(print, state)) {
      if (typeof print !== 'string') this.#shipped.rows.set(id, fingerprintOf(state.body));
      return true;
    }
    const operation = print === undefined ? 'insert' : 'update';
    if (!this.#add(lineOf(operation, state.body))) return false;
    this.#shipped.rows.set(id, fingerprintOf(state.body));
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

function isLike(print: RowFingerprint | undefined, { body }: RowState): boolean {
  return print !== undefined && matches(print, body);
}
