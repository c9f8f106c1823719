import type { PromptOrigin } from '../../../src/conversation/conversation.js';
import { type Fields, fields, finite, json, text, word } from '../../../src/conversation/fields.js';
import { noted, type Piece, type RowReading, type Tell } from '../../../src/conversation/row.js';

/** A line of row states: which row it is about, and what that held. */
export interface OpenCodeState {
  readonly table: 'session' | 'message' | 'part' | 'row';
  readonly id: string;
  /** Of a part. */
  readonly messageId: string | undefined;
  readonly isDeleted: boolean;
  readonly atMs: number | undefined;
  readonly data: Fields;
  /** The whole row. */
  readonly row: Fields;
}

export function readState(value: unknown): OpenCodeState {
  const row = fields(value);
  const table = word(row.table);
  const isKnown = table === 'session' || table === 'message' || table === 'part';
  return {
    table: isKnown ? table : 'row',
    id: word(row.id) ?? '',
    messageId: word(row.message_id),
    isDeleted: row.op === 'delete',
    atMs: finite(row.time_created),
    data: fields(row.data),
    row,
  };
}

/** The message that a part belongs to, as far as it matters. */
export interface OwnMessage {
  readonly isUser: boolean;
  /** It summarises the conversation so far. */
  readonly isSummary: boolean;
  readonly model: string | undefined;
}

export function ownMessage(data: Fields): OwnMessage {
  return {
    isUser: data.role === 'user',
    isSummary: data.role === 'assistant' && data.summary === true,
    model: word(data.modelID),
  };
}

/** A message's own row says only how it ended; what it says is in its parts. */
export function messageReading({ id, atMs, data }: OpenCodeState): RowReading {
  const name = `message ${word(data.role) ?? ''}`.trim();
  const error = fields(data.error);
  const failure = text(fields(error.data).message) ?? word(error.name);
  if (failure === undefined) return noted(name, { atMs, id });
  const notice = error.name === 'MessageAbortedError' ? 'interruption' : 'error';
  return { name, atMs, id, pieces: [{ kind: 'notice', notice, text: failure }], tells: [] };
}

export function isPromptText({ data }: Pick<OpenCodeState, 'data'>): boolean {
  return data.type === 'text' && data.synthetic !== true && text(data.text) !== undefined;
}

export function partReading(
  state: OpenCodeState,
  message: OwnMessage,
  origin: PromptOrigin,
): RowReading {
  const { id, atMs, data, messageId } = state;
  const type = word(data.type) ?? 'part';
  const base = { name: `part ${type}`, atMs, id };
  const given = (...pieces: readonly Piece[]): RowReading => ({ ...base, pieces, tells: [] });
  const response = { responseId: messageId, model: message.model };
  const said = text(data.text);
  switch (type) {
    case 'text':
      if (said === undefined) return noted(base.name, base);
      if (message.isSummary) return given({ kind: 'compaction', part: 'summary', summary: said });
      if (!message.isUser) return given({ kind: 'answer', text: said, ...response });
      return data.synthetic === true
        ? given({ kind: 'context', source: 'system', text: said })
        : given({ kind: 'prompt', origin, text: said, images: 0 });
    case 'reasoning':
      return said === undefined
        ? noted(base.name, base)
        : given({ kind: 'thinking', text: said, ...response });
    case 'compaction':
      return given({ kind: 'compaction', part: 'boundary', summary: undefined });
    case 'tool':
      return toolReading(base, data, response);
    case 'retry':
      return given({ kind: 'notice', notice: 'retries', text: json(data.error ?? '') });
    case 'file':
      return given({ kind: 'part', name: 'file' });
    default:
      return noted(base.name, base);
  }
}

function toolReading(
  base: Pick<RowReading, 'name' | 'atMs' | 'id'>,
  data: Fields,
  response: { readonly responseId: string | undefined; readonly model: string | undefined },
): RowReading {
  const callId = word(data.callID) ?? `call of ${base.id ?? '?'}`;
  const tool = word(data.tool) ?? 'tool';
  const state = fields(data.state);
  const metadata = fields(state.metadata);
  const pieces: Piece[] = [];
  // Without a tool and its input, only a result is left.
  if (data.tool !== undefined || state.input !== undefined) {
    pieces.push({ kind: 'call', callId, tool, input: state.input, ...response });
  }
  const exitCode = finite(metadata.exit);
  const isError = state.status === 'error';
  if (state.status === 'completed' || isError) {
    pieces.push({
      kind: 'result',
      callId,
      tool,
      text: json((isError ? state.error : state.output) ?? ''),
      isError,
      images: 0,
      ...(exitCode === undefined ? {} : { exitCode }),
    });
  }
  const child = word(metadata.sessionId);
  const tells: readonly Tell[] =
    child === undefined
      ? []
      : [{ kind: 'child', callId, child: { id: child, session: child, stream: '' } }];
  return { ...base, pieces, tells };
}

/** What the session's own row says. */
export function sessionTells(row: Fields): readonly Tell[] {
  const title = text(row.title);
  const parent = word(row.parent_id);
  return [
    ...(title === undefined ? [] : [{ kind: 'title', by: 'harness', text: title } as const]),
    ...(parent === undefined
      ? []
      : [{ kind: 'spawn', by: { session: parent, stream: '' } } as const]),
  ];
}
