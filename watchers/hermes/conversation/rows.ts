import type { PromptOrigin } from '../../../src/conversation/conversation.js';
import {
  type Fields,
  fields,
  finite,
  isoMs,
  json,
  list,
  opened,
  text,
  word,
} from '../../../src/conversation/fields.js';
import { noted, type Piece, type RowReading, type Tell } from '../../../src/conversation/row.js';
import { usageTable } from '../usage-table.js';

/** Prefix of content that is not plain text in Hermes' database (hermes_state_common, schema v30). */
const jsonMark = '\u0000json:';

/** A message as it was when a line was written: `{"op": "insert|update|delete", …row}`. */
export interface HermesMessage extends RowReading {
  readonly isDeleted: boolean;
  readonly isActive: boolean;
  /** Set aside by a compaction, but still part of the conversation. */
  readonly isCompacted: boolean;
  /** What makes two messages the same. */
  readonly contentKey: string;
}

/** What the lines of the session's own row say. */
export interface HermesSession {
  readonly title: string | undefined;
  readonly isNamedByUser: boolean;
  readonly delegatedFrom: string | undefined;
  readonly parent: string | undefined;
  readonly isSubagent: boolean;
}

/** Which database row a line belongs to; without an id, it is a message that was written to a file instead. */
export function rowOf(value: unknown): number | 'session' | 'usage' | undefined {
  const row = fields(value);
  if (row.table === usageTable) return 'usage';
  if (row.table !== undefined) return 'session';
  return finite(row.id);
}

export function readSession(value: unknown): HermesSession {
  const row = fields(value);
  const origins = fields(opened(row.model_config));
  const delegatedFrom = word(origins._delegate_from);
  return {
    title: text(row.title),
    isNamedByUser: row.title_source === 'user',
    delegatedFrom,
    parent:
      word(row.parent_session_id) ??
      delegatedFrom ??
      word(origins._branched_from) ??
      word(origins._reset_from),
    isSubagent: delegatedFrom !== undefined || row.source === 'subagent',
  };
}

export function sessionTells(session: HermesSession): readonly Tell[] {
  const { title, isNamedByUser, delegatedFrom, parent, isSubagent } = session;
  const tells: Tell[] = [];
  if (title !== undefined) {
    tells.push({ kind: 'title', by: isNamedByUser ? 'user' : 'harness', text: title });
  }
  const caller = delegatedFrom ?? parent;
  if (isSubagent && caller !== undefined) {
    tells.push({ kind: 'spawn', by: { session: caller, stream: '' } });
  } else if (parent !== undefined) tells.push({ kind: 'fork', from: { session: parent } });
  return tells;
}

/** Reads one line by itself. */
export function readMessage(value: unknown, origin: PromptOrigin): HermesMessage {
  const row = fields(value);
  const role = word(row.role);
  const rowId = finite(row.id);
  const base = { atMs: timeOf(row.timestamp), id: rowId === undefined ? undefined : String(rowId) };
  const isDeleted = row.op === 'delete';
  const name = isDeleted ? 'message deleted' : `message ${role ?? ''}`.trim();
  const reading = isDeleted ? noted(name, base) : messageReading(name, row, base, origin);
  return {
    ...reading,
    isDeleted,
    isActive: row.active === undefined || row.active === 1,
    isCompacted: row.compacted === 1,
    contentKey: json([role, row.tool_call_id, row.content]),
  };
}

type Base = Pick<RowReading, 'atMs' | 'id'>;

function messageReading(name: string, row: Fields, base: Base, origin: PromptOrigin): RowReading {
  const { said, images } = contentOf(row.content);
  const given = (...pieces: readonly Piece[]): RowReading => ({ name, ...base, pieces, tells: [] });
  if (row._compressed_summary === 1) {
    return given({ kind: 'compaction', part: 'whole', summary: said });
  }
  if (row.display_kind === 'hidden') return noted(`${name} hidden`, base);
  if (row.observed === 1) {
    return said === undefined
      ? noted(name, base)
      : given({ kind: 'context', source: 'chatter', text: said });
  }
  switch (row.role) {
    case 'user':
      if (said === undefined && images === 0) return noted(name, base);
      return given({ kind: 'prompt', origin, text: said ?? '', images });
    case 'assistant':
      return given(...spokenPieces(row, said, base));
    case 'tool':
      return given(resultPiece(row, said ?? '', images));
    case 'system':
      return said === undefined
        ? noted(name, base)
        : given({ kind: 'context', source: 'system', text: said });
    default:
      return noted(name, base);
  }
}

function spokenPieces(row: Fields, said: string | undefined, { id }: Base): readonly Piece[] {
  const response = { responseId: id, model: undefined };
  const pieces: Piece[] = [];
  const reasoning = text(row.reasoning) ?? text(row.reasoning_content);
  if (reasoning !== undefined) pieces.push({ kind: 'thinking', text: reasoning, ...response });
  if (said !== undefined) pieces.push({ kind: 'answer', text: said, ...response });
  for (const [index, one] of list(opened(row.tool_calls)).entries()) {
    const call = fields(one);
    const called = fields(call.function);
    const tool = word(called.name) ?? word(call.name) ?? 'tool';
    const callId = word(call.id) ?? word(call.call_id) ?? `call ${index} of row ${id ?? '?'}`;
    const input = opened(called.arguments ?? call.arguments);
    pieces.push({ kind: 'call', callId, tool, input, ...response });
  }
  return pieces;
}

/** Tools answer with JSON that contains their output, or with plain text. */
function resultPiece(row: Fields, said: string, images: number): Piece {
  const value = fields(opened(said));
  const exitCode = finite(value.exit_code);
  const error = text(value.error);
  const tool = word(row.tool_name);
  return {
    kind: 'result',
    callId: word(row.tool_call_id),
    ...(tool === undefined ? {} : { tool }),
    text: typeof value.output === 'string' ? value.output : (error ?? said),
    isError: value.success === false || error !== undefined,
    images,
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

function contentOf(content: unknown): {
  readonly said: string | undefined;
  readonly images: number;
} {
  const isMarked = typeof content === 'string' && content.startsWith(jsonMark);
  const value = isMarked ? opened(content.slice(jsonMark.length)) : content;
  if (!Array.isArray(value)) return { said: text(value), images: 0 };
  const parts = value.map((part) => (typeof part === 'string' ? { text: part } : fields(part)));
  const said = parts.map((part) => text(part.text)).filter((one) => one !== undefined);
  const images = parts.filter(({ type }) => typeof type === 'string' && /image/.test(type));
  return { said: text(said.join('\n')), images: images.length };
}

/** Seconds with a fraction; in files also ISO 8601. */
function timeOf(timestamp: unknown): number | undefined {
  const seconds = finite(timestamp);
  return seconds === undefined ? isoMs(timestamp) : Math.round(seconds * 1_000);
}
