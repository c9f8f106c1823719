import { type Fields, fields, json, list, text, word } from '../../../src/conversation/fields.js';
import type { Piece, ResultPiece, Tell } from '../../../src/conversation/row.js';

/** A message's results, calls and model text, and separately, anything written in the user's name. */
interface MessagePieces {
  readonly pieces: readonly Piece[];
  readonly said: string;
  readonly images: number;
}

export function messagePieces(row: Fields, rowId: string | undefined): MessagePieces {
  const message = fields(row.message);
  const isAssistant = row.type === 'assistant';
  const { content } = message;
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : list(content);
  // The rows of one response share its id; the oldest releases have none.
  const responseId = word(message.id) ?? rowId;
  const response = { responseId, model: word(message.model) };
  const pieces: Piece[] = [];
  const said: string[] = [];
  let images = 0;
  for (const one of parts) {
    const part = typeof one === 'string' ? { type: 'text', text: one } : fields(one);
    const words = part.type === 'text' ? text(part.text) : undefined;
    if (words !== undefined) said.push(words);
    if (!isAssistant && part.type === 'image') images += 1;
    const piece = isAssistant ? spokenPiece(part, response) : sentPiece(part, row);
    if (piece !== undefined) pieces.push(piece);
  }
  return { pieces, said: said.join('\n'), images };
}

interface Response {
  readonly responseId: string | undefined;
  readonly model: string | undefined;
}

function spokenPiece(part: Fields, response: Response): Piece | undefined {
  switch (part.type) {
    case 'text':
      return spoken('answer', part.text, response);
    case 'thinking':
      return spoken('thinking', part.thinking, response);
    case 'redacted_thinking':
      return undefined;
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use': {
      const tool = word(part.name) ?? 'tool';
      const { responseId, model } = response;
      return { kind: 'call', callId: word(part.id), tool, input: part.input, responseId, model };
    }
    default:
      return isResult(part) ? resultPiece(part, {}) : unknownPart(part);
  }
}

function spoken(
  kind: 'answer' | 'thinking',
  said: unknown,
  { responseId, model }: Response,
): Piece | undefined {
  const words = text(said);
  return words === undefined ? undefined : { kind, text: words, responseId, model };
}

function sentPiece(part: Fields, row: Fields): Piece | undefined {
  if (part.type === 'text' || part.type === 'image') return undefined;
  return isResult(part) ? resultPiece(part, row) : unknownPart(part);
}

/** Tools that run on the model's side have their own kinds of results. */
function isResult({ type, tool_use_id: callId }: Fields): boolean {
  return type === 'tool_result' || (typeof type === 'string' && callId !== undefined);
}

function resultPiece(part: Fields, row: Fields): ResultPiece {
  const { said, images } = resultContent(part.content);
  const callId = word(part.tool_use_id);
  const caller = word(row.sourceToolAssistantUUID) ?? word(row.parentUuid);
  const spilled = spilledName(fields(row.toolUseResult).persistedOutputPath);
  return {
    kind: 'result',
    callId,
    ...(callId === undefined && caller !== undefined ? { callRowId: caller } : {}),
    text: said,
    isError: part.is_error === true,
    images,
    ...(spilled === undefined ? {} : { spilled }),
  };
}

function resultContent(content: unknown): { readonly said: string; readonly images: number } {
  if (!Array.isArray(content))
    return { said: content === undefined ? '' : json(content), images: 0 };
  const said: string[] = [];
  let images = 0;
  for (const one of content) {
    const part = fields(one);
    if (part.type === 'image') images += 1;
    const words = typeof one === 'string' ? one : (text(part.text) ?? text(part.tool_name));
    said.push(words ?? `[${word(part.type) ?? 'part'}]`);
  }
  return { said: said.join('\n'), images };
}

/** `…/tool-results/<name>.txt`: the name is the id of a row in the stream of spilled results. */
function spilledName(path: unknown): string | undefined {
  const file = word(path)?.split(/[\\/]/).at(-1);
  return word(file?.replace(/\.txt$/, ''));
}

function unknownPart({ type }: Fields): Piece {
  return { kind: 'part', name: word(type) ?? 'part' };
}

/** A result names the agent that the call started. */
export function resultTells(row: Fields): readonly Tell[] {
  const { agentId, description } = fields(row.toolUseResult);
  const id = word(agentId);
  if (id === undefined) return [];
  const [result] = list(fields(row.message).content)
    .map(fields)
    .filter(({ type }) => type === 'tool_result');
  const callId = word(result?.tool_use_id);
  if (callId === undefined) return [];
  const about = word(description);
  return [
    { kind: 'child', callId, child: about === undefined ? { id } : { id, description: about } },
  ];
}
