import type { Reading } from '../sqlite/reading.js';
import type { SessionRows } from '../sqlite/row-comparison.js';
import type { Row } from '../sqlite/values.js';
import { deletedBody, messageBody, sessionBody } from './rows.js';
import { usageOf } from './sessions.js';

const rowsAtATime = 200;

/** A session's own row, and its messages by ascending id. */
export function hermesRows(reading: Reading, sessionId: string, row: Row): SessionRows<number> {
  return {
    session: sessionBody(sessionId, row),
    rowsAfter: (after) =>
      reading
        .all(
          `SELECT * FROM messages WHERE session_id = ? AND id > ? ORDER BY id LIMIT ${rowsAtATime}`,
          sessionId,
          after ?? Number.MIN_SAFE_INTEGER,
        )
        .flatMap((message) => {
          const { id } = message;
          return typeof id === 'number' ? [{ key: id, body: messageBody(id, message) }] : [];
        }),
    compare: (left, right) => left - right,
    deletedBody,
    usage: () => usageOf(reading, sessionId),
  };
}
