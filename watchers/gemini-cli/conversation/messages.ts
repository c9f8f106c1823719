import {
  type Fields,
  fields,
  isoMs,
  json,
  list,
  text,
  word,
} from '../../../src/conversation/fields.js';
import { noted, type Piece, type RowReading } from '../../../src/conversation/row.js';

/** What the harness puts before the first prompt, in the user's name. */
const sessionContext = /^\s*<session_context>/;

/** What is left of the history after it was compressed. */
const snapshot = /^\s*<state_snapshot>/;

/** One record of a message; a later one with the same id replaces it. */
export function readMessage(message: Fields): RowReading {
  const name = `message ${word(message.type) ?? ''}`.trim();
  const id = word(message.id);
  const base = { atMs: isoMs(message.timestamp), id };
  const pieces = piecesOf(message, id);
  return pieces.length === 0 ? noted(name, base) : { name, ...base, pieces, tells: [] };
}

function piecesOf(message: Fields, id: string | undefined): readonly Piece[] {
  const parts = partsOf(message.content);
  switch (message.type) {
    case 'user':
      return userPieces(parts);
    case 'gemini':
      return spokenPieces(message, parts, id);
    case 'error':
    case 'warning':
      return parts.flatMap((part): Piece[] => {
        const said = text(part.text);
        return said === undefined ? [] : [{ kind: 'notice', notice: 'error', text: said }];
      });
    default:
      return [];
  }
}

function partsOf(content: unknown): readonly Fields[] {
  return typeof content === 'string' ? [{ text: content }] : list(content).map(fields);
}

function userPieces(parts: readonly Fields[]): readonly Piece[] {
  const pieces: Piece[] = parts.flatMap((part) => resultPieces(part, {}));
  const said: string[] = [];
  for (const part of parts) {
    const words = text(part.text);
    if (words === undefined) continue;
    if (sessionContext.test(words)) pieces.push({ kind: 'context', source: 'system', text: words });
    else if (snapshot.test(words))
      pieces.push({ kind: 'compaction', part: 'whole', summary: words });
    else said.push(words);
  }
  const images = parts.filter(({ inlineData }) => inlineData !== undefined).length;
  if (said.length > 0 || images > 0) {
    pieces.push({ kind: 'prompt', origin: 'human', text: said.join('\n'), images });
  }
  return pieces;
}

function spokenPieces(
  message: Fields,
  parts: readonly Fields[],
  id: string | undefined,
): readonly Piece[] {
  const response = { responseId: id, model: word(message.model) };
  const pieces: Piece[] = [];
  for (const thought of list(message.thoughts).map(fields)) {
    const said = [text(thought.subject), text(thought.description)].filter(
      (one) => one !== undefined,
    );
    if (said.length > 0) pieces.push({ kind: 'thinking', text: said.join('\n'), ...response });
  }
  const calls: Piece[] = [];
  for (const part of parts) {
    const said = text(part.text);
    if (said !== undefined) pieces.push({ kind: 'answer', text: said, ...response });
    if (part.functionCall !== undefined) calls.push(callPiece(fields(part.functionCall), response));
  }
  for (const call of list(message.toolCalls).map(fields)) {
    calls.push(callPiece(call, response));
    for (const part of list(call.result).map(fields)) calls.push(...resultPieces(part, call));
  }
  return [...pieces, ...calls];
}

function callPiece(
  call: Fields,
  response: { readonly responseId: string | undefined; readonly model: string | undefined },
): Piece {
  const tool = word(call.name) ?? 'tool';
  return { kind: 'call', callId: word(call.id), tool, input: call.args, ...response };
}

function resultPieces(part: Fields, call: Fields): readonly Piece[] {
  if (part.functionResponse === undefined) return [];
  const answer = fields(part.functionResponse);
  const { output, error } = fields(answer.response);
  const tool = word(answer.name);
  const status = word(call.status);
  return [
    {
      kind: 'result',
      callId: word(answer.id) ?? word(call.id),
      ...(tool === undefined ? {} : { tool }),
      text: json(output ?? error ?? ''),
      isError: error !== undefined || status === 'error' || status === 'cancelled',
      images: 0,
    },
  ];
}
