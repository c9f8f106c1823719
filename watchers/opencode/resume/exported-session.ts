import { createHash } from 'node:crypto';
import { type Fields, fields, finite, word } from '../../../src/conversation/fields.js';
import { type AllowedFields, picked, pickedBy, rowOn } from '../../copied-rows.js';
import type { Laying } from '../../resume.js';
import { type OpenCodeState, readState } from '../conversation/rows.js';

const messageFields: AllowedFields = {
  user: ['role', 'time', 'agent', 'model'],
  assistant: [
    ...['role', 'time', 'agent', 'mode', 'modelID', 'providerID', 'cost', 'tokens', 'finish'],
    ...['summary', 'error'],
  ],
};
const partFields: AllowedFields = {
  text: ['type', 'text', 'synthetic', 'ignored', 'time'],
  reasoning: ['type', 'text', 'time'],
  tool: ['type', 'tool', 'callID'],
  'step-start': ['type'],
  'step-finish': ['type', 'reason', 'cost', 'tokens'],
  compaction: ['type', 'auto'],
};
const stateFields: AllowedFields = {
  completed: ['status', 'input', 'output', 'title', 'time'],
  error: ['status', 'input', 'error', 'time'],
};

interface Copy {
  readonly id: string;
  readonly cwd: string;
}

interface Known {
  session: Fields;
  readonly messages: Map<string, OpenCodeState>;
  readonly parts: Map<string, OpenCodeState>;
}

/**
 * The rows in their last state as one document for `opencode import`, with new ids: what was said, called and answered,
 * field by field. Prompts of the system, permissions, snapshots and files are not named here.
 */
export function exportedSession(path: readonly string[], copy: Copy): Laying {
  const known: Known = { session: {}, messages: new Map(), parts: new Map() };
  return {
    line: (line) => {
      see(known, readState(rowOn(line)));
      return [];
    },
    end: () => [{ path, bytes: Buffer.from(`${JSON.stringify(documentOf(known, copy))}\n`) }],
  };
}

function see(known: Known, state: OpenCodeState): void {
  const { table, id, isDeleted } = state;
  if (table === 'session' && !isDeleted) known.session = state.row;
  if (table !== 'message' && table !== 'part') return;
  const rows = table === 'message' ? known.messages : known.parts;
  if (isDeleted) rows.delete(id);
  else rows.set(id, state);
}

function documentOf({ session, messages, parts }: Known, copy: Copy): object {
  // What a pending revert takes back is not part of the session any more.
  const end = word(fields(session.revert).messageID);
  const kept = inOrder(messages).filter(({ id }) => end === undefined || id < end);
  const time = finite(session.time_created) ?? 0;
  const owned = byMessage(parts);
  return {
    info: {
      id: copy.id,
      slug: copy.id.slice(0, 16).toLowerCase().replace('_', '-'),
      projectID: 'global',
      directory: copy.cwd,
      title: word(session.title) ?? 'restored',
      version: word(session.version) ?? '',
      time: { created: time, updated: time },
    },
    messages: kept.flatMap((message) => messageOf(message, owned.get(message.id) ?? [], copy)),
  };
}

function byMessage(parts: ReadonlyMap<string, OpenCodeState>) {
  const owned = new Map<string, OpenCodeState[]>();
  for (const part of inOrder(parts)) {
    const owner = part.messageId ?? '';
    const own = owned.get(owner);
    if (own === undefined) owned.set(owner, [part]);
    else own.push(part);
  }
  return owned;
}

function inOrder(rows: ReadonlyMap<string, OpenCodeState>): readonly OpenCodeState[] {
  return [...rows.values()].sort((left, right) => (left.id < right.id ? -1 : 1));
}

function messageOf(
  message: OpenCodeState,
  parts: readonly OpenCodeState[],
  { id, cwd }: Copy,
): readonly object[] {
  const info = pickedBy(messageFields, message.data, message.data.role);
  if (info === undefined) return [];
  const renamed = (old: unknown): string => renamedId(word(old) ?? '', id);
  const own = { id: renamed(message.id), sessionID: id };
  const parentID = renamed(message.data.parentID);
  const place = info.role === 'assistant' ? { parentID, path: { cwd, root: cwd } } : {};
  const said = parts.flatMap((part) => {
    const copy = partOf(part.data);
    const ids = { id: renamed(part.id), sessionID: id, messageID: own.id };
    return copy === undefined ? [] : [{ ...copy, ...ids }];
  });
  return [{ info: { ...info, ...place, ...own }, parts: said }];
}

function partOf(data: Fields): object | undefined {
  const copy = pickedBy(partFields, data, data.type);
  return copy === undefined || data.type !== 'tool'
    ? copy
    : { ...copy, state: stateOf(fields(data.state)) };
}

/** A call that was under way would be waited for. */
function stateOf(state: Fields): object {
  const input = fields(state.input);
  const start = finite(fields(state.time).start) ?? 0;
  const copy = pickedBy(stateFields, state, state.status);
  if (copy === undefined) {
    return { status: 'error', input, error: 'interrupted', time: { start, end: start } };
  }
  const metadata = picked(fields(state.metadata), ['exit', 'truncated']);
  return { ...copy, input, metadata };
}

/** Ids begin with their time, in hexadecimal digits by which they are sorted. */
const timed = /^(msg|prt)_([0-9a-f]{12})/;

/** Another id of the same time: those in the database belong to the session that was copied. */
function renamedId(old: string, session: string): string {
  const [, kind = 'msg', time = '000000000000'] = timed.exec(old) ?? [];
  return `${kind}_${time}${endOf(`${session} ${old}`)}`;
}

/** A session's id, made of a UUID. */
export function idOf(kind: string, uuid: string): string {
  return `${kind}_${uuid.replace(/-/g, '').slice(0, 12)}${endOf(uuid)}`;
}

function endOf(seed: string): string {
  const digits = createHash('sha256')
    .update(seed)
    .digest('base64')
    .replace(/[^A-Za-z0-9]/g, '');
  return digits.slice(0, 14);
}
