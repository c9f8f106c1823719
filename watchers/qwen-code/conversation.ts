import {
  type Fields,
  fields,
  finite,
  isoMs,
  json,
  list,
  text,
  word,
} from '../../src/conversation/fields.js';
import type { Place } from '../../src/conversation/place.js';
import type { Reader } from '../../src/conversation/reader.js';
import { noted, type Piece, type RowReading, type Tell } from '../../src/conversation/row.js';
import { type LoneRow, rowByRowReader } from '../../src/conversation/row-by-row.js';

type Base = Pick<RowReading, 'atMs' | 'id'>;

const agents = 'subagents/';

function readQwenRow(value: unknown, place?: Place): LoneRow {
  const row = fields(value);
  if (place?.stream.endsWith('.meta') === true) return noteReading(row, place);
  const base = { atMs: isoMs(row.timestamp), id: word(row.uuid) };
  const reading = kindReading(row, base, place);
  const { parentUuid: parentId } = row;
  const origin = fields(row.forkedFrom);
  const session = word(origin.sessionId);
  const rowId = word(origin.messageUuid);
  return {
    ...reading,
    ...(parentId === null || typeof parentId === 'string' ? { parentId } : {}),
    ...(session === undefined
      ? {}
      : { isCopy: true, fork: { session, ...(rowId === undefined ? {} : { rowId }) } }),
  };
}

function kindReading(row: Fields, base: Base, place: Place | undefined): RowReading {
  const type = word(row.type) ?? 'row';
  const given = (pieces: readonly Piece[]): RowReading => ({
    name: type,
    ...base,
    pieces,
    tells: [],
  });
  const parts = list(fields(row.message).parts).map(fields);
  switch (type) {
    case 'user': {
      const said = saidIn(parts);
      const images = parts.filter(({ inlineData }) => inlineData !== undefined).length;
      if (!/\S/.test(said) && images === 0) return noted(type, base);
      // Typed by nobody.
      if (row.provenance !== undefined && row.provenance !== 'real_user') {
        return /\S/.test(said)
          ? given([{ kind: 'context', source: 'system', text: said }])
          : noted(type, base);
      }
      const origin = place?.stream.startsWith(agents) === true ? 'agent' : 'human';
      return given([{ kind: 'prompt', origin, text: said, images }]);
    }
    case 'assistant':
      return given(parts.flatMap((part) => spokenPieces(part, base.id, word(row.model))));
    case 'tool_result':
      return given(parts.flatMap((part) => resultPieces(part, fields(row.toolCallResult))));
    case 'system':
      return systemReading(`system ${word(row.subtype) ?? ''}`.trim(), row, base);
    default:
      return noted(type, base);
  }
}

function saidIn(parts: readonly Fields[]): string {
  return parts
    .map((part) => text(part.text))
    .filter((one) => one !== undefined)
    .join('\n');
}

function spokenPieces(
  part: Fields,
  responseId: string | undefined,
  model: string | undefined,
): readonly Piece[] {
  const call = fields(part.functionCall);
  if (part.functionCall !== undefined) {
    const tool = word(call.name) ?? 'tool';
    return [{ kind: 'call', callId: word(call.id), tool, input: call.args, responseId, model }];
  }
  const said = text(part.text);
  if (said === undefined) return [];
  const kind = part.thought === true ? 'thinking' : 'answer';
  return [{ kind, text: said, responseId, model }];
}

function resultPieces(part: Fields, outcome: Fields): readonly Piece[] {
  if (part.functionResponse === undefined) return [];
  const answer = fields(part.functionResponse);
  const { output, error } = fields(answer.response);
  const tool = word(answer.name);
  const status = word(outcome.status);
  const exitCode = finite(fields(outcome.resultDisplay).exitCode);
  return [
    {
      kind: 'result',
      callId: word(answer.id) ?? word(outcome.callId),
      ...(tool === undefined ? {} : { tool }),
      text: json(output ?? error ?? ''),
      isError: error !== undefined || (status !== undefined && status !== 'success'),
      images: 0,
      ...(exitCode === undefined ? {} : { exitCode }),
    },
  ];
}

function systemReading(name: string, row: Fields, base: Base): RowReading {
  const payload = fields(row.systemPayload);
  const given = (piece: Piece): RowReading => ({ name, ...base, pieces: [piece], tells: [] });
  switch (row.subtype) {
    case 'chat_compression': {
      const [first] = list(payload.compressedHistory).map(fields);
      const summary = text(saidIn(list(first?.parts).map(fields)));
      return given({ kind: 'compaction', part: 'whole', summary });
    }
    case 'slash_command': {
      const [, command, args] = /^(\S+)\s*([\s\S]*)$/.exec(word(payload.rawCommand) ?? '') ?? [];
      if (payload.phase !== 'invocation' || command === undefined) return noted(name, base);
      return given({ kind: 'command', name: command, args: args ?? '' });
    }
    case 'custom_title': {
      const title = text(payload.customTitle);
      const by = payload.titleSource === 'auto' ? 'harness' : 'user';
      const tells: readonly Tell[] =
        title === undefined ? [] : [{ kind: 'title', by, text: title }];
      return noted(name, base, tells);
    }
    default:
      return noted(name, base);
  }
}

/** What is noted about a sub-agent next to its transcript: which call of whom started it. */
function noteReading(note: Fields, { session }: Place): RowReading {
  const callId = word(note.toolUseId);
  const caller = word(note.parentAgentId);
  const stream = caller === undefined ? '' : `${agents}${caller}`;
  const about = text(note.description);
  const by = { session, ...(callId === undefined ? {} : { stream, callId }) };
  return noted('agent-meta', { atMs: undefined, id: undefined }, [
    { kind: 'spawn', by },
    ...(about === undefined ? [] : [{ kind: 'title', by: 'harness', text: about } as const]),
  ]);
}

/** Rows about how a session runs: telemetry repeats every answer and call. They are not searched. */
const bookkeeping: ReadonlySet<string> = new Set([
  'agent-meta',
  'assistant',
  'system attribution_snapshot',
  'system chat_compression',
  'system custom_title',
  'system file_history_snapshot',
  'system rewind',
  'system slash_command',
  'system ui_telemetry',
  'tool_result',
  'user',
]);

/** Qwen Code's transcripts as conversations: the branch that ends with the last thing said is current. */
export const qwenCodeReader: Reader = rowByRowReader('qwen-code', {
  read: readQwenRow,
  needsWhole: true,
  isBookkeeping: (name) => bookkeeping.has(name),
  isAgent: (stream) => stream.startsWith(agents) && !stream.endsWith('.meta'),
});
