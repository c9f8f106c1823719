import { type Fields, fields, isoMs, text, word } from '../../src/conversation/fields.js';
import type { Reader } from '../../src/conversation/reader.js';
import { noted, type Piece, type RowReading, type Tell } from '../../src/conversation/row.js';
import { type LoneRow, rowByRowReader } from '../../src/conversation/row-by-row.js';
import { assistantPieces, bashPiece, contentOf, resultPiece } from '../pi-format/messages.js';
import { sessionInPath } from './session-path.js';

type Base = Pick<RowReading, 'atMs' | 'id'>;

/** A row that is not part of the tree stays out of it: the header, and whatever has no parent field. */
function readPiRow(value: unknown): LoneRow {
  const row = fields(value);
  const type = word(row.type) ?? 'row';
  if (type === 'session') return headerReading(row);
  const base = { atMs: isoMs(row.timestamp), id: word(row.id) };
  const reading = entryReading(type, row, base);
  const { parentId } = row;
  return parentId === null || typeof parentId === 'string' ? { ...reading, parentId } : reading;
}

function headerReading(row: Fields): LoneRow {
  // The header's id is the session's.
  const reading = noted('session', { atMs: isoMs(row.timestamp), id: undefined });
  const parent = sessionInPath(row.parentSession);
  return parent === undefined ? reading : { ...reading, fork: { session: parent } };
}

function entryReading(type: string, row: Fields, base: Base): RowReading {
  const given = (piece: Piece): RowReading => ({ name: type, ...base, pieces: [piece], tells: [] });
  const summary = text(row.summary);
  switch (type) {
    case 'message':
      return messageReading(fields(row.message), base);
    case 'compaction':
      return given({ kind: 'compaction', part: 'whole', summary });
    case 'branch_summary':
      return summary === undefined
        ? noted(type, base)
        : given({ kind: 'context', source: 'system', text: summary });
    case 'custom_message': {
      const { said } = contentOf(row.content);
      return /\S/.test(said)
        ? given({ kind: 'context', source: 'hook', text: said })
        : noted(type, base);
    }
    case 'session_info': {
      const name = text(row.name);
      const tells: readonly Tell[] =
        name === undefined ? [] : [{ kind: 'title', by: 'user', text: name }];
      return noted(type, base, tells);
    }
    default:
      return noted(type, base);
  }
}

function messageReading(message: Fields, base: Base): RowReading {
  const name = `message ${word(message.role) ?? ''}`.trim();
  const given = (...pieces: readonly Piece[]): RowReading => ({ name, ...base, pieces, tells: [] });
  switch (message.role) {
    case 'user': {
      const { said, images } = contentOf(message.content);
      if (!/\S/.test(said) && images === 0) return noted(name, base);
      return given({ kind: 'prompt', origin: 'human', text: said, images });
    }
    case 'assistant': {
      const tells: readonly Tell[] =
        message.stopReason === 'stop' ? [{ kind: 'end', state: 'done' }] : [];
      return { ...given(...assistantPieces(message, base.id)), tells };
    }
    case 'toolResult':
      return given(resultPiece(message));
    case 'bashExecution':
      return given(bashPiece(message));
    default:
      return noted(name, base);
  }
}

/** Rows about how a session runs rather than what is said in it. They are not searched. */
const bookkeeping: ReadonlySet<string> = new Set([
  'branch_summary',
  'context_edit',
  'custom',
  'custom_message',
  'label',
  'message',
  'message assistant',
  'message system',
  'message user',
  'model_change',
  'session',
  'session_info',
  'thinking_level_change',
  'usage',
]);

/** pi's sessions as conversations: the branch that ends with the last row is current. */
export const piReader: Reader = rowByRowReader('pi', {
  read: readPiRow,
  needsWhole: true,
  isBookkeeping: (name) => bookkeeping.has(name),
});
