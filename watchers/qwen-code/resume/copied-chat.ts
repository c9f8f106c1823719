import { type Fields, fields, finite, list, word } from '../../../src/conversation/fields.js';
import { type AllowedFields, copying, picked, pickedBy, RowLinks } from '../../copied-rows.js';
import type { Laying } from '../../resume.js';

const rowFields = ['uuid', 'parentUuid', 'timestamp', 'type', 'version', 'gitBranch'] as const;
const spokenFields = ['model', 'usageMetadata'] as const;
const roles: Readonly<Record<string, string>> = {
  user: 'user',
  assistant: 'model',
  tool_result: 'user',
};
/** By what a part holds; its other fields are in `partExtras`. */
const partFields: AllowedFields = {
  text: ['text'],
  functionCall: ['id', 'name', 'args'],
  functionResponse: ['id', 'name', 'response'],
  inlineData: ['mimeType', 'data'],
};
const partExtras = ['thought', 'thoughtSignature'] as const;

interface Copy {
  readonly id: string;
  readonly cwd: string;
}

/**
 * A copy of a chat under another id: what was said, called and answered, summaries and titles, field by field. Models,
 * goals, files and telemetry are in rows that are not named here.
 */
export function copiedChat(path: readonly string[], { id, cwd }: Copy): Laying {
  const links = new RowLinks();
  return copying(path, (row) => {
    const uuid = word(row.uuid);
    if (uuid === undefined) return undefined;
    const own = ownFields(row);
    if (own === undefined) {
      links.leaveOut(uuid, row.parentUuid);
      return undefined;
    }
    links.keep(uuid);
    const parentUuid = links.before(row.parentUuid);
    return { ...picked(row, rowFields), parentUuid, sessionId: id, cwd, ...own };
  });
}

function ownFields(row: Fields): object | undefined {
  const type = word(row.type) ?? '';
  if (type === 'system') return systemFields(row);
  const role = Object.hasOwn(roles, type) ? roles[type] : undefined;
  const message = fields(row.message);
  if (role === undefined || message.role !== role) return undefined;
  const parts = list(message.parts).flatMap(partOf);
  if (parts.length === 0) return undefined;
  const said = { message: { role, parts } };
  // Words that nobody typed stay so.
  const provenance = typeof row.provenance === 'string' ? { provenance: row.provenance } : {};
  return type === 'assistant'
    ? { ...picked(row, spokenFields), ...said }
    : { ...provenance, ...said };
}

function systemFields({ subtype, systemPayload }: Fields): object | undefined {
  const payload = fields(systemPayload);
  switch (subtype) {
    case 'chat_compression': {
      const info = picked(fields(payload.info), [
        'originalTokenCount',
        'newTokenCount',
        'compressionStatus',
      ]);
      const compressedHistory = list(payload.compressedHistory).flatMap(contentOf);
      return { subtype, systemPayload: { info, compressedHistory } };
    }
    case 'custom_title':
      return { subtype, systemPayload: picked(payload, ['customTitle', 'titleSource']) };
    case 'rewind': {
      const truncatedCount = finite(payload.truncatedCount);
      return { subtype, systemPayload: truncatedCount === undefined ? {} : { truncatedCount } };
    }
    default:
      return undefined;
  }
}

function contentOf(content: unknown): readonly object[] {
  const { role, parts } = fields(content);
  const kept = list(parts).flatMap(partOf);
  const isKnown = role === 'user' || role === 'model';
  return isKnown && kept.length > 0 ? [{ role, parts: kept }] : [];
}

function partOf(part: unknown): readonly object[] {
  const found = fields(part);
  for (const kind of Object.keys(partFields)) {
    const value = found[kind];
    if (value === undefined) continue;
    const own = kind === 'text' ? textOf(value) : pickedBy(partFields, fields(value), kind);
    return own === undefined ? [] : [{ [kind]: own, ...picked(found, partExtras) }];
  }
  return [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
