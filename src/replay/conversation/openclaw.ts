import { type Fields, fields, list, text } from '../../conversation/fields.js';
import { type Block, blockOf, callBlock, contentText, isoMs, type Row } from './row.js';

/** An event of OpenClaw's transcript, from its database or from the older files: they are the same. */
export function openclawRow(value: unknown): Row {
  const outer = fields(value);
  const row = outer.event === undefined ? outer : fields(outer.event);
  const type = text(row.type) ?? 'row';
  const timeMs = isoMs(row.timestamp) ?? isoMs(row.ts);
  if (type === 'message') {
    const message = fields(row.message);
    return { label: text(message.role) ?? type, timeMs, blocks: messageBlocks(message) };
  }
  if (type === 'compaction') {
    return { label: type, timeMs, blocks: blockOf('note', text(row.summary)) };
  }
  const about = text(row.customType) ?? text(row.modelId) ?? text(row.thinkingLevel);
  return { label: about === undefined ? type : `${type} · ${about}`, timeMs, blocks: [] };
}

function messageBlocks(message: Fields): readonly Block[] {
  const { role, content } = message;
  if (role === 'user') return blockOf('prompt', contentText(content));
  if (role === 'toolResult') {
    const title = text(message.toolName);
    const said = contentText(content) ?? '';
    return [
      {
        kind: 'result',
        text: said,
        ...(title === undefined ? {} : { title }),
        ...(message.isError === true ? { isError: true } : {}),
      },
    ];
  }
  if (typeof content === 'string') return blockOf('answer', text(content));
  return list(content).flatMap((part) => partBlocks(fields(part)));
}

function partBlocks(part: Fields): readonly Block[] {
  if (part.type === 'text') return blockOf('answer', text(part.text));
  if (part.type === 'thinking') return blockOf('thinking', text(part.thinking) ?? text(part.text));
  if (part.type === 'toolCall') return [callBlock(part.name, part.arguments)];
  return [{ kind: 'note', text: `[${String(part.type ?? 'part')}]` }];
}
