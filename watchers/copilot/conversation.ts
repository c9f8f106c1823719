import {
  type Fields,
  fields,
  finite,
  isoMs,
  list,
  text,
  word,
} from '../../src/conversation/fields.js';
import type { Place } from '../../src/conversation/place.js';
import type { Reader } from '../../src/conversation/reader.js';
import { noted, type Piece, type RowReading, type Tell } from '../../src/conversation/row.js';
import { type LoneRow, rowByRowReader } from '../../src/conversation/row-by-row.js';

type Base = Pick<RowReading, 'name' | 'atMs' | 'id'>;

function readCopilotRow(value: unknown, place?: Place): LoneRow {
  const row = fields(value);
  if (place?.stream === 'workspace')
    return { ...noted('workspace', { atMs: undefined, id: undefined }), isState: true };
  const name = word(row.type) ?? 'row';
  const base = { name, atMs: isoMs(row.timestamp), id: word(row.id) };
  const reading = eventReading(fields(row.data), base, row.agentId !== undefined);
  const agent = word(row.agentId);
  // What is said about an agent belongs to its caller.
  return agent === undefined || name.startsWith('subagent.')
    ? toldOf(reading, agent)
    : { ...reading, agent };
}

function toldOf(reading: RowReading, agent: string | undefined): LoneRow {
  const tells = reading.tells.map(
    (tell): Tell =>
      tell.kind === 'child' && agent !== undefined
        ? { ...tell, child: { ...tell.child, id: agent } }
        : tell,
  );
  return { ...reading, tells };
}

function eventReading(data: Fields, base: Base, isAgent: boolean): RowReading {
  const given = (...pieces: readonly Piece[]): RowReading => ({ ...base, pieces, tells: [] });
  switch (base.name) {
    case 'user.message': {
      const said = text(data.content) ?? '';
      const source = word(data.source);
      if (source !== undefined && !/^(?:user|agent-)/.test(source) && said !== '') {
        return given({ kind: 'context', source: 'system', text: said });
      }
      const images = list(data.attachments).filter((one) => fields(one).type === 'image').length;
      if (said === '' && images === 0) return noted(base.name, base);
      return given({ kind: 'prompt', origin: isAgent ? 'agent' : 'human', text: said, images });
    }
    case 'assistant.message':
      return given(...spokenPieces(data, base));
    case 'tool.execution_start':
      return given(
        callPiece(data.toolCallId, data.toolName, data.arguments, {
          responseId: undefined,
          model: word(data.model),
        }),
      );
    case 'tool.execution_complete':
      return given(resultPiece(data));
    case 'session.compaction_complete':
      if (data.success === false) return noted(base.name, base);
      return given({ kind: 'compaction', part: 'whole', summary: text(data.summaryContent) });
    case 'session.error':
      return given({ kind: 'notice', notice: 'error', text: text(data.message) ?? '' });
    case 'abort':
      return given({ kind: 'notice', notice: 'interruption', text: text(data.reason) ?? '' });
    case 'subagent.started':
      return noted(base.name, base, childTells(data));
    default:
      return noted(base.name, base);
  }
}

interface Response {
  readonly responseId: string | undefined;
  readonly model: string | undefined;
}

function spokenPieces(data: Fields, { id }: Base): readonly Piece[] {
  const response = { responseId: word(data.messageId) ?? id, model: word(data.model) };
  const pieces: Piece[] = [];
  const thought = text(data.reasoningText);
  if (thought !== undefined) pieces.push({ kind: 'thinking', text: thought, ...response });
  const said = text(data.content);
  if (said !== undefined) pieces.push({ kind: 'answer', text: said, ...response });
  for (const one of list(data.toolRequests).map(fields)) {
    pieces.push(callPiece(one.toolCallId, one.name, one.arguments, response));
  }
  return pieces;
}

function callPiece(id: unknown, name: unknown, input: unknown, response: Response): Piece {
  return { kind: 'call', callId: word(id), tool: word(name) ?? 'tool', input, ...response };
}

function resultPiece(data: Fields): Piece {
  const failure = text(fields(data.error).message);
  const exitCode = finite(fields(data.shellExecution).exitCode);
  return {
    kind: 'result',
    callId: word(data.toolCallId),
    text: text(fields(data.result).content) ?? failure ?? '',
    isError: data.success === false,
    images: 0,
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

function childTells(data: Fields): readonly Tell[] {
  const callId = word(data.toolCallId);
  if (callId === undefined) return [];
  const about = text(data.agentDisplayName) ?? text(data.agentName);
  const child = { id: callId, ...(about === undefined ? {} : { description: about }) };
  return [{ kind: 'child', callId, child }];
}

/** Events about how a session runs, and what repeats a conversation as a whole. They are not searched. */
const bookkeeping =
  /^(?:workspace|user\.message|session\.|system\.message|assistant\.|model\.|subagent\.|hook\.|permission\.|tool\.)/;

/** Copilot CLI's events as conversations. Sub-agents write into their session's file. */
export const copilotReader: Reader = rowByRowReader('copilot', {
  read: readCopilotRow,
  needsWhole: true,
  isBookkeeping: (name) => bookkeeping.test(name),
});
