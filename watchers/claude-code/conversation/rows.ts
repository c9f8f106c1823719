import type { Fork, PromptOrigin } from '../../../src/conversation/conversation.js';
import {
  type Fields,
  fields,
  isoMs,
  json,
  list,
  text,
  word,
} from '../../../src/conversation/fields.js';
import {
  noted,
  type Piece,
  type RowReading,
  reading,
  type Tell,
} from '../../../src/conversation/row.js';
import { markedPieces, taskIn, withoutEnvelope } from './marks.js';
import { messagePieces, resultTells } from './messages.js';

/** What a row of a transcript says, and its place in the graph formed by `parentUuid`. */
export interface ClaudeRow extends RowReading {
  readonly parentId: string | undefined;
  readonly sessionId: string | undefined;
  /** Said by the user or the model, in the conversation itself and not by a sub-agent. */
  readonly isSpoken: boolean;
  readonly isAssistant: boolean;
  readonly fork: Fork | undefined;
  /** Of a `summary`: the last row that it covers. */
  readonly leafId: string | undefined;
}

interface RowScope {
  readonly isSubagent: boolean;
}

/** Reads one row by itself, as written by Claude Code 1.0 to 2.1.332. */
export function readClaudeRow(value: unknown, scope: RowScope): ClaudeRow {
  const row = fields(value);
  const type = word(row.type) ?? 'row';
  const uuid = word(row.uuid);
  const base = { atMs: isoMs(row.timestamp), id: uuid };
  const isSpoken = type === 'user' || type === 'assistant';
  const isMain = scope.isSubagent || row.isSidechain !== true;
  const { name, atMs, id, pieces, tells } = readingOf(type, row, base, scope);
  // Field by field: V8 takes a microsecond for each that is added to a spread object.
  return {
    name,
    atMs,
    id,
    pieces,
    tells,
    parentId: word(row.parentUuid) ?? word(row.logicalParentUuid),
    sessionId: word(row.sessionId),
    isSpoken: isSpoken && isMain,
    isAssistant: type === 'assistant',
    fork: forkOf(row.forkedFrom),
    leafId: type === 'summary' ? word(row.leafUuid) : undefined,
  };
}

type Base = Pick<RowReading, 'atMs' | 'id'>;

function readingOf(type: string, row: Fields, base: Base, scope: RowScope): RowReading {
  switch (type) {
    case 'user':
      return userReading(row, base, scope);
    case 'assistant':
      return assistantReading(row, base);
    case 'system':
      return systemReading(row, base);
    case 'attachment':
      return attachmentReading(fields(row.attachment), base);
    case 'progress':
      return progressReading(row, base);
    case 'tool-result':
      return spilledReading(row, base);
    case 'custom-title':
      return titled(type, base, 'user', row.customTitle);
    case 'ai-title':
      return titled(type, base, 'harness', row.aiTitle);
    case 'summary':
      return titled(type, base, 'harness', row.summary);
    default:
      return noted(type, base);
  }
}

function titled(type: string, base: Base, by: 'user' | 'harness', name: unknown): RowReading {
  const said = text(name);
  return noted(type, base, said === undefined ? [] : [{ kind: 'title', by, text: said }]);
}

function userReading(row: Fields, base: Base, scope: RowScope): RowReading {
  const { pieces, said, images } = messagePieces(row, base.id);
  const tells = resultTells(row);
  if (pieces.some(({ kind }) => kind === 'result')) {
    const rest = said === '' ? [] : sentPieces(row, said, images, scope);
    return reading('user', base, [...pieces, ...rest], tells);
  }
  const sent = said === '' && images === 0 ? [] : sentPieces(row, said, images, scope);
  const name = row.isMeta === true ? 'user meta' : 'user';
  return reading(name, base, [...sent, ...pieces], tells);
}

/** Text put before the model in the user's name. */
function sentPieces(row: Fields, said: string, images: number, scope: RowScope): readonly Piece[] {
  if (row.isCompactSummary === true) {
    return [{ kind: 'compaction', part: 'summary', summary: said }];
  }
  const marked = markedPieces(said);
  if (marked !== undefined) return marked;
  if (row.isMeta === true) return [];
  if (isNotification(row)) {
    return [
      { kind: 'notice', notice: 'notification', text: said, ...taskIn(said), isWaking: true },
    ];
  }
  const words = withoutEnvelope(said);
  if (words === '' && images === 0) return [{ kind: 'context', source: 'system', text: said }];
  return [{ kind: 'prompt', origin: originOf(row, scope), text: words, images }];
}

function isNotification(row: Fields): boolean {
  const kind = fields(row.origin).kind;
  return kind === 'task-notification' || row.turnOrigin === 'task_notification';
}

function originOf(row: Fields, { isSubagent }: RowScope): PromptOrigin {
  if (isSubagent) return 'agent';
  const told = row.turnOrigin ?? fields(row.origin).kind;
  if (told === 'human' || told === 'sdk' || told === 'agent') return told;
  if (row.promptSource === 'sdk') return 'sdk';
  // Before they had their own files, sub-agents were mixed into their session's rows.
  return row.isSidechain === true ? 'agent' : 'human';
}

function assistantReading(row: Fields, base: Base): RowReading {
  const message = fields(row.message);
  const { pieces, said } = messagePieces(row, base.id);
  const isSynthetic = message.model === '<synthetic>';
  if (isSynthetic || row.isApiErrorMessage === true) {
    // Said in the model's place when a session is resumed in mid-turn.
    const notice = /^No response requested/.test(said) ? 'note' : 'error';
    const piece = { kind: 'notice', notice, text: said || json(row.error) } as const;
    return reading('assistant', base, [piece]);
  }
  const isLast = message.stop_reason === 'end_turn' || message.stop_reason === 'stop_sequence';
  const tells: readonly Tell[] = isLast ? [{ kind: 'end', state: 'done' }] : [];
  return reading('assistant', base, pieces, tells);
}

function systemReading(row: Fields, base: Base): RowReading {
  const subtype = word(row.subtype);
  const name = subtype === undefined ? 'system' : `system ${subtype}`;
  const said = (piece: Piece): RowReading => reading(name, base, [piece]);
  switch (subtype) {
    case 'local_command':
      return reading(name, base, markedPieces(text(row.content) ?? '') ?? []);
    case 'compact_boundary':
      return said({ kind: 'compaction', part: 'boundary', summary: undefined });
    case 'api_error':
      return said({ kind: 'notice', notice: 'retries', text: errorText(row.error) });
    case 'api_refusal': {
      const why = text(row.apiRefusalExplanation) ?? text(row.content) ?? '';
      return said({ kind: 'notice', notice: 'refusal', text: why });
    }
    case 'turn_duration':
      return noted(name, base, [{ kind: 'end', state: 'done' }]);
    default:
      return noted(name, base);
  }
}

function errorText(value: unknown): string {
  const error = fields(value);
  const inner = fields(fields(error.error).error ?? error.error);
  const cause = text(fields(error.cause).message);
  return (
    text(error.message) ?? text(inner.message) ?? text(error.formatted) ?? cause ?? json(value)
  );
}

function attachmentReading(attachment: Fields, base: Base): RowReading {
  const type = word(attachment.type) ?? '';
  const name = `attachment ${type}`.trim();
  const context = (said: string | undefined): RowReading =>
    said === undefined ? noted(name, base) : reading(name, base, [contextPiece(said)]);
  if (type === 'queued_command') return queuedReading(name, attachment, base);
  if (type === 'hook_additional_context') {
    return context(partsText(attachment.content) ?? text(attachment.stdout));
  }
  if (/^hook_\w*error$/.test(type)) {
    const blocking = fields(attachment.blockingError).blockingError;
    const said = [blocking, attachment.stderr, attachment.stdout, attachment.content].map(text);
    return context(said.find((one) => one !== undefined) ?? json(attachment));
  }
  return noted(name, base);
}

/** Mail arrives through a hook. */
function contextPiece(said: string): Piece {
  const source = /^tracecraft: \d+ new messages? /.test(said) ? 'mail' : 'hook';
  return { kind: 'context', source, text: said };
}

/** Text typed while a turn ran is recorded nowhere else. */
function queuedReading(name: string, attachment: Fields, base: Base): RowReading {
  const { prompt } = attachment;
  const said = partsText(prompt) ?? '';
  const images = list(prompt).filter((part) => fields(part).type === 'image').length;
  const isTask =
    fields(attachment.origin).kind === 'task-notification' ||
    attachment.commandMode === 'task-notification' ||
    said.startsWith('<task-notification>');
  if (isTask) {
    const notice = { kind: 'notice', notice: 'notification', text: said, ...taskIn(said) } as const;
    return reading(name, base, [notice]);
  }
  if (said === '' && images === 0) return noted(name, base);
  const words = withoutEnvelope(said);
  const origin = fields(attachment.origin).kind === 'sdk' ? 'sdk' : 'human';
  const piece = { kind: 'prompt', origin, text: words, images, isQueued: true } as const;
  return reading(name, base, [piece]);
}

function partsText(content: unknown): string | undefined {
  if (typeof content === 'string') return text(content);
  const parts = list(content).map((part) => text(part) ?? text(fields(part).text));
  return text(parts.filter((part) => part !== undefined).join('\n'));
}

/** An agent's rows are repeated while it runs; they name the agent before its result does. */
function progressReading(row: Fields, base: Base): RowReading {
  const data = fields(row.data);
  const type = word(data.type);
  const name = type === undefined ? 'progress' : `progress ${type}`;
  const agent = word(data.agentId);
  const callId = word(row.parentToolUseID);
  const isTold = agent !== undefined && callId !== undefined;
  return noted(name, base, isTold ? [{ kind: 'child', callId, child: { id: agent } }] : []);
}

/** A result too long for the transcript, which the mirror uploads as a separate row. */
function spilledReading(row: Fields, base: Base): RowReading {
  const id = word(row.id);
  const said = typeof row.text === 'string' ? row.text : json(row.text);
  const result = { kind: 'result', callId: id, text: said, isError: false, images: 0 } as const;
  return { name: 'tool-result', atMs: base.atMs, id, pieces: [result], tells: [] };
}

function forkOf(value: unknown): Fork | undefined {
  const { sessionId, messageUuid } = fields(value);
  const session = word(sessionId);
  const rowId = word(messageUuid);
  if (session === undefined) return undefined;
  return rowId === undefined ? { session } : { session, rowId };
}
