import { join, resolve } from 'node:path';
import { word } from '../../src/conversation/fields.js';
import { rowOn } from '../copied-rows.js';
import { copiedEntries } from '../pi-format/copied-entries.js';
import {
  type Chunk,
  type HarnessResume,
  type IndexedCopy,
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
  index,
};

const agent = 'main';
const sessions = [agentsFolder, agent, sessionsFolder];

function plan(request: RestoreRequest): RestorePlan {
  const { mode, session, id } = request;
  const path = [...sessions, `${id}.jsonl`];
  const transcript = mode === 'verbatim' ? wholeStream(path) : copiedEntries(path, request);
  const { isOneOfMany = false } = request;
  const key = keyOf(id.slice(0, 8));
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
      lastMs = Math.max(lastMs, Date.parse(word(rowOn(line).timestamp) ?? '') || 0);
      return transcript.line(line);
    },
    end: () => {
      return [indexFile({ [key]: { sessionId: id, updatedAt: lastMs } })];
    },
  };
}

function index(copies: readonly IndexedCopy[]): Chunk {
  const entries: Record<string, object> = {};
  for (const { id, lastMs } of copies) {
    const short = keyOf(id.slice(0, 8));
    entries[short in entries ? keyOf(id) : short] = { sessionId: id, updatedAt: lastMs };
  }
  return indexFile(entries);
}

function keyOf(name: string): string {
  return `agent:${agent}:restored-${name}`;
}

function indexFile(entries: object): Chunk {
  const bytes = Buffer.from(`${JSON.stringify(entries, null, 2)}\n`);
  return { path: [...sessions, 'sessions.json'], bytes };
}

/** As OpenClaw reads a path from the environment: a leading `~` is the home folder. */
function pathIn(value: string | undefined, home: string): string | undefined {
  const text = value?.trim() ?? '';
  return text === '' ? undefined : resolve(text.replace(/^~(?=$|[/\\])/, () => home));
}
