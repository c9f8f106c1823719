import { type Fields, fields, list, opened, text } from '../../conversation/fields.js';
import { type Block, blockOf, callBlock, contentText, isoMs, json, type Row } from './row.js';

/** A row of a rollout; the oldest ones have the item without an envelope. */
export function codexRow(value: unknown): Row {
  const row = fields(value);
  const envelope = text(row.type);
  const timeMs = isoMs(row.timestamp);
  const isBare = row.payload === undefined;
  const item = isBare ? row : fields(row.payload);
  const type = text(item.type);
  if (envelope === 'response_item' || (isBare && type !== undefined)) {
    return { label: type ?? 'item', timeMs, blocks: itemBlocks(item) };
  }
  if (envelope === 'event_msg') {
    return { label: type ?? 'event', timeMs, blocks: eventBlocks(item) };
  }
  if (envelope === 'compacted') {
    return { label: 'compacted', timeMs, blocks: blockOf('note', text(item.message)) };
  }
  return { label: envelope ?? text(row.record_type) ?? 'row', timeMs, blocks: [] };
}

function itemBlocks(item: Fields): readonly Block[] {
  switch (item.type) {
    case 'message':
      return messageBlocks(item);
    case 'reasoning': {
      const summary = contentText(item.summary) ?? contentText(item.content);
      return blockOf('thinking', summary);
    }
    case 'function_call':
      return [callBlock(item.name, item.arguments)];
    case 'custom_tool_call':
      return [callBlock(item.name, item.input)];
    case 'local_shell_call':
      return [callBlock('shell', item.action)];
    case 'tool_search_call':
      return [callBlock('tool search', item.arguments)];
    case 'web_search_call':
      return [callBlock('web search', item.action)];
    case 'function_call_output':
    case 'custom_tool_call_output':
      return [{ kind: 'result', text: outputText(item.output) }];
    case 'agent_message':
      return blockOf('answer', contentText(item.content));
    default:
      return [];
  }
}

/** What a harness adds to the user's words is wrapped in a tag. */
function messageBlocks({ role, content }: Fields): readonly Block[] {
  const said = contentText(content);
  if (role === 'assistant') return blockOf('answer', said);
  const isContext = role !== 'user' || /^\s*<[a-z_]+>/i.test(said ?? '');
  return blockOf(isContext ? 'note' : 'prompt', said);
}

/** A string, JSON with an `output` in it, or parts. */
function outputText(output: unknown): string {
  if (Array.isArray(output)) return contentText(output) ?? '';
  const value = fields(opened(output));
  return text(value.output) ?? text(value.content) ?? json(output);
}

/** Events repeat the items, but for what only they say. Legacy rollouts have the words in both: the event is the shorter. */
function eventBlocks(item: Fields): readonly Block[] {
  switch (item.type) {
    case 'error':
    case 'warning':
    case 'turn_aborted':
    case 'stream_error':
      return [{ kind: 'note', text: text(item.message) ?? json(item.reason ?? ''), isError: true }];
    case 'task_complete':
    case 'agent_message':
    case 'agent_reasoning':
    case 'user_message':
      return blockOf('note', text(item.message) ?? text(item.text));
    case 'item_completed': {
      const done = fields(item.item);
      const said = contentText(done.content) ?? text(done.text);
      return list(done.content).length === 0 && said === undefined ? [] : blockOf('note', said);
    }
    default:
      return [];
  }
}
