import type { Fork, Spawn } from '../../../src/conversation/conversation.js';
import {
  type Fields,
  fields,
  finite,
  isoMs,
  text,
  word,
} from '../../../src/conversation/fields.js';
import { noted, type RowReading } from '../../../src/conversation/row.js';
import { readEvent } from './events.js';
import { readItem } from './items.js';

/** What a row of a rollout says, and what it tells about the thread. */
export interface CodexRow extends RowReading {
  /** The thread that it names as its own; a copied row may name another. */
  readonly threadId?: string;
  /** Prompts are recorded twice: as the item sent to the model, and as an event. */
  readonly promptIn?: 'item' | 'event';
  /** How many turns before it were taken back. */
  readonly takesBack?: number;
  readonly meta?: ThreadMeta;
  /** The model that answers from here on. */
  readonly model?: string;
}

/** A row with its line, and whether it was copied from another thread. */
export interface ThreadRow {
  readonly row: CodexRow;
  readonly line: number;
  readonly isInherited: boolean;
}

export interface ThreadMeta {
  readonly id: string | undefined;
  readonly isSubagent: boolean;
  /** Started by a program, with one prompt. */
  readonly isExec: boolean;
  readonly spawn: Spawn | undefined;
  readonly fork: Fork | undefined;
}

/** Reads one row by itself, as written by Codex 0.29 to 0.171; the oldest releases write the item without an envelope. */
export function readCodexRow(value: unknown): CodexRow {
  const row = fields(value);
  const envelope = word(row.type);
  const atMs = isoMs(row.timestamp);
  if (row.payload === undefined) return bareRow(row, envelope, atMs);
  const payload = fields(row.payload);
  const base = { atMs, id: word(payload.id) };
  switch (envelope) {
    case 'response_item':
      return readItem(payload, base);
    case 'event_msg':
      return readEvent(payload, { ...base, id: undefined });
    case 'session_meta':
      return { ...noted('session_meta', base), meta: metaIn(payload) };
    case 'turn_context': {
      const model = word(payload.model);
      const reading = noted('turn_context', base);
      return model === undefined ? reading : { ...reading, model };
    }
    case 'compacted': {
      const summary = text(payload.message);
      return {
        ...noted('compacted', base),
        pieces: [{ kind: 'compaction', part: 'whole', summary }],
      };
    }
    default:
      return noted(envelope ?? 'row', base);
  }
}

function bareRow(row: Fields, type: string | undefined, atMs: number | undefined): CodexRow {
  const base = { atMs, id: word(row.id) };
  if (type !== undefined) return readItem(row, base);
  const recordType = word(row.record_type);
  if (recordType !== undefined) return noted(`record ${recordType}`, base);
  return base.id === undefined
    ? noted('row', base)
    : { ...noted('session_meta', base), meta: metaIn(row) };
}

function metaIn(meta: Fields): ThreadMeta {
  const id = word(meta.id);
  const { subagent } = fields(meta.source);
  const isSubagent = subagent !== undefined || meta.thread_source === 'subagent';
  const parent =
    word(meta.parent_thread_id) ?? word(fields(fields(subagent).thread_spawn).parent_thread_id);
  return {
    id,
    isSubagent,
    isExec: meta.source === 'exec',
    spawn: parent === undefined ? undefined : { session: parent, stream: '' },
    fork: forkIn(meta, id),
  };
}

/** A fork of a paginated thread contains nothing of its parent's; it says up to where it inherits. */
function forkIn(meta: Fields, id: string | undefined): Fork | undefined {
  const base = fields(meta.history_base);
  const session = word(meta.forked_from_id) ?? word(base.thread_id);
  if (session === undefined || session === id) return undefined;
  const end = finite(base.end_ordinal_exclusive);
  return end === undefined ? { session } : { session, rowId: String(end - 1) };
}
