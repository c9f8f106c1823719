import { type Fields, fields, list, word } from '../../src/conversation/fields.js';
import { type AllowedFields, copying, pickedBy, RowLinks } from '../copied-rows.js';
import type { Laying } from '../resume.js';

const node = ['type', 'id', 'parentId', 'timestamp'];
const entryFields: AllowedFields = {
  message: [...node, 'message'],
  compaction: [...node, 'summary', 'firstKeptEntryId', 'tokensBefore'],
  branch_summary: [...node, 'summary', 'fromId'],
  session_info: [...node, 'name'],
};
const messageFields: AllowedFields = {
  user: ['role', 'content', 'timestamp'],
  assistant: [
    ...['role', 'content', 'timestamp', 'api', 'provider', 'model', 'usage', 'stopReason'],
    'errorMessage',
  ],
  toolResult: ['role', 'content', 'timestamp', 'toolCallId', 'toolName', 'isError'],
  bashExecution: [
    ...['role', 'command', 'output', 'exitCode', 'cancelled', 'truncated', 'timestamp'],
    'excludeFromContext',
  ],
};
const blockFields: AllowedFields = {
  text: ['type', 'text', 'textSignature'],
  thinking: ['type', 'thinking', 'thinkingSignature', 'redacted'],
  toolCall: ['type', 'id', 'name', 'arguments', 'thoughtSignature'],
  image: ['type', 'data', 'mimeType'],
};

interface Copy {
  readonly id: string;
  readonly cwd: string;
}

/**
 * What was said, called and answered, field by field, under another id; prompts of the system, models, levels, settings
 * of extensions and edits of the context stay behind.
 */
export function copiedEntries(path: readonly string[], copy: Copy): Laying {
  const links = new RowLinks();
  let hasHead = false;
  let lastKept: unknown;
  let leaf: unknown;
  const copyOf = (row: Fields): object | undefined => {
    if (row.type === 'session') {
      if (hasHead) return undefined;
      hasHead = true;
      return headOf(row, copy);
    }
    const id = word(row.id);
    const entry = entryOf(row, links);
    leaf = entry === undefined && id !== undefined ? links.before(row.parentId) : (id ?? leaf);
    if (entry !== undefined) lastKept = id;
    if (id !== undefined && entry !== undefined) links.keep(id);
    if (id !== undefined && entry === undefined) links.leaveOut(id, row.parentId);
    return entry;
  };
  // The last entry is where the conversation goes on.
  const last = (): object | undefined =>
    typeof leaf !== 'string' || leaf === lastKept ? undefined : leafEntry(leaf, copy);
  return copying(path, copyOf, last);
}

function headOf({ version, timestamp }: Fields, { id, cwd }: Copy): object {
  return { type: 'session', version, id, timestamp, cwd };
}

function leafEntry(parentId: string, { id }: Copy): object {
  const timestamp = new Date(0).toISOString();
  return { type: 'custom', id: id.slice(0, 8), parentId, timestamp, customType: 'tracecraft' };
}

function entryOf(row: Fields, links: RowLinks): object | undefined {
  const copy = pickedBy(entryFields, row, row.type);
  if (copy === undefined) return undefined;
  const linked = {
    ...copy,
    ...('parentId' in copy ? { parentId: links.before(copy.parentId) } : {}),
    ...('firstKeptEntryId' in copy ? { firstKeptEntryId: links.after(copy.firstKeptEntryId) } : {}),
  };
  if (copy.type !== 'message') return linked;
  const said = fields(copy.message);
  const message = pickedBy(messageFields, said, said.role);
  if (message === undefined) return undefined;
  if (message.role === 'bashExecution') return { ...linked, message };
  const { content } = message;
  const kept = typeof content === 'string' ? content : list(content).flatMap(blockOf);
  return kept.length === 0 ? undefined : { ...linked, message: { ...message, content: kept } };
}

function blockOf(block: unknown): readonly Fields[] {
  const found = fields(block);
  const copy = pickedBy(blockFields, found, found.type);
  return copy === undefined ? [] : [copy];
}
