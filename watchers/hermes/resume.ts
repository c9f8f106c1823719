import { join, resolve } from 'node:path';
import { type Fields, finite, opened, word } from '../../src/conversation/fields.js';
import { picked, rowOn } from '../copied-rows.js';
import type { HarnessResume, Laying, RestorePlan, RestoreRequest } from '../resume.js';

/**
 * Hermes keeps sessions in a database that only it writes, and imports a file with one session per line. Without
 * `--from` it takes such a file for somebody else's and believes no settings in it, which is what is wanted here.
 */
export const hermesResume: HarnessResume = {
  modes: ['as-new'],
  folder: ({ env, home }) => {
    const configured = env.HERMES_HOME?.trim() ?? '';
    return configured === '' ? join(home, '.hermes') : resolve(configured);
  },
  isId: () => false,
  plan,
};

function plan({ session, id, cwd, folder, streams }: RestoreRequest): RestorePlan {
  const path = ['restored', `${id}.jsonl`];
  return {
    streams: [{ session, stream: '', laying: importFile(path, id, cwd) }],
    leftOut: streams.map(({ name }) => name).filter((name) => name !== ''),
    commands: [['hermes', 'sessions', 'import', join(folder, ...path)]],
    isRunnable: false,
    notes: [
      '"hermes sessions list" shows it after that, and "hermes --resume ID", with the id shown there, resumes it; the file can then be removed.',
    ],
  };
}

const messageFields = [
  'role',
  'content',
  'tool_call_id',
  'tool_calls',
  'tool_name',
  'timestamp',
  'finish_reason',
  'reasoning',
  'reasoning_content',
] as const;
/** A system message would be obeyed. */
const roles = new Set(['user', 'assistant', 'tool']);

/** The rows in their last state, as one session. */
function importFile(path: readonly string[], id: string, cwd: string): Laying {
  const messages = new Map<string, Fields>();
  let session: Fields = {};
  let unnumbered = 0;
  return {
    line: (line) => {
      const row = rowOn(line);
      if (row.table !== undefined) {
        session = row.op === 'delete' ? session : row;
        return [];
      }
      const rowId = finite(row.id);
      // Rows of a diverted file have no id and are not replaced.
      const key = rowId === undefined ? `+${unnumbered}` : String(rowId);
      if (rowId === undefined) unnumbered += 1;
      if (row.op === 'delete') messages.delete(key);
      else messages.set(key, row);
      return [];
    },
    end: () => {
      const document = {
        id,
        source: 'import',
        title: word(session.title) ?? null,
        cwd,
        started_at: finite(session.started_at) ?? null,
        messages: inOrder(messages).filter(isSaid).map(messageOf),
      };
      return [{ path, bytes: Buffer.from(`${JSON.stringify(document)}\n`) }];
    },
  };
}

/** By id, as Hermes does: times are the caller's. */
function inOrder(messages: ReadonlyMap<string, Fields>): readonly Fields[] {
  const idOf = (row: Fields): number => finite(row.id) ?? Number.POSITIVE_INFINITY;
  return [...messages.values()].sort((left, right) => {
    const [first, second] = [idOf(left), idOf(right)];
    return first === second ? 0 : first - second;
  });
}

function isSaid(row: Fields): boolean {
  const isActive = row.active === undefined || row.active === 1;
  return isActive && roles.has(word(row.role) ?? '');
}

function messageOf(row: Fields): object {
  const message = picked(row, messageFields);
  return 'tool_calls' in message ? { ...message, tool_calls: opened(message.tool_calls) } : message;
}
