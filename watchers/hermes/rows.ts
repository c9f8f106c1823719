import { bodyIn, isOperation, type ReadState } from '../sqlite/row-comparison.js';
import { type Row, valueJson } from '../sqlite/values.js';
import { usageTable } from './usage-table.js';

/** Structured content starts with this (Hermes, hermes_state_common.py, schema v30). */
const jsonMark = '\0json:';
/**
 * A digest of a message: published, it would let anyone test guesses at a redacted secret. Everything else in the row
 * is mirrored.
 */
const leftOut = 'display_identity';

/** The session's own row, reduced. Counters and costs change with every message; the rest is private. */
export const sessionColumns = [
  'source',
  'created_source',
  'chat_type',
  'profile_name',
  'parent_session_id',
  'started_at',
  'ended_at',
  'end_reason',
  'model',
  'cwd',
  'git_branch',
  'git_repo_root',
  'title',
  'title_source',
  'rewind_count',
  'archived',
  'pinned',
  'hidden',
] as const;

/** What was counted. */
export const counterColumns = [
  'api_call_count',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'estimated_cost_usd',
  'actual_cost_usd',
] as const;
/** Of a session's own row. */
export const usageColumns = ['model', 'started_at', ...counterColumns] as const;
/** What tells the rows of the table apart, but for the provider's address, which may hold a key. */
export const modelKeys = ['model', 'billing_provider', 'billing_mode', 'task'] as const;
const modelColumns = [...modelKeys, ...counterColumns, 'last_seen'] as const;

/** The session this one was split off from. */
const originKeys = ['_delegate_from', '_branched_from', '_reset_from'] as const;

export function messageBody(id: number, row: Row): Buffer {
  const fields = [`"id":${id}`];
  for (const column in row) {
    if (column === 'id' || column === leftOut) continue;
    const value = row[column];
    if (value === null || value === undefined) continue;
    const json = column === 'content' ? contentJson(value) : valueJson(value);
    fields.push(nameJson(column) + json);
  }
  return Buffer.from(`${fields.join(',')}}`);
}

/** A table has a few dozen columns, whatever their names; a row has each of them. */
const names = new Map<string, string>();

function nameJson(column: string): string {
  const known = names.get(column);
  if (known !== undefined) return known;
  if (names.size > 1_000) names.clear();
  const json = `${JSON.stringify(column)}:`;
  names.set(column, json);
  return json;
}

export function sessionBody(id: string, row: Row): Buffer {
  const fields = [`"table":"sessions","id":${JSON.stringify(id)}`];
  for (const column of sessionColumns) {
    const value = row[column];
    if (value !== null && value !== undefined) fields.push(`"${column}":${valueJson(value)}`);
  }
  const origins = originsIn(row.model_config);
  if (origins !== undefined) fields.push(`"model_config":${JSON.stringify(origins)}`);
  return Buffer.from(`${fields.join(',')}}`);
}

/** What the session took so far: by model, and as its own row counts it. */
export function usageBody(id: string, models: readonly Row[], session: Row): Buffer {
  const counted = (row: Row, columns: readonly string[]): string => {
    const told = columns.filter((column) => row[column] !== null && row[column] !== undefined);
    return `{${told.map((column) => `"${column}":${valueJson(row[column])}`).join(',')}}`;
  };
  const lines = models.map((row) => counted(row, modelColumns));
  const body = [
    `"table":"${usageTable}","id":${JSON.stringify(id)}`,
    `"models":[${lines.join(',')}]`,
    `"session":${counted(session, usageColumns)}`,
  ];
  return Buffer.from(`${body.join(',')}}`);
}

export function deletedBody(id: number): Buffer {
  return Buffer.from(`"id":${id}}`);
}

const heads =
  /^\{"op":"(insert|update|delete)",(?:"table":"(sessions|session_model_usage)",)?"id":(?:(-?\d{1,16})[,}]|")/;
const longestHead = 80;

/** What a line says, whoever wrote it; `undefined` if it is not a row state. */
export function parseLine(line: Buffer): ReadState<number> | undefined {
  const [whole, operation, table, digits] =
    heads.exec(line.toString('latin1', 0, longestHead)) ?? [];
  if (whole === undefined || !isOperation(operation)) return undefined;
  const key = Number(digits);
  if (table === undefined && !Number.isSafeInteger(key)) return undefined;
  const body = bodyIn(line, operation);
  if (body === undefined) return undefined;
  if (table === undefined) return { operation, of: { key }, body };
  return { operation, of: table === 'sessions' ? 'session' : 'usage', body };
}

/** Structured content as JSON in its own spelling; on one line, since JSON has line breaks only between values. */
function contentJson(value: unknown): string {
  if (typeof value !== 'string' || !value.startsWith(jsonMark)) return valueJson(value);
  const json = value.slice(jsonMark.length);
  return isStructure(json) ? json.replace(/[\r\n]/g, ' ') : valueJson(value);
}

function isStructure(json: string): boolean {
  const parsed = parsedJson(json);
  return typeof parsed === 'object' && parsed !== null;
}

function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function originsIn(config: unknown): Record<string, string> | undefined {
  if (typeof config !== 'string' || config.length > 1 << 20) return undefined;
  const parsed = parsedJson(config);
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const origins: Record<string, string> = {};
  for (const key of originKeys) {
    const origin: unknown = Reflect.get(parsed, key);
    if (typeof origin === 'string' && origin !== '') origins[key] = origin;
  }
  return Object.keys(origins).length === 0 ? undefined : origins;
}
