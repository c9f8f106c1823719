import { createHash } from 'node:crypto';
import { type Fields, fields, list, text, word } from '../../../src/conversation/fields.js';
import { type AllowedFields, copying, picked, pickedBy } from '../../copied-rows.js';
import type { Laying } from '../../resume.js';

const node = ['id', 'timestamp', 'type'];
const messageFields: AllowedFields = {
  user: node,
  gemini: [...node, 'tokens', 'model'],
};
/** By what a part holds; a file by its address would be fetched. */
const partFields: AllowedFields = {
  text: ['text'],
  functionCall: ['id', 'name', 'args'],
  functionResponse: ['id', 'name', 'response'],
  inlineData: ['mimeType', 'data'],
};
const partExtras = ['thought', 'thoughtSignature'] as const;
const thoughtFields = ['subject', 'description', 'timestamp'] as const;
const callFields = ['id', 'name', 'args', 'status', 'timestamp', 'displayName', 'description'];
/** What the harness puts before the first prompt, in the user's name: it writes its own. */
const sessionContext = /^\s*<session_context>/;

interface Copy {
  readonly id: string;
  readonly cwd: string;
}

/** A copy of a session's records under another id: what was said, called and answered, and its title, field by field. */
export function copiedRecords(path: readonly string[], { id, cwd }: Copy): Laying {
  let hasHeader = false;
  return copying(path, (row) => {
    if (row.$set !== undefined) return setOf(fields(row.$set));
    if (row.$rewindTo !== undefined) return picked(row, ['$rewindTo']);
    if (row.type !== undefined) return messageOf(row);
    if (hasHeader || row.sessionId === undefined) return undefined;
    hasHeader = true;
    const projectHash = createHash('sha256').update(cwd).digest('hex');
    const times = picked(row, ['startTime', 'lastUpdated']);
    return { sessionId: id, projectHash, ...times, kind: 'main' };
  });
}

function setOf(set: Fields): object | undefined {
  const copy = {
    ...picked(set, ['lastUpdated', 'summary']),
    ...(Array.isArray(set.messages)
      ? { messages: set.messages.flatMap((one) => messageOf(fields(one)) ?? []) }
      : {}),
  };
  return Object.keys(copy).length === 0 ? undefined : { $set: copy };
}

function messageOf(message: Fields): object | undefined {
  const copy = pickedBy(messageFields, message, message.type);
  if (copy === undefined || word(message.id) === undefined) return undefined;
  const { content } = message;
  const said = typeof content === 'string' ? content : list(content).flatMap(partOf);
  if (message.type === 'user') {
    return said.length === 0 ? undefined : { ...copy, content: said };
  }
  const thoughts = list(message.thoughts).map((one) => picked(fields(one), thoughtFields));
  const toolCalls = list(message.toolCalls).map((one) => callOf(fields(one)));
  return { ...copy, content: said, thoughts, ...(toolCalls.length === 0 ? {} : { toolCalls }) };
}

function callOf(call: Fields): object {
  const { result, resultDisplay } = call;
  return {
    ...picked(call, callFields),
    ...(result === undefined ? {} : { result: list(result).flatMap(partOf) }),
    ...(typeof resultDisplay === 'string' ? { resultDisplay } : {}),
  };
}

function partOf(part: unknown): readonly object[] {
  const found = fields(part);
  for (const kind of Object.keys(partFields)) {
    const value = found[kind];
    if (value === undefined) continue;
    if (kind !== 'text') {
      const own = pickedBy(partFields, fields(value), kind);
      return [{ [kind]: own, ...picked(found, partExtras) }];
    }
    const said = text(value);
    return said === undefined || sessionContext.test(said)
      ? []
      : [{ text: said, ...picked(found, partExtras) }];
  }
  return [];
}
