import { type Fields, fields, list, word } from '../../../src/conversation/fields.js';
import type { Laying } from '../../resume.js';
import { parsedRow } from './row.js';

/** What a prompt, an answer or a compaction needs to be shown and sent again; nothing that sets a mode or names a file. */
const rowFields = [
  'type',
  'subtype',
  'uuid',
  'parentUuid',
  'logicalParentUuid',
  'timestamp',
  'isSidechain',
  'isMeta',
  'isCompactSummary',
  'isVisibleInTranscriptOnly',
  'isApiErrorMessage',
  'userType',
  'version',
  'gitBranch',
  'requestId',
  'content',
  'level',
  'compactMetadata',
] as const;

/** Titles, and which row the conversation ends with. */
const labelFields: Readonly<Record<string, readonly string[]>> = {
  summary: ['type', 'summary', 'leafUuid'],
  'custom-title': ['type', 'customTitle'],
  'ai-title': ['type', 'aiTitle'],
  'last-prompt': ['type', 'lastPrompt', 'leafUuid'],
};

const messageFields = [
  'id',
  'type',
  'role',
  'model',
  'stop_reason',
  'stop_sequence',
  'usage',
] as const;

const blockFields: Readonly<Record<string, readonly string[]>> = {
  text: ['type', 'text'],
  thinking: ['type', 'thinking', 'signature'],
  redacted_thinking: ['type', 'data'],
  tool_use: ['type', 'id', 'name', 'input'],
  tool_result: ['type', 'tool_use_id', 'content', 'is_error'],
  image: ['type', 'source'],
  document: ['type', 'source', 'title', 'context'],
};

/**
 * A copy of a transcript under another id: prompts, answers, compactions and titles, field by field. Recorded system
 * prompts, tools, permission modes, deferred calls and moves to other folders are in rows that are not named here.
 */
export function copiedRows(path: readonly string[], id: string, cwd: string): Laying {
  /** The rows left out, by uuid, with the row that each followed. */
  const gaps = new Map<string, unknown>();
  return {
    line: (line) => {
      const row = fields(parsedRow(line));
      const copy = copyOf(row, (parent) => acrossGaps(gaps, parent));
      const uuid = word(row.uuid);
      if (copy === undefined) {
        // Settled at once, so that a long gap is one step.
        if (uuid !== undefined) gaps.set(uuid, acrossGaps(gaps, row.parentUuid ?? null));
        return [];
      }
      const rehomed = { ...copy, sessionId: id, ...(uuid === undefined ? {} : { cwd }) };
      return [{ path, bytes: Buffer.from(`${JSON.stringify(rehomed)}\n`) }];
    },
  };
}

type Relink = (uuid: unknown) => unknown;

function copyOf(row: Fields, relink: Relink): object | undefined {
  const type = word(row.type) ?? '';
  const label = Object.hasOwn(labelFields, type) ? labelFields[type] : undefined;
  if (label !== undefined) {
    const copy = picked(row, label);
    return 'leafUuid' in copy ? { ...copy, leafUuid: relink(copy.leafUuid) } : copy;
  }
  const isCompaction = type === 'system' && row.subtype === 'compact_boundary';
  const isSaid = type === 'user' || type === 'assistant';
  if (word(row.uuid) === undefined || !(isSaid || isCompaction)) return undefined;
  const links = {
    parentUuid: relink(row.parentUuid ?? null),
    ...('logicalParentUuid' in row ? { logicalParentUuid: relink(row.logicalParentUuid) } : {}),
  };
  if (isCompaction) return { ...picked(row, rowFields), ...links };
  const message = messageOf(fields(row.message), type);
  if (message === undefined) return undefined;
  const { content: _content, ...copy } = picked(row, rowFields);
  return { ...copy, ...links, message };
}

/** `undefined` if nothing of it can be said again. */
function messageOf(message: Fields, role: string): object | undefined {
  const { content } = message;
  if (message.role !== role) return undefined;
  if (typeof content === 'string') return { ...picked(message, messageFields), content };
  const blocks = list(content).flatMap(blockOf);
  return blocks.length === 0 ? undefined : { ...picked(message, messageFields), content: blocks };
}

function blockOf(block: unknown): readonly object[] {
  const found = fields(block);
  const type = word(found.type) ?? '';
  const names = Object.hasOwn(blockFields, type) ? blockFields[type] : undefined;
  if (names === undefined) return [];
  const copy = picked(found, names);
  // An address would be fetched by whoever answers.
  if ('source' in copy && fields(copy.source).type === 'url') return [];
  if (type !== 'tool_result' || !Array.isArray(found.content)) return [copy];
  return [{ ...copy, content: found.content.flatMap(blockOf) }];
}

function picked(row: Fields, names: readonly string[]): Fields {
  const copy: Record<string, unknown> = {};
  for (const name of names) if (name in row) copy[name] = row[name];
  return copy;
}

/** Only rows that name a later one as their parent take more than a step; in a circle they have none. */
const mostSteps = 1_000;

/** The nearest row before a gap. */
function acrossGaps(gaps: ReadonlyMap<string, unknown>, start: unknown): unknown {
  let at = start;
  for (let step = 0; step < mostSteps; step += 1) {
    if (typeof at !== 'string' || !gaps.has(at)) return at;
    at = gaps.get(at);
  }
  return null;
}
