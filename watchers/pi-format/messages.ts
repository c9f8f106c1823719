import {
  type Fields,
  fields,
  finite,
  list,
  opened,
  text,
  word,
} from '../../src/conversation/fields.js';
import type { Piece, ResultPiece } from '../../src/conversation/row.js';

/** Messages as several harnesses write them: one role each, and parts of text, thinking and calls. */

interface Response {
  readonly responseId: string | undefined;
  readonly model: string | undefined;
}

export function contentOf(content: unknown): { readonly said: string; readonly images: number } {
  if (typeof content === 'string') return { said: content, images: 0 };
  const parts = list(content).map(fields);
  const said = parts.map((part) => text(part.text)).filter((one) => one !== undefined);
  return { said: said.join('\n'), images: parts.filter(({ type }) => type === 'image').length };
}

/** What the model said and called, and why it stopped if it failed. */
export function assistantPieces(message: Fields, rowId: string | undefined): readonly Piece[] {
  const response = { responseId: word(message.responseId) ?? rowId, model: word(message.model) };
  const { content } = message;
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : list(content);
  const pieces = parts.flatMap((part) => spokenPieces(fields(part), response));
  const failure = text(message.errorMessage);
  if (failure !== undefined) pieces.push({ kind: 'notice', notice: 'error', text: failure });
  return pieces;
}

function spokenPieces(part: Fields, response: Response): Piece[] {
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

export function resultPiece(message: Fields): ResultPiece {
  const { said, images } = contentOf(message.content);
  const tool = word(message.toolName);
  const details = fields(message.details);
  const exitCode = finite(details.exitCode);
  const durationMs = finite(details.durationMs);
  return {
    kind: 'result',
    callId: word(message.toolCallId),
    ...(tool === undefined ? {} : { tool }),
    text: said,
    isError: message.isError === true,
    images,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(durationMs === undefined ? {} : { durationMs }),
  };
}

/** A shell command that the user typed. */
export function bashPiece(message: Fields): Piece {
  const args = text(message.command) ?? '';
  const output = text(message.output);
  const command = { kind: 'command', name: '!', args } as const;
  return output === undefined ? command : { ...command, output };
}
