import type { Fork } from '../../../src/conversation/conversation.js';
import {
  type Fields,
  fields,
  isoMs,
  opened,
  text,
  word,
} from '../../../src/conversation/fields.js';
import { noted, type Piece, type RowReading, type Tell } from '../../../src/conversation/row.js';
import { assistantPieces, bashPiece, contentOf, resultPiece } from '../../pi-format/messages.js';

/** What an event says, from the database or from the older files: the format is the same. */
export interface OpenClawRow extends RowReading {
  /** Of a header. */
  readonly fork?: Fork;
  readonly isSubagent?: true;
}

const subagentMark = '[Subagent Context]';

/** Reads one event by itself. */
export function readOpenClawRow(value: unknown): OpenClawRow {
  const outer = fields(value);
  const row = outer.event === undefined ? outer : fields(outer.event);
  const type = word(row.type) ?? 'row';
  const base = { atMs: isoMs(row.timestamp) ?? isoMs(row.ts), id: word(row.id) };
  const given = (piece: Piece): RowReading => ({ name: type, ...base, pieces: [piece], tells: [] });
  switch (type) {
    case 'session':
      return headerReading(row, base);
    case 'message':
      return messageReading(fields(row.message), base);
    case 'compaction':
      return given({ kind: 'compaction', part: 'whole', summary: text(row.summary) });
    case 'reset': {
      const name = `/${word(row.reason) ?? 'reset'}`;
      return given({ kind: 'command', name, args: '', isBoundary: true });
    }
    case 'session_info': {
      const name = text(row.name);
      return noted(
        type,
        base,
        name === undefined ? [] : [{ kind: 'title', by: 'user', text: name }],
      );
    }
    case 'custom':
      return noted(`custom ${word(row.customType) ?? ''}`.trim(), base);
    default:
      return noted(type, base);
  }
}

type Base = Pick<RowReading, 'atMs' | 'id'>;

function headerReading(row: Fields, base: Base): OpenClawRow {
  const parent = referencedSession(word(row.parentSession) ?? '');
  const isSubagent = word(row.parentSessionKey) !== undefined;
  // The header's id is the session's.
  const reading = noted('session', { ...base, id: undefined });
  return {
    ...reading,
    ...(parent === undefined ? {} : { fork: { session: parent } }),
    ...(isSubagent ? { isSubagent } : {}),
  };
}

/** The session that a header names as its origin: the path of a file, or `sqlite:<agent>:<session>:<path>`. */
function referencedSession(reference: string): string | undefined {
  const [, id] =
    /^sqlite:[^:]*:([^:]+):/.exec(reference) ?? /([^/\\]+)\.jsonl[^/\\]*$/.exec(reference) ?? [];
  return word(id?.replace(/-topic-.*$/s, ''));
}

function messageReading(message: Fields, base: Base): OpenClawRow {
  const name = `message ${word(message.role) ?? ''}`.trim();
  switch (message.role) {
    case 'user':
      return userReading(name, message, base);
    case 'assistant':
      return assistantReading(name, message, base);
    case 'toolResult':
      return resultReading(name, message, base);
    case 'bashExecution':
      return { name, ...base, pieces: [bashPiece(message)], tells: [] };
    default:
      return noted(name, base);
  }
}

/** The gateway's own lines come before what was typed. */
const systemLines = /^(?:System: .*(?:\n|$))+\s*/;

function userReading(name: string, message: Fields, base: Base): OpenClawRow {
  const { said, images } = contentOf(message.content);
  const [system = ''] = systemLines.exec(said) ?? [];
  const words = said.slice(system.length);
  const pieces: Piece[] = [];
  if (system !== '') pieces.push({ kind: 'context', source: 'system', text: system.trimEnd() });
  const isTask = words.startsWith(subagentMark);
  if (/\S/.test(words) || images > 0) {
    pieces.push({ kind: 'prompt', origin: isTask ? 'agent' : 'human', text: words, images });
  }
  const reading = { name, ...base, pieces, tells: [] };
  return isTask ? { ...reading, isSubagent: true } : reading;
}

function assistantReading(name: string, message: Fields, base: Base): RowReading {
  // Text delivered to a chat repeats what was already said.
  if (message.model === 'delivery-mirror') return noted(`${name} delivery-mirror`, base);
  const tells: readonly Tell[] =
    message.stopReason === 'stop' ? [{ kind: 'end', state: 'done' }] : [];
  return { name, ...base, pieces: assistantPieces(message, base.id), tells };
}

function resultReading(name: string, message: Fields, base: Base): RowReading {
  const result = resultPiece(message);
  const { callId } = result;
  const key =
    word(fields(message.details).childSessionKey) ??
    word(fields(opened(result.text)).childSessionKey);
  const tells: readonly Tell[] =
    key === undefined || callId === undefined
      ? []
      : [{ kind: 'child', callId, child: { id: key } }];
  return { name, ...base, pieces: [result], tells };
}
