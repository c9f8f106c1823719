import type { Reading } from '../sqlite/reading.js';
import { bodyIn, isOperation, type ReadState, type SessionRows } from '../sqlite/row-comparison.js';
import { type Row, valueJson } from '../sqlite/values.js';

/** A session's own row, reduced: counters change with every message, and a link to a shared session is a secret. */
export const sessionColumns = [
  'project_id',
  'parent_id',
  'slug',
  'directory',
  'path',
  'title',
  'version',
  'agent',
  'model',
  'revert',
  'time_created',
  'time_compacting',
  'time_archived',
] as const;

const children = {
  message: ['time_created', 'time_updated'],
  part: ['message_id', 'time_created', 'time_updated'],
} as const;
type Child = keyof typeof children;

/** What JSON texts are parsed into, so that a reader need not. */
const structured = new Set(['model', 'revert']);

const id = /^[\w-]{1,128}$/;
/** So that one read does not hold much more than this. */
const bytesAtATime = 8 << 20;
const rowsAtATime = 50;
/** As JSON it may grow, and Node cannot hold a string of more than 512 MiB. */
const largestData = 192 << 20;

/** Where a row is: messages first, each table by ascending id. */
interface Place {
  readonly table: Child;
  readonly id: string;
  readonly bytes: number;
}

/** The session's own row, its messages and their parts. Keys are `<table> <id>`. */
export function openCodeRows(reading: Reading, sessionId: string, row: Row): SessionRows<string> {
  const places = placesOf(reading, sessionId);
  return {
    session: sessionBody(sessionId, row),
    rowsAfter: (after) => {
      const start = places.findIndex(
        ({ table, id: one }) => after === undefined || `${table} ${one}` > after,
      );
      return start === -1 ? [] : loaded(reading, nextPlaces(places, start));
    },
    compare: compareKeys,
    deletedBody,
  };
}

export function compareKeys(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

export function deletedBody(key: string): Buffer {
  const [table, one] = key.split(' ');
  return Buffer.from(`"table":"${table}","id":"${one}"}`);
}

function placesOf(reading: Reading, sessionId: string): readonly Place[] {
  const tables: readonly Child[] = ['message', 'part'];
  return tables.flatMap((table) =>
    reading
      .all(
        `SELECT id, octet_length(data) AS bytes FROM ${table} WHERE session_id = ? ORDER BY id`,
        sessionId,
      )
      .flatMap((row): Place[] =>
        typeof row.id === 'string' && id.test(row.id)
          ? [{ table, id: row.id, bytes: Number(row.bytes ?? 0) }]
          : [],
      ),
  );
}

/** Of one table, and no more than fit: a single row may be very large. */
function nextPlaces(places: readonly Place[], start: number): readonly Place[] {
  const next: Place[] = [];
  let bytes = 0;
  for (const place of places.slice(start, start + rowsAtATime)) {
    bytes += place.bytes;
    if (next.length > 0 && (bytes > bytesAtATime || place.table !== next[0]?.table)) break;
    next.push(place);
  }
  return next;
}

function loaded(reading: Reading, places: readonly Place[]) {
  const table = places[0]?.table ?? 'message';
  const columns = children[table].join(', ');
  // As many as there may be, so that there is one statement per table.
  const ids = Array.from({ length: rowsAtATime }, (_, index) => places[index]?.id ?? '');
  const rows = reading.all(
    `SELECT id, ${columns}, CASE WHEN octet_length(data) > ${largestData} THEN NULL ELSE data END AS data
     FROM ${table} WHERE id IN (${ids.map(() => '?').join(', ')})`,
    ...ids,
  );
  const found = new Map(rows.map((row) => [row.id, row]));
  return places.flatMap(({ id: one, bytes }) => {
    const row = found.get(one);
    return row === undefined
      ? []
      : [{ key: `${table} ${one}`, body: childBody(table, one, row, bytes) }];
  });
}

export function childBody(table: Child, one: string, row: Row, bytes: number): Buffer {
  const fields = [`"table":"${table}","id":"${one}"`];
  for (const column of children[table]) fields.push(...member(column, row[column]));
  if (row.data === null) fields.push(`"omitted_bytes":${bytes}`);
  else fields.push(`"data":${jsonOf(row.data)}`);
  return Buffer.from(`${fields.join(',')}}`);
}

export function sessionBody(sessionId: string, row: Row): Buffer {
  const fields = [`"table":"session","id":${JSON.stringify(sessionId)}`];
  for (const column of sessionColumns) {
    const value = row[column];
    if (structured.has(column) && typeof value === 'string')
      fields.push(`"${column}":${jsonOf(value)}`);
    else fields.push(...member(column, value));
  }
  return Buffer.from(`${fields.join(',')}}`);
}

function member(column: string, value: unknown): readonly string[] {
  return value === null || value === undefined ? [] : [`"${column}":${valueJson(value)}`];
}

/** JSON in its own spelling, on one line; anything else as a text. */
function jsonOf(value: unknown): string {
  if (typeof value !== 'string') return valueJson(value);
  try {
    JSON.parse(value);
    return value.replace(/[\r\n]/g, ' ');
  } catch {
    return valueJson(value);
  }
}

const heads =
  /^\{"op":"(insert|update|delete)","table":"(session|message|part)","id":"([\w-]{1,128})"[,}]/;
const longestHead = 220;

/** What a line says, whoever wrote it; `undefined` if it is not a row state. */
export function parseLine(line: Buffer): ReadState<string> | undefined {
  const [, operation, table, one] = heads.exec(line.toString('latin1', 0, longestHead)) ?? [];
  if (!isOperation(operation)) return undefined;
  const body = bodyIn(line, operation);
  if (body === undefined) return undefined;
  return { operation, of: table === 'session' ? 'session' : { key: `${table} ${one}` }, body };
}
