import { createHash } from 'node:crypto';
import type { Reading } from '../sqlite/reading.js';
import type { Row } from '../sqlite/values.js';
import { counterColumns, modelKeys, sessionColumns, usageBody, usageColumns } from './rows.js';
import { usageTable } from './usage-table.js';

/** A session of a database, as far as known from its own row and a sum over its messages. */
export interface HeldSession {
  readonly id: string;
  /** Changes with the row, and when messages are added, removed or deactivated; not when one is only edited. */
  readonly token: string;
  readonly hasEnded: boolean;
  readonly modifiedAtMs: number;
  /** Approximate: bytes of message text, as messages were added. */
  readonly size: number;
  readonly lastMessageId: number;
}

/** Columns reported with a session's own row; they say that something happened. */
const counters = [
  'model_config',
  'message_count',
  'tool_call_count',
  'api_call_count',
  'input_tokens',
  'output_tokens',
  'last_activity_at',
] as const;
const heavyColumns = ['content', 'tool_calls', 'reasoning', 'api_content'] as const;

/** Every session; what was known about one whose row is unchanged is kept. */
export function heldSessions(
  reading: Reading,
  before: ReadonlyMap<string, HeldSession>,
): ReadonlyMap<string, HeldSession> {
  const held = new Map<string, HeldSession>();
  if (!hasMessages(reading)) return held;
  const outlines = outlinesOf(reading);
  for (const row of sessionRows(reading)) {
    const { id } = row;
    if (typeof id !== 'string' || id === '') continue;
    const token = tokenOf(row, outlines.get(id) ?? '');
    const known = before.get(id);
    held.set(id, known?.token === token ? known : heldSession(reading, id, row, token, known));
  }
  return held;
}

/**
 * Every session of a damaged database, one by one: an unreadable one does not stop the others from being mirrored. A
 * damaged session is still listed, so that reading it fails under its own name.
 */
export function readableSessions(
  reading: Reading,
  before: ReadonlyMap<string, HeldSession>,
): ReadonlyMap<string, HeldSession> {
  const held = new Map<string, HeldSession>();
  if (!hasMessages(reading)) return held;
  for (const row of sessionRows(reading)) {
    const { id } = row;
    if (typeof id !== 'string' || id === '') continue;
    try {
      const token = tokenOf(row, outlinesOf(reading, id).get(id) ?? '');
      const known = before.get(id);
      held.set(id, known?.token === token ? known : heldSession(reading, id, row, token, known));
    } catch {
      held.set(id, before.get(id) ?? damagedSession(id, row));
    }
  }
  return held;
}

function damagedSession(id: string, row: Row): HeldSession {
  return {
    id,
    token: tokenOf(row, 'damaged'),
    hasEnded: false,
    modifiedAtMs: modifiedAt(row),
    size: 1,
    lastMessageId: Number.MIN_SAFE_INTEGER,
  };
}

/** The session's own row; `undefined` if it does not exist (any more). */
export function sessionRowIn(reading: Reading, id: string): Row | undefined {
  if (!hasMessages(reading)) return undefined;
  return sessionRows(reading, id)[0];
}

/** The session's counters; `undefined` while a turn goes on, and if there are none. */
export function usageOf(reading: Reading, id: string): Buffer | undefined {
  const columns = columnsOf(reading, 'sessions');
  if (!columns.has('input_tokens') || isWithinTurn(reading, id)) return undefined;
  const counted = usageColumns.filter((name) => columns.has(name));
  const [session] = reading.all(`SELECT ${counted.join(', ')} FROM sessions WHERE id = ?`, id);
  const models = modelRows(reading, id);
  const isCounted = [...models, session ?? {}].some((row) =>
    ['input_tokens', 'output_tokens', 'cache_read_tokens'].some((name) => numberIn(row[name]) > 0),
  );
  return session === undefined || !isCounted ? undefined : usageBody(id, models, session);
}

function modelRows(reading: Reading, id: string): readonly Row[] {
  const columns = columnsOf(reading, usageTable);
  if (!columns.has('session_id') || !columns.has('model')) return [];
  const keys = modelKeys.filter((name) => columns.has(name)).join(', ');
  const sums = counterColumns
    .filter((name) => columns.has(name))
    .map((name) => `sum(${name}) AS ${name}`);
  const latest = columns.has('last_seen') ? ['max(last_seen) AS last_seen'] : [];
  return reading.all(
    `SELECT ${[keys, ...sums, ...latest].join(', ')} FROM ${usageTable} WHERE session_id = ?
     GROUP BY ${keys} ORDER BY ${keys}`,
    id,
  );
}

/** The last message is a prompt, a call or a result: an answer is still to come. */
function isWithinTurn(reading: Reading, id: string): boolean {
  const columns = columnsOf(reading, 'messages');
  const ended = columnsOf(reading, 'sessions').has('ended_at')
    ? reading.all('SELECT ended_at FROM sessions WHERE id = ?', id)[0]?.ended_at
    : undefined;
  if ((ended !== undefined && ended !== null) || !columns.has('role')) return false;
  const calls = columns.has('tool_calls') ? 'tool_calls' : 'NULL';
  const [last] = reading.all(
    `SELECT role, ${calls} AS calls FROM messages WHERE session_id = ? ORDER BY id DESC LIMIT 1`,
    id,
  );
  if (last === undefined) return false;
  const hasCalls = typeof last.calls === 'string' && !/^\s*(\[\s*\])?$/.test(last.calls);
  return last.role !== 'assistant' || hasCalls;
}

/** Sessions in use now, according to a lease that has not expired. */
export function leasedSessions(reading: Reading, nowMs: number): readonly string[] {
  if (!columnsOf(reading, 'session_turn_leases').has('expires_at')) return [];
  const rows = reading.all(
    'SELECT conversation_id AS id FROM session_turn_leases WHERE expires_at > ?',
    nowMs / 1000,
  );
  return rows.map(({ id }) => String(id));
}

function sessionRows(reading: Reading, id?: string): readonly Row[] {
  const present = columnsOf(reading, 'sessions');
  const columns = ['id', ...sessionColumns, ...counters].filter((name) => present.has(name));
  const all = `SELECT ${columns.join(', ')} FROM sessions`;
  return id === undefined ? reading.all(all) : reading.all(`${all} WHERE id = ?`, id);
}

function hasMessages(reading: Reading): boolean {
  const columns = columnsOf(reading, 'messages');
  return columns.has('id') && columns.has('session_id') && columnsOf(reading, 'sessions').has('id');
}

function columnsOf(reading: Reading, table: string): ReadonlySet<string> {
  const rows = reading.all('SELECT name FROM pragma_table_info(?)', table);
  return new Set(rows.map(({ name }) => String(name)));
}

function heldSession(
  reading: Reading,
  id: string,
  row: Row,
  token: string,
  known: HeldSession | undefined,
): HeldSession {
  const present = columnsOf(reading, 'messages');
  const lengths = heavyColumns
    .filter((name) => present.has(name))
    .map((name) => `coalesce(octet_length(${name}), 0)`);
  const [sum] = reading.all(
    `SELECT max(id) AS last, sum(${['100', ...lengths].join(' + ')}) AS bytes FROM messages
     WHERE session_id = ? AND id > ?`,
    id,
    known?.lastMessageId ?? Number.MIN_SAFE_INTEGER,
  );
  return {
    id,
    token,
    hasEnded: row.ended_at !== null && row.ended_at !== undefined,
    modifiedAtMs: modifiedAt(row),
    size: (known?.size ?? 0) + numberIn(sum?.bytes),
    lastMessageId: Math.max(known?.lastMessageId ?? Number.MIN_SAFE_INTEGER, numberIn(sum?.last)),
  };
}

function modifiedAt(row: Row): number {
  const times = [row.started_at, row.ended_at, row.last_activity_at].map(numberIn);
  return Math.max(0, ...times.map((seconds) => seconds * 1000));
}

/** How many messages each session has and which, active or not: from an index, without reading a message. */
function outlinesOf(reading: Reading, only?: string): ReadonlyMap<string, string> {
  const present = columnsOf(reading, 'messages');
  const active = present.has('active') ? 'active' : '1';
  const latest = present.has('timestamp') ? 'max(timestamp)' : '0';
  const rows = reading.all(
    `SELECT session_id AS id, ${active} AS active, count(*) AS n, total(id) AS ids, ${latest} AS latest
     FROM messages ${only === undefined ? '' : 'WHERE session_id = ?'} GROUP BY session_id, ${active}`,
    ...(only === undefined ? [] : [only]),
  );
  const outlines = new Map<string, string>();
  for (const { id, active: isActive, n, ids, latest: last } of rows) {
    const outline = [isActive, n, ids, last].join(' ');
    outlines.set(String(id), `${outlines.get(String(id)) ?? ''}${outline};`);
  }
  return outlines;
}

/** The same of a session's messages up to one of them. */
export function outlineOf(reading: Reading, id: string, upTo: number): string {
  const active = columnsOf(reading, 'messages').has('active') ? 'active' : '1';
  const rows = reading.all(
    `SELECT ${active} AS active, count(*) AS n, total(id) AS ids FROM messages
     WHERE session_id = ? AND id <= ? GROUP BY ${active} ORDER BY ${active}`,
    id,
    upTo,
  );
  return rows.map(({ active: isActive, n, ids }) => [isActive, n, ids].join(' ')).join(';');
}

function tokenOf(row: Row, outline: string): string {
  const cells = Object.values(row).map((cell) =>
    cell instanceof Uint8Array ? Buffer.from(cell).toString('hex') : String(cell),
  );
  const text = JSON.stringify([...cells, outline]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function numberIn(value: unknown): number {
  const number = typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0;
  return Number.isFinite(number) ? number : 0;
}
