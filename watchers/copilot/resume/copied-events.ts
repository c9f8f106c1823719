import { type Fields, fields, list, word } from '../../../src/conversation/fields.js';
import { type AllowedFields, copying, picked, pickedBy, RowLinks } from '../../copied-rows.js';
import type { Laying } from '../../resume.js';

/** What is sent to a model may differ from what was typed (`transformedContent`), so that is left out. */
const dataFields: AllowedFields = {
  'user.message': ['content', 'source', 'messageId', 'interactionId', 'turnId'],
  'assistant.turn_start': ['turnId', 'interactionId'],
  'assistant.turn_end': ['turnId'],
  'assistant.message': [
    ...['messageId', 'originatingMessageId', 'model', 'content', 'interactionId', 'turnId'],
    ...['reasoningText', 'reasoningOpaque', 'encryptedContent'],
  ],
  'tool.execution_start': ['toolCallId', 'toolName', 'arguments', 'turnId'],
  'tool.execution_complete': ['toolCallId', 'success', 'interactionId', 'turnId'],
  'session.compaction_start': ['compactionAttemptId', 'trigger'],
  'session.compaction_complete': [
    ...['success', 'outcome', 'compactionAttemptId', 'summaryContent', 'trigger'],
    ...['preCompactionMessagesLength', 'messagesRemoved', 'preCompactionTokens'],
    ...['postCompactionTokens', 'tokensRemoved'],
  ],
  abort: ['reason'],
};
const startFields = ['version', 'producer', 'copilotVersion', 'startTime'] as const;
const requestFields = ['toolCallId', 'name', 'arguments', 'type'] as const;
const resultFields = ['content', 'detailedContent'] as const;
const errorFields = ['message', 'code'] as const;

interface Copy {
  readonly id: string;
  readonly cwd: string;
}

/**
 * A copy of a session's events under another id: what was said, called and answered, and summaries, field by field.
 * Recorded prompts of the system, tools, permissions, models, folders and hooks are in events that are not named here.
 */
export function copiedEvents(path: readonly string[], copy: Copy): Laying {
  const links = new RowLinks();
  let hasStart = false;
  return copying(path, (row) => {
    const id = word(row.id);
    if (id === undefined) return undefined;
    const isStart = row.type === 'session.start' && !hasStart;
    hasStart ||= isStart;
    const data = isStart ? startOf(fields(row.data), copy) : dataOf(row);
    if (data === undefined) {
      links.leaveOut(id, row.parentId);
      return undefined;
    }
    links.keep(id);
    const { type, timestamp } = row;
    return { type, data, id, timestamp, parentId: links.before(row.parentId) };
  });
}

function startOf(data: Fields, { id, cwd }: Copy): object {
  return { sessionId: id, ...picked(data, startFields), context: { cwd }, alreadyInUse: false };
}

/** A sub-agent's steps are not the session's. */
function dataOf({ type, data, agentId }: Fields): object | undefined {
  const found = fields(data);
  const copy = agentId === undefined ? pickedBy(dataFields, found, type) : undefined;
  if (copy === undefined) return undefined;
  if (type === 'assistant.message') {
    const requests = list(found.toolRequests).map((one) => picked(fields(one), requestFields));
    return { ...copy, toolRequests: requests };
  }
  if (type !== 'tool.execution_complete') return copy;
  return {
    ...copy,
    ...(found.result === undefined ? {} : { result: picked(fields(found.result), resultFields) }),
    ...(found.error === undefined ? {} : { error: picked(fields(found.error), errorFields) }),
  };
}
