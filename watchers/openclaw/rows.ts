import { exactFact, longestFact, titleFact } from '../fact-text.js';
import type { Reading } from '../sqlite/reading.js';
import type { Row } from '../sqlite/values.js';
import type { KnownFacts } from './facts.js';

/** Which tables and columns of OpenClaw's schema exist: it has grown from release to release. */
export class Schema {
  readonly #columns = new Map<string, ReadonlySet<string>>();
  readonly #reading: Reading;

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  has(table: string, ...columns: readonly string[]): boolean {
    let known = this.#columns.get(table);
    if (known === undefined) {
      const rows = this.#reading.all('SELECT name FROM pragma_table_info(?)', table);
      known = new Set(rows.map(({ name }) => String(name)));
      this.#columns.set(table, known);
    }
    return known.size > 0 && columns.every((column) => known.has(column));
  }
}

/** Where a session's lines are. */
export type Payload =
  | { readonly kind: 'rows' }
  /** In one piece, in a row of its own: a session that was deleted or archived. */
  | { readonly kind: 'archive' | 'cold' }
  /** Archived in a file. */
  | { readonly kind: 'cold-file'; readonly file: string };

/** A session whose transcript the database has. */
export interface StoredSession {
  readonly sessionId: string;
  readonly payload: Payload;
  /** Changes whenever rows are rewritten; in between they are only appended. */
  readonly generation: string;
  readonly lastSeq: number;
  readonly count: number;
  readonly bytes: number;
  readonly modifiedAtMs: number;
  /** Since when it has held it, as far as known (milliseconds since the epoch). */
  readonly sinceMs: number;
  /** The file it will be published as. */
  readonly archive?: string;
  readonly known: KnownFacts;
}

/** From this many on, all are summed up together. */
const manyChanged = 20;
const neverMs = Number.MAX_SAFE_INTEGER;

/** Every session with a transcript. Builds on what is known about a session that has only grown. */
export function storedSessions(
  reading: Reading,
  before: ReadonlyMap<string, StoredSession>,
): ReadonlyMap<string, StoredSession> {
  const schema = new Schema(reading);
  const held = new Map<string, StoredSession>();
  for (const one of [...archived(reading, schema), ...cold(reading, schema)]) {
    held.set(one.sessionId, one);
  }
  const all = ends(reading, schema);
  const changed = all.filter((end) => !isSame(end, before.get(end.sessionId)));
  const sums = changed.length > manyChanged ? everySum(reading, schema) : undefined;
  for (const end of all) {
    const { sessionId } = end;
    const sum = sums?.get(sessionId);
    const known = before.get(sessionId);
    held.set(
      sessionId,
      sum === undefined
        ? heldUpTo(reading, schema, end, known)
        : { ...end, ...sum, payload: { kind: 'rows' } },
    );
  }
  return held;
}

/** The sum of one session's rows; `undefined` if it has none. */
export function storedSession(
  reading: Reading,
  schema: Schema,
  sessionId: string,
  before: StoredSession | undefined,
): StoredSession | undefined {
  const [end] = ends(reading, schema, sessionId);
  return end === undefined ? undefined : heldUpTo(reading, schema, end, before);
}

/** How far a session's rows go. */
type SessionEnd = Pick<StoredSession, 'sessionId' | 'generation' | 'lastSeq' | 'sinceMs'>;
/** The rows' totals, and what is known about the session. */
type SessionTotals = Pick<StoredSession, 'count' | 'bytes' | 'modifiedAtMs' | 'known'>;

function isSame(end: SessionEnd, before: StoredSession | undefined): boolean {
  return (
    before?.payload.kind === 'rows' &&
    before.generation === end.generation &&
    before.lastSeq === end.lastSeq &&
    before.sinceMs === end.sinceMs
  );
}

function heldUpTo(
  reading: Reading,
  schema: Schema,
  end: SessionEnd,
  before: StoredSession | undefined,
): StoredSession {
  if (before !== undefined && isSame(end, before)) return before;
  const { sessionId, generation, lastSeq } = end;
  const hasGrown =
    before?.payload.kind === 'rows' &&
    before.generation === generation &&
    before.lastSeq <= lastSeq;
  const from = hasGrown ? before : { lastSeq: -1, count: 0, bytes: 0 };
  const [added] = reading.all(
    `SELECT count(*) AS lines, sum(${lengthOf(schema)} + 1) AS bytes, max(created_at) AS at
     FROM transcript_events WHERE session_id = ? AND seq > ?`,
    sessionId,
    from.lastSeq,
  );
  return {
    ...end,
    payload: { kind: 'rows' },
    count: from.count + numberIn(added?.lines),
    bytes: from.bytes + numberIn(added?.bytes),
    modifiedAtMs: Math.max(hasGrown ? before.modifiedAtMs : 0, numberIn(added?.at)),
    known: knownFacts(reading, schema, sessionId).get(sessionId) ?? {},
  };
}

/** For all sessions in one go: the first scan may find thousands. */
function everySum(reading: Reading, schema: Schema): ReadonlyMap<string, SessionTotals> {
  const known = knownFacts(reading, schema);
  const rows = reading.all(
    `SELECT session_id AS id, count(*) AS lines, sum(${lengthOf(schema)} + 1) AS bytes,
       max(created_at) AS at FROM transcript_events GROUP BY session_id`,
  );
  return new Map(
    rows.map(({ id, lines, bytes, at }) => [
      String(id),
      {
        count: numberIn(lines),
        bytes: numberIn(bytes),
        modifiedAtMs: numberIn(at),
        known: known.get(String(id)) ?? {},
      },
    ]),
  );
}

/** Sessions that are in the middle of a run and changed since. */
export function runningSessions(reading: Reading, sinceMs: number): readonly string[] {
  const schema = new Schema(reading);
  if (!schema.has('session_nodes', 'current_session_id', 'status', 'updated_at')) return [];
  const rows = reading.all(
    `SELECT current_session_id AS id FROM session_nodes WHERE status = 'running' AND updated_at >= ?`,
    sinceMs,
  );
  return rows.map(({ id }) => String(id));
}

/** Bytes of an event as text, from the row's header if possible. */
export function lengthOf(schema: Schema): string {
  if (!schema.has('transcript_events', 'event_zstd', 'event_utf8_bytes')) {
    return 'coalesce(octet_length(event_json), 0)';
  }
  return 'coalesce(octet_length(event_json), event_utf8_bytes, octet_length(event_zstd), 0)';
}

/** For all sessions or one, from the indexes: the rows themselves are not read. */
function ends(reading: Reading, schema: Schema, only?: string): readonly SessionEnd[] {
  if (!schema.has('transcript_events', 'session_id', 'seq', 'event_json', 'created_at')) return [];
  const watermark = schema.has('transcript_rewrite_watermarks', 'generation', 'updated_at')
    ? {
        columns: 'w.generation, w.updated_at',
        join: 'LEFT JOIN transcript_rewrite_watermarks w ON w.session_id = id',
      }
    : { columns: 'NULL AS generation, NULL AS updated_at', join: '' };
  const sessions = only === undefined ? everySession : 'ids(id) AS (SELECT ?)';
  const rows = reading.all(
    `WITH RECURSIVE ${sessions}
     SELECT id, (SELECT max(seq) FROM transcript_events WHERE session_id = id) AS last_seq,
       ${watermark.columns} FROM ids ${watermark.join} WHERE last_seq IS NOT NULL`,
    ...(only === undefined ? [] : [only]),
  );
  return rows
    .map(({ id, last_seq: lastSeq, generation, updated_at: updatedAt }) => ({
      sessionId: String(id),
      lastSeq: numberIn(lastSeq),
      generation: typeof generation === 'string' ? generation : '',
      sinceMs: generation === null ? neverMs : numberIn(updatedAt),
    }))
    .filter(({ sessionId }) => sessionId !== '');
}

/** One by one, by the index. */
const everySession = `ids(id) AS (
  SELECT min(session_id) FROM transcript_events
  UNION ALL
  SELECT (SELECT min(session_id) FROM transcript_events WHERE session_id > ids.id)
  FROM ids WHERE id IS NOT NULL)`;

/** Deleted or reset, and not yet written to a file. */
function archived(reading: Reading, schema: Schema): readonly StoredSession[] {
  if (!schema.has('session_transcript_archives', 'archive_blob', 'published_at')) return [];
  const rows = reading.all(
    `SELECT session_id, generation, archive_name, length(archive_blob) AS bytes, created_at
     FROM session_transcript_archives WHERE published_at IS NULL ORDER BY created_at`,
  );
  return rows.map((row) => ({
    ...inOnePiece(row, row.created_at),
    payload: { kind: 'archive' },
    archive: String(row.archive_name),
    known: endOf(row.created_at),
  }));
}

/** Archived, because nobody has used it for a long time. */
function cold(reading: Reading, schema: Schema): readonly StoredSession[] {
  if (!schema.has('session_transcript_cold_archives', 'archive_blob', 'storage')) return [];
  const rows = reading.all(
    `SELECT session_id, generation, archive_name, raw_bytes AS bytes, archived_at, storage
     FROM session_transcript_cold_archives`,
  );
  return rows.map((row) => ({
    ...inOnePiece(row, row.archived_at),
    payload:
      row.storage === 'file'
        ? { kind: 'cold-file', file: String(row.archive_name) }
        : { kind: 'cold' },
    known: knownFacts(reading, schema, String(row.session_id)).get(String(row.session_id)) ?? {},
  }));
}

function inOnePiece(row: Row, at: unknown) {
  return {
    sessionId: String(row.session_id),
    generation: String(row.generation),
    lastSeq: -1,
    count: -1,
    bytes: numberIn(row.bytes),
    modifiedAtMs: numberIn(at),
    sinceMs: neverMs,
  };
}

function endOf(created: unknown): KnownFacts {
  const at = new Date(numberIn(created));
  return Number.isNaN(at.getTime()) ? {} : { endedAt: at.toISOString() };
}

/**
 * A sub-agent's first event names its parent by key, which may have had several sessions: then it is not known which one
 * it was.
 */
const parentByKey = `(SELECT CASE WHEN count(*) = 1 THEN max(p.session_id) END FROM session_windows p
  WHERE p.session_key = (SELECT CASE WHEN json_valid(e.event_json) THEN
    json_extract(e.event_json, '$.parentSessionKey') END
    FROM transcript_events e WHERE e.session_id = w.session_id ORDER BY e.seq LIMIT 1))`;

/**
 * What is recorded about sessions besides their events, for all or one. Drops a label that would have to be
 * shortened.
 */
function knownFacts(
  reading: Reading,
  schema: Schema,
  only?: string,
): ReadonlyMap<string, KnownFacts> {
  if (!schema.has('session_windows', 'session_key', 'model', 'display_name')) return new Map();
  if (!schema.has('session_nodes', 'label', 'display_name', 'entry_json')) return new Map();
  const rows = reading.all(
    `SELECT w.session_id AS id, w.model AS model, n.label AS label, n.display_name AS named,
       w.display_name AS shown,
       coalesce(CASE WHEN n.current_session_id = w.session_id AND json_valid(n.entry_json) THEN coalesce(
         json_extract(n.entry_json, '$.forkSource.sessionId'),
         json_extract(n.entry_json, '$.parentSessionId')) END, ${parentByKey}) AS parent
     FROM session_windows w LEFT JOIN session_nodes n ON n.session_key = w.session_key
     ${only === undefined ? '' : 'WHERE w.session_id = ?'}`,
    ...(only === undefined ? [] : [only]),
  );
  return new Map(rows.map((row) => [String(row.id), factsIn(row)]));
}

function factsIn({ model, label, named: own, shown, parent }: Row): KnownFacts {
  const named = [label, own, shown].map(shortText).find((one) => one !== '');
  const lastModel = exactFact(textIn(model));
  const parentSessionId = exactFact(textIn(parent));
  return {
    ...(named === undefined ? {} : { named }),
    ...(lastModel === undefined ? {} : { model: lastModel }),
    ...(parentSessionId === undefined ? {} : { parentSessionId }),
  };
}

function shortText(value: unknown): string {
  return typeof value === 'string' && value.length <= longestFact ? titleFact(value) : '';
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberIn(value: unknown): number {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0;
}
