import { join, resolve } from 'node:path';
import { type Fields, fields, list, word } from '../../src/conversation/fields.js';
import {
  type HarnessResume,
  isUuid,
  type Laying,
  type RestorePlan,
  type RestoreRequest,
  wholeStream,
} from '../resume.js';
import { agentsFolder, sessionsFolder } from './layout.js';

/**
 * OpenClaw keeps sessions in a database that only it writes, and takes in files from before there was one: a transcript
 * and an index that names it (https://docs.openclaw.ai/cli/doctor). The index must be new, so it is created last.
 */
export const openClawResume: HarnessResume = {
  modes: ['verbatim', 'as-new'],
  folder: ({ env, home }) => {
    const state = pathIn(env.OPENCLAW_STATE_DIR, home);
    return state ?? join(pathIn(env.OPENCLAW_HOME, home) ?? home, '.openclaw');
  },
  isId: isUuid,
  plan,
};

const agent = 'main';
const sessions = [agentsFolder, agent, sessionsFolder];

function plan(request: RestoreRequest): RestorePlan {
  const { mode, session, id } = request;
  const path = [...sessions, `${id}.jsonl`];
  const transcript = mode === 'verbatim' ? wholeStream(path) : copiedEvents(path, request);
  const { isOneOfMany = false } = request;
  const key = `agent:${agent}:restored-${id.slice(0, 8)}`;
  const indexed = withIndex(transcript, key, id);
  const names = request.streams.map(({ name }) => name);
  return {
    streams: [{ session, stream: '', laying: isOneOfMany ? transcript : indexed }],
    leftOut: names.filter((name) => name !== ''),
    commands: [
      ['openclaw', 'doctor', '--session-sqlite', 'import', ...importFlags],
      ['openclaw', 'agent', '--local', '--agent', agent, '--session-key', key, '--message', '…'],
    ],
    isRunnable: false,
    notes: ['Stop the gateway first, and put your own words in place of the dots.'],
  };
}

const importFlags = ['--session-sqlite-agent', agent, '--non-interactive'];

/** The index goes into place after the transcript. */
function withIndex(transcript: Laying, key: string, id: string): Laying {
  let lastMs = 0;
  return {
    line: (line) => {
      lastMs = Math.max(lastMs, Date.parse(word(fields(parsed(line)).timestamp) ?? '') || 0);
      return transcript.line(line);
    },
    end: () => {
      const index = { [key]: { sessionId: id, updatedAt: lastMs } };
      const bytes = Buffer.from(`${JSON.stringify(index, null, 2)}\n`);
      return [{ path: [...sessions, 'sessions.json'], bytes }];
    },
  };
}

const eventFields: Readonly<Record<string, readonly string[]>> = {
  message: ['type', 'id', 'parentId', 'timestamp', 'message'],
  compaction: [
    'type',
    'id',
    'parentId',
    'timestamp',
    'summary',
    'firstKeptEntryId',
    'tokensBefore',
  ],
  branch_summary: ['type', 'id', 'parentId', 'timestamp', 'summary', 'fromId'],
};
const messageFields: Readonly<Record<string, readonly string[]>> = {
  user: ['role', 'content', 'timestamp'],
  assistant: [
    ...['role', 'content', 'timestamp', 'api', 'provider', 'model', 'usage', 'stopReason'],
    'errorMessage',
  ],
  toolResult: ['role', 'content', 'timestamp', 'toolCallId', 'toolName', 'isError'],
};
const blockFields: Readonly<Record<string, readonly string[]>> = {
  text: ['type', 'text', 'textSignature'],
  thinking: ['type', 'thinking', 'thinkingSignature', 'redacted'],
  toolCall: ['type', 'id', 'name', 'arguments', 'thoughtSignature'],
  image: ['type', 'data', 'mimeType'],
};

/** What was said, called and answered, field by field, under another id; models, levels and snapshots stay behind. */
function copiedEvents(path: readonly string[], { id, cwd }: RestoreRequest): Laying {
  const gaps = new Map<string, unknown>();
  let hasHead = false;
  return {
    line: (line) => {
      const event = fields(parsed(line));
      const isHead = event.type === 'session' && !hasHead;
      hasHead ||= isHead;
      const copy = isHead ? headOf(event, id, cwd) : eventOf(event, gaps);
      const eventId = word(event.id);
      if (copy === undefined && eventId !== undefined) {
        gaps.set(eventId, acrossGap(gaps, event.parentId));
      }
      return copy === undefined ? [] : [{ path, bytes: Buffer.from(`${JSON.stringify(copy)}\n`) }];
    },
  };
}

function headOf(event: Fields, id: string, cwd: string): object {
  const { version, timestamp } = event;
  return { type: 'session', version, id, timestamp, cwd };
}

function eventOf(event: Fields, gaps: ReadonlyMap<string, unknown>): object | undefined {
  const copy = pickedBy(eventFields, event, event.type);
  if (copy === undefined) return undefined;
  const linked = 'parentId' in copy ? { parentId: acrossGap(gaps, copy.parentId) } : {};
  if (copy.type !== 'message') return { ...copy, ...linked };
  const said = fields(copy.message);
  const message = pickedBy(messageFields, said, said.role);
  if (message === undefined) return undefined;
  const { content } = message;
  const kept = typeof content === 'string' ? content : list(content).flatMap(blockOf);
  return kept.length === 0
    ? undefined
    : { ...copy, ...linked, message: { ...message, content: kept } };
}

function blockOf(block: unknown): readonly Fields[] {
  const found = fields(block);
  const copy = pickedBy(blockFields, found, found.type);
  return copy === undefined ? [] : [copy];
}

/** What a row that was left out followed: settled when it was left out, so one step is enough. */
function acrossGap(gaps: ReadonlyMap<string, unknown>, parent: unknown): unknown {
  return typeof parent === 'string' && gaps.has(parent) ? gaps.get(parent) : (parent ?? null);
}

function pickedBy(
  kinds: Readonly<Record<string, readonly string[]>>,
  row: Fields,
  kind: unknown,
): Fields | undefined {
  const names = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  return names === undefined
    ? undefined
    : Object.fromEntries(names.filter((name) => name in row).map((name) => [name, row[name]]));
}

/** As OpenClaw reads a path from the environment: a leading `~` is the home folder. */
function pathIn(value: string | undefined, home: string): string | undefined {
  const text = value?.trim() ?? '';
  return text === '' ? undefined : resolve(text.replace(/^~(?=$|[/\\])/, () => home));
}

function parsed(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}
