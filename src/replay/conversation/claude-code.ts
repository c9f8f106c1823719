import { type Fields, fields, list, text } from '../../conversation/fields.js';
import { type Block, blockOf, callBlock, contentText, isoMs, json, type Row } from './row.js';

/** A row of `~/.claude/projects/…/<session>.jsonl`, of a sub-agent's file, or of the stream of spilled tool results. */
export function claudeCodeRow(value: unknown): Row {
  const row = fields(value);
  const type = text(row.type) ?? 'row';
  const timeMs = isoMs(row.timestamp);
  const message = fields(row.message);
  if (type === 'user' || type === 'assistant') {
    const isPrompt = type === 'user';
    const hidden = row.isMeta === true || row.isCompactSummary === true;
    const own = hidden ? 'note' : isPrompt ? 'prompt' : 'answer';
    return { label: type, timeMs, blocks: messageBlocks(message.content, own) };
  }
  if (type === 'tool-result') {
    const said = text(row.text);
    const blocks: readonly Block[] =
      said === undefined ? [] : [{ kind: 'result', title: String(row.id ?? ''), text: said }];
    return { label: 'tool result', timeMs, blocks };
  }
  return { label: labelOf(type, row), timeMs, blocks: blockOf('note', noteOf(row)) };
}

function messageBlocks(content: unknown, own: Block['kind']): readonly Block[] {
  if (typeof content === 'string') return blockOf(own, text(content));
  return list(content).flatMap((part) => partBlocks(fields(part), own));
}

function partBlocks(part: Fields, own: Block['kind']): readonly Block[] {
  switch (part.type) {
    case 'text':
      return blockOf(own, text(part.text));
    case 'thinking':
      return blockOf('thinking', text(part.thinking));
    case 'tool_use':
    case 'server_tool_use':
      return [callBlock(part.name, part.input)];
    case 'tool_result': {
      const said = contentText(part.content) ?? '';
      return [{ kind: 'result', text: said, ...(part.is_error === true ? { isError: true } : {}) }];
    }
    default:
      return [{ kind: 'note', text: `[${String(part.type ?? 'part')}]` }];
  }
}

function labelOf(type: string, { subtype }: Fields): string {
  return typeof subtype === 'string' ? `${type} · ${subtype}` : type;
}

/** The few words that such a row is about; the rest of it is in its JSON. */
function noteOf(row: Fields): string | undefined {
  const said = [
    row.summary,
    row.customTitle,
    row.aiTitle,
    row.lastPrompt,
    row.agentName,
    row.content,
  ];
  const found = said.map(text).find((one) => one !== undefined);
  if (found !== undefined) return found;
  const error = fields(row.error).message ?? fields(fields(row.error).error).message;
  return row.error === null || row.error === undefined
    ? undefined
    : (text(error) ?? json(row.error));
}
