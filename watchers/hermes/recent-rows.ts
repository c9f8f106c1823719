import type { JsonValue } from '../../src/mirror/stream.js';
import type { Reading } from '../sqlite/reading.js';
import type { Shipped } from '../sqlite/row-comparison.js';
import { type EncodedRows, encodeRows } from './position.js';
import { outlineOf } from './sessions.js';

/** What a complete comparison of a long session left in memory. */
export interface Compared {
  /** The position it led to; any other means that something else happened since. */
  readonly at: JsonValue;
  readonly shipped: Shipped<number>;
  readonly older: OlderRows;
}

/** Rows that were compared once, and are compared again only if their outline differs or all rows are. */
interface OlderRows {
  readonly encoded: EncodedRows;
  readonly outline: string;
}

/** Shorter sessions are compared whole; that takes a few hundredths of a second. */
const fewRows = 2_000;
/** Most changes concern the newest rows. */
const recentRows = 200;
/** Of all sessions together: some 100 bytes each. */
const mostRows = 500_000;

/** Remembers, for long sessions in use, where the rows begin that are likely to change. */
export class RecentRows {
  readonly #sessions = new Map<string, Compared>();

  /** Forgets what it returns: whoever compares changes it. */
  take(sessionId: string, at: JsonValue): Compared | undefined {
    const compared = this.#sessions.get(sessionId);
    this.#sessions.delete(sessionId);
    return compared?.at === at ? compared : undefined;
  }

  keep(sessionId: string, compared: Compared): void {
    this.#sessions.set(sessionId, compared);
    let rows = [...this.#sessions.values()].reduce(
      (sum, { shipped }) => sum + shipped.rows.size,
      0,
    );
    for (const [id, { shipped }] of this.#sessions) {
      if (rows <= mostRows || id === sessionId) continue;
      this.#sessions.delete(id);
      rows -= shipped.rows.size;
    }
  }

  forget(sessionId: string): void {
    this.#sessions.delete(sessionId);
  }
}

/** Whether the older rows are as many, and the same ones in use, as when they were compared. */
export function isAsCompared(reading: Reading, sessionId: string, { older }: Compared): boolean {
  return outlineOf(reading, sessionId, older.encoded.upTo) === older.outline;
}

/** What need not be compared next time; `undefined` if the session is short. */
export function olderRows(
  reading: Reading,
  sessionId: string,
  { rows }: Shipped<number>,
  known: OlderRows | undefined,
): OlderRows | undefined {
  if (rows.size <= fewRows) return undefined;
  if (known !== undefined && countAfter(rows, known.encoded.upTo) <= 2 * recentRows) return known;
  const [first] = reading.all(
    `SELECT id FROM messages WHERE session_id = ? ORDER BY id DESC LIMIT 1 OFFSET ${recentRows}`,
    sessionId,
  );
  if (typeof first?.id !== 'number') return undefined;
  const outline = outlineOf(reading, sessionId, first.id);
  return { encoded: encodeRows(rows, first.id, known?.encoded), outline };
}

function countAfter(rows: ReadonlyMap<number, unknown>, id: number): number {
  let count = 0;
  for (const key of rows.keys()) if (key > id) count += 1;
  return count;
}
