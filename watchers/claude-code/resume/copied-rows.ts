import { type Fields, fields, list, word } from '../../../src/conversation/fields.js';
import { type AllowedFields, lineOf, picked, pickedBy, rowOn } from '../../copied-rows.js';
import type { Laying } from '../../resume.js';

/** What a prompt, an answer or a compaction needs to be shown and sent again; nothing that sets a mode or names a file. */
const saidFields = [
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
  'level',
  'compactMetadata',
] as const;
const compactionFields = [...saidFields, 'content'];

/** Titles, and which row the conversation ends with. */
const labelFields: AllowedFields = {
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

const blockFields: AllowedFields = {
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
      const row = rowOn(line);
      const uuid = word(row.uuid);
      const copy = copyOf(row, (parent) => acrossGaps(gaps, parent));
      if (copy === undefined) {
        // Settled at once, so that a long gap is one step.
        if (uuid !== undefined) gaps.set(uuid, acrossGaps(gaps, row.parentUuid ?? null));
        return [];
      }
      copy.sessionId = id;
      if (uuid !== undefined) copy.cwd = cwd;
      return [{ path, bytes: lineOf(copy) }];
    },
  };
}

type Relink = (uuid: unknown) => unknown;
type Copy = Record<string, unknown>;

function copyOf(row: Fields, relink: Relink): Copy | undefined {
  const label = pickedBy(labelFields, row, row.type);
  if (label !== undefined) {
    if ('leafUuid' in label) label.leafUuid = relink(label.leafUuid);
    return label;
  }
  const isCompaction = row.type === 'system' && row.subtype === 'compact_boundary';
  const isSaid = row.type === 'user' || row.type === 'assistant';
  if (word(row.uuid) === undefined || !(isSaid || isCompaction)) return undefined;
  const message = isSaid ? messageOf(fields(row.message), row.type) : undefined;
  if (isSaid && message === undefined) return undefined;
  const copy = picked(row, isSaid ? saidFields : compactionFields);
  copy.parentUuid = relink(row.parentUuid ?? null);
  if ('logicalParentUuid' in copy) copy.logicalParentUuid = relink(copy.logicalParentUuid);
  if (message !== undefined) copy.message = message;
  return copy;
}

/** `undefined` if nothing of it can be said again. */
function messageOf(message: Fields, role: unknown): Copy | undefined {
  if (message.role !== role) return undefined;
  const content = contentOf(message.content);
  if (content.length === 0 && typeof content !== 'string') return undefined;
  const copy = picked(message, messageFields);
  copy.content = content;
  return copy;
}

function contentOf(content: unknown): string | readonly Copy[] {
  if (typeof content === 'string') return content;
  return list(content)
    .map(blockOf)
    .filter((block) => block !== undefined);
}

function blockOf(block: unknown): Copy | undefined {
  const found = fields(block);
  const copy = pickedBy(blockFields, found, found.type);
  // An address would be fetched by whoever answers.
  if (copy === undefined || fields(copy.source).type === 'url') return undefined;
  if (Array.isArray(copy.content)) copy.content = contentOf(copy.content);
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
