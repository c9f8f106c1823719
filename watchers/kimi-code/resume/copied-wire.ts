import { type Fields, fields, finite, list } from '../../../src/conversation/fields.js';
import { type AllowedFields, copying, picked, pickedBy } from '../../copied-rows.js';
import type { Laying } from '../../resume.js';

const rowFields: AllowedFields = {
  metadata: ['type', 'protocol_version', 'created_at'],
  'turn.prompt': ['type', 'agentId', 'promptId', 'turnId', 'time'],
  'turn.ended': ['type', 'agentId', 'turnId', 'reason', 'durationMs', 'time'],
  'context.append_message': ['type', 'agentId', 'time'],
  'context.append_loop_event': ['type', 'agentId', 'time'],
  'context.apply_compaction': [
    ...['type', 'agentId', 'summary', 'compactedCount', 'tokensBefore', 'tokensAfter', 'time'],
    ...['contextSummary', 'keptUserMessageCount'],
  ],
  'context.undo': ['type', 'agentId', 'count', 'time'],
  'context.clear': ['type', 'agentId', 'time'],
};
const step = ['type', 'uuid', 'turnId', 'step'];
const eventFields: AllowedFields = {
  'step.begin': step,
  'content.part': [...step, 'stepUuid'],
  'tool.call': [...step, 'stepUuid', 'toolCallId', 'name', 'args'],
  'tool.result': ['type', 'parentUuid', 'toolCallId'],
  'step.end': [...step, 'finishReason', 'usage', 'messageId'],
};
const partFields: AllowedFields = {
  text: ['type', 'text'],
  think: ['type', 'think', 'encrypted'],
  image_url: ['type', 'imageUrl', 'image_url'],
};

/**
 * A copy of a wire: what was said, called and answered, field by field. Prompts of the system, tools, permissions,
 * profiles and reminders are in rows that are not named here.
 */
export function copiedWire(path: readonly string[]): Laying {
  return copying(path, (row) => {
    const copy = pickedBy(rowFields, row, row.type);
    if (copy === undefined) return undefined;
    switch (row.type) {
      case 'turn.prompt':
        return { ...copy, input: list(row.input).flatMap(partOf), origin: { kind: 'user' } };
      case 'context.append_message':
        return messageRow(copy, fields(row.message));
      case 'context.append_loop_event':
        return eventRow(copy, fields(row.event));
      default:
        return copy;
    }
  });
}

/** What a user says or calls for; undoing counts these. */
const asked = new Set<unknown>(['user', 'skill_activation', 'plugin_command']);

/** What the harness adds would be obeyed. */
function messageRow(copy: Fields, message: Fields): object | undefined {
  const { kind } = fields(message.origin);
  const content = list(message.content).flatMap(partOf);
  if (message.role !== 'user' || !asked.has(kind) || content.length === 0) return undefined;
  const { role, id } = message;
  return { ...copy, message: { role, id, content, toolCalls: [], origin: { kind: 'user' } } };
}

function eventRow(copy: Fields, event: Fields): object | undefined {
  const kept = pickedBy(eventFields, event, event.type);
  if (kept === undefined) return undefined;
  switch (event.type) {
    case 'content.part': {
      const [part] = partOf(event.part);
      return part === undefined ? undefined : { ...copy, event: { ...kept, part } };
    }
    case 'tool.result':
      return { ...copy, event: { ...kept, result: resultOf(fields(event.result)) } };
    default:
      return { ...copy, event: kept };
  }
}

function resultOf(result: Fields): object {
  const { output } = result;
  const said = typeof output === 'string' ? output : list(output).flatMap(partOf);
  const durationMs = finite(result.durationMs);
  const took = durationMs === undefined ? {} : { durationMs };
  return { output: said, ...(result.isError === true ? { isError: true } : {}), ...took };
}

function partOf(part: unknown): readonly Fields[] {
  const found = fields(part);
  const copy = pickedBy(partFields, found, found.type);
  if (copy === undefined) return [];
  if (found.type !== 'image_url') return [copy];
  // An address would be fetched by whoever answers.
  const urls = [copy.imageUrl, copy.image_url].map((one) => fields(one).url);
  const isInline = urls.some((url) => typeof url === 'string' && url.startsWith('data:'));
  return isInline ? [picked(copy, ['type', 'imageUrl', 'image_url'])] : [];
}
