import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Transcript, userRow } from '../support/claude-tree.js';
import { CodexTree, metaRow } from '../support/codex-tree.js';
import { HermesStore, literal } from '../support/hermes-home.js';
import { type AgentDatabase, headerEvent } from '../support/openclaw-database.js';
import { OpenClawState } from '../support/openclaw-state.js';
import { filler, hasToStop, restAWhile } from './writing.js';

/** What a writer knows of a session that it wrote, and `meta.json` has to say. */
export interface ToldSession {
  readonly harness: string;
  readonly id: string;
  readonly title: string;
  /** `undefined` where a line is a state of a row, so that only readers can count. */
  readonly lines: number | undefined;
  /** Lines by stream, of all but the main one. */
  readonly streams: Readonly<Record<string, number>>;
  /** ISO 8601 UTC. */
  readonly lastRowAt: string;
  readonly hasEnded: boolean;
}

/** A session that is being written. */
interface Writing {
  readonly id: string;
  readonly title: string;
  row(timestamp: string, text: string): void | Promise<void>;
  further?(timestamp: string, text: string): Promise<void>;
  /** Rows besides those of `row`. */
  readonly others: number;
  readonly streamName?: string;
  end(): void | Promise<void>;
}

const rowsEach = 12;

/** One session after the other; the last one is still open when the writer is told to stop. */
async function writeSessions(
  harness: string,
  begin: (number: number) => Promise<Writing>,
  { isCounted = true } = {},
): Promise<readonly ToldSession[]> {
  const told: ToldSession[] = [];
  for (let number = 1; !hasToStop(); number += 1) {
    const session = await begin(number);
    let [rows, further, lastRowAt] = [0, 0, ''];
    while (rows < rowsEach && !(hasToStop() && rows > 0)) {
      lastRowAt = new Date().toISOString();
      await session.row(lastRowAt, `${number} ${filler()}`);
      rows += 1;
      if (session.further !== undefined && rows % 3 === 0) {
        lastRowAt = new Date().toISOString();
        await session.further(lastRowAt, filler());
        further += 1;
      }
      await restAWhile();
    }
    const hasEnded = rows === rowsEach;
    if (hasEnded) await session.end();
    const { id, title, others, streamName } = session;
    const isSeen = streamName !== undefined && further > 0;
    const streams = isSeen ? { [streamName]: further } : {};
    const lines = isCounted ? rows + others : undefined;
    told.push({ harness, id, title, lines, streams, lastRowAt, hasEnded });
  }
  return told;
}

/** All four harnesses at once, in the home folder that has their hooks. */
export async function writeToldSessions(home: string): Promise<readonly ToldSession[]> {
  const database = await OpenClawState.in(home).agent().database();
  const store = new HermesStore(join(home, '.hermes', 'state.db'));
  // A reader holds a shared lock for a moment; both harnesses wait for it, and so does this.
  for (const one of [database, store]) one.run('PRAGMA busy_timeout = 10000');
  const told = await Promise.all([
    writeSessions('claude-code', (number) => claudeCode(home, number)),
    writeSessions('codex', (number) => codex(home, number)),
    writeSessions('hermes', async (number) => hermes(store, number), { isCounted: false }),
    writeSessions('openclaw', async (number) => openClaw(database, number)),
  ]);
  database.close();
  store.close();
  return told.flat();
}

function numbered(prefix: string, number: number): string {
  return `${prefix}${String(number).padStart(12, '0')}`;
}

/** As the harness does when a session is over. */
function runHook(home: string, harness: string, sessionId: string, path: string): void {
  const hook = join(home, '.tracecraft', 'hooks', `${harness}.sh`);
  const input = JSON.stringify({ session_id: sessionId, transcript_path: path, cwd: '/soak' });
  spawnSync('sh', [hook, 'ended'], { input });
}

async function claudeCode(home: string, number: number): Promise<Writing> {
  const id = numbered('00000000-0000-4000-8000-', number);
  const title = `Claude session ${number}`;
  const folder = join(home, '.claude', 'projects', '-soak');
  const main = new Transcript(join(folder, `${id}.jsonl`));
  const agent = new Transcript(join(folder, id, 'subagents', 'agent-a1.jsonl'));
  const context = { sessionId: id, cwd: '/soak' };
  await main.append({ type: 'custom-title', sessionId: id, customTitle: title });
  return {
    id,
    title,
    others: 1,
    streamName: 'subagents/agent-a1',
    row: async (timestamp, text) => {
      await main.append(userRow(text, { ...context, timestamp }));
    },
    further: async (timestamp, text) => {
      await agent.append(userRow(text, { ...context, timestamp, isSidechain: true }));
    },
    end: () => runHook(home, 'claude-code', id, main.path),
  };
}

async function codex(home: string, number: number): Promise<Writing> {
  const id = numbered('01a00000-0000-7000-8000-', number);
  const title = `Codex session ${number}`;
  const tree = CodexTree.at(home);
  const rollout = tree.rollout(id);
  await rollout.append(metaRow(id, { cwd: '/soak' }));
  await tree.name(id, title);
  return {
    id,
    title,
    others: 1,
    row: async (timestamp, text) => {
      const content = [{ type: 'input_text', text }];
      const payload = { type: 'message', role: 'user', content };
      await rollout.append({ timestamp, type: 'response_item', payload });
    },
    end: () => runHook(home, 'codex', id, rollout.path),
  };
}

function hermes(store: HermesStore, number: number): Writing {
  const id = `20260101_000000_${number.toString(16).padStart(6, '0')}`;
  const title = `Hermes session ${number}`;
  store.session(id, { cwd: '/soak', title, started_at: Date.now() / 1_000 });
  return {
    id,
    title,
    others: 0,
    row: (timestamp, text) => {
      const values = [id, 'user', text, Date.parse(timestamp) / 1_000].map(literal);
      store.run(
        `INSERT INTO messages (session_id, role, content, timestamp) VALUES (${values.join(', ')})`,
      );
    },
    end: () => {
      store.update(id, { ended_at: Date.now() / 1_000 });
    },
  };
}

function openClaw(database: AgentDatabase, number: number): Writing {
  const id = numbered('00000000-0000-4000-9000-', number);
  const title = `OpenClaw session ${number}`;
  database.append(id, headerEvent(id), { type: 'session_info', id: 'i', name: title });
  let rows = 0;
  return {
    id,
    title,
    others: 2,
    row: (timestamp, text) => {
      rows += 1;
      const message = { role: 'user', content: text };
      database.append(id, { type: 'message', id: `e${rows}`, parentId: null, timestamp, message });
    },
    end: () => {
      database.delete(id);
    },
  };
}
