import { type Fields, fields, finite, word } from '../../../src/conversation/fields.js';
import { rowOn } from '../../copied-rows.js';
import type { HistoryBase } from '../../resume.js';

/** A row of a rollout in the form of today's releases, whichever wrote it. */
export interface RolloutRow {
  readonly type: string;
  readonly timestamp: string | undefined;
  readonly ordinal: number | undefined;
  readonly payload: Fields;
}

export function rolloutRow(line: Buffer): RolloutRow | undefined {
  const row = rowOn(line);
  const timestamp = word(row.timestamp);
  const ordinal = finite(row.ordinal);
  const type = word(row.type);
  if (type !== undefined && 'payload' in row) {
    return { type, timestamp, ordinal, payload: fields(row.payload) };
  }
  // The oldest releases wrote items, and a first row without a type, bare.
  if (type !== undefined) return { type: 'response_item', timestamp, ordinal, payload: row };
  if (word(row.id) === undefined) return undefined;
  return { type: 'session_meta', timestamp, ordinal, payload: row };
}

/** When a rollout was begun, from its first line: `2026-11-29T16-40-01`, as in its name. */
export function startOf(firstLine: Buffer): string | undefined {
  const row = rolloutRow(firstLine);
  const at = new Date(word(row?.payload.timestamp) ?? row?.timestamp ?? '');
  const isDate = !Number.isNaN(at.getTime()) && at.getUTCFullYear() >= 1970;
  return isDate ? at.toISOString().slice(0, 19).replaceAll(':', '-') : undefined;
}

export function historyBaseOf(firstLine: Buffer): Omit<HistoryBase, 'stream'> | undefined {
  const base = fields(rolloutRow(firstLine)?.payload.history_base);
  const session = word(base.thread_id);
  const endOrdinal = finite(base.end_ordinal_exclusive);
  const endOffset = finite(base.end_byte_offset);
  if (session === undefined || endOrdinal === undefined || endOffset === undefined)
    return undefined;
  return { session, endOrdinal, endOffset };
}

/** It comes right after the time in every release that writes it. */
const ordinalAtStart = /^\{"timestamp":"[^"]{0,64}","ordinal":(\d{1,15})[,}]/;
const headBytes = 160;

/** The row's place in the thread, without parsing all of a long row. */
export function ordinalOf(line: Buffer): number | undefined {
  const told = ordinalAtStart.exec(line.toString('latin1', 0, headBytes))?.[1];
  return told === undefined ? finite(rowOn(line).ordinal) : Number(told);
}
