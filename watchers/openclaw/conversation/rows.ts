import type { Fork } from '../../../src/conversation/conversation.js';
import {
  type Fields,
  fields,
  finite,
  isoMs,
  list,
  opened,
  text,
  word,
} from '../../../src/conversation/fields.js';
import { noted, type Piece, type RowReading, type Tell } from '../../../src/conversation/row.js';

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
    case 'bashExecution': {
      const args = text(message.command) ?? '';
      const output = text(message.output);
      const command = { kind: 'command', name: '!', args } as const;
      const piece = output === undefined ? command : { ...command, output };
      return { name, ...base, pieces: [piece], tells: [] };
    }
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
  const response = { responseId: word(message.responseId) ?? base.id, model: word(message.model) };
  // Text delivered to a chat repeats what was already said.
  if (response.model === 'delivery-mirror') return noted(`${name} delivery-mirror`, base);
  const { content } = message;
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : list(content);
  const pieces = parts.flatMap((part) => spokenPieces(fields(part), response));
  const failure = text(message.errorMessage);
  if (failure !== undefined) pieces.push({ kind: 'notice', notice: 'error', text: failure });
  const tells: readonly Tell[] =
    message.stopReason === 'stop' ? [{ kind: 'end', state: 'done' }] : [];
  return { name, ...base, pieces, tells };
}

function spokenPieces(
  part: Fields,
  response: { readonly responseId: string | undefined; readonly model: string | undefined },
): Piece[] {
  const said = text(part.text) ?? text(part.thinking);
  switch (part.type) {
    case 'text':
      return said === undefined ? [] : [{ kind: 'answer', text: said, ...response }];
    case 'thinking':
      return said === undefined ? [] : [{ kind: 'thinking', text: said, ...response }];
    case 'toolCall': {
      const tool = word(part.name) ?? 'tool';
      const input = opened(part.arguments);
      return [{ kind: 'call', callId: word(part.id), tool, input, ...response }];
    }
    default:
      return [{ kind: 'part', name: word(part.type) ?? 'part' }];
  }
}

function resultReading(name: string, message: Fields, base: Base): RowReading {
  const { said, images } = contentOf(message.content);
  const callId = word(message.toolCallId);
  const tool = word(message.toolName);
  const details = fields(message.details);
  const exitCode = finite(details.exitCode);
  const durationMs = finite(details.durationMs);
  const result: Piece = {
    kind: 'result',
    callId,
    ...(tool === undefined ? {} : { tool }),
    text: said,
    isError: message.isError === true,
    images,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(durationMs === undefined ? {} : { durationMs }),
  };
  const key = word(details.childSessionKey) ?? word(fields(opened(said)).childSessionKey);
  const tells: readonly Tell[] =
    key === undefined || callId === undefined
      ? []
      : [{ kind: 'child', callId, child: { id: key } }];
  return { name, ...base, pieces: [result], tells };
}

function contentOf(content: unknown): { readonly said: string; readonly images: number } {
  if (typeof content === 'string') return { said: content, images: 0 };
  const parts = list(content).map(fields);
  const said = parts.map((part) => text(part.text)).filter((one) => one !== undefined);
  return { said: said.join('\n'), images: parts.filter(({ type }) => type === 'image').length };
}
