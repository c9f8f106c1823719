import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createTemporaryFolder } from './temporary-folder.js';

/** A row as Claude Code would write it; anything may be overridden or added. */
export type Row = Readonly<Record<string, unknown>>;

export interface RowContext {
  readonly sessionId: string;
  readonly cwd: string;
  readonly version?: string;
  readonly gitBranch?: string;
  readonly timestamp?: string;
  readonly isSidechain?: boolean;
  /** Where a release puts `cwd`, `version` and the like: before what the row says, or after it. */
  readonly contextAt?: 'beginning' | 'end';
}

let numbers = 0;

/** A fresh uuid that is the same in every run of a test file. */
export function sessionUuid(): string {
  numbers += 1;
  return `00000000-0000-4000-8000-${String(numbers).padStart(12, '0')}`;
}

export function userRow(text: string, context: RowContext, more: Row = {}): Row {
  return inContext({ type: 'user', message: { role: 'user', content: text } }, context, more);
}

export function assistantRow(
  text: string,
  model: string,
  context: RowContext,
  more: Row = {},
): Row {
  const content = [{ type: 'text', text }];
  const message = { model, id: 'msg_1', type: 'message', role: 'assistant', content };
  return inContext({ message, requestId: 'req_1', type: 'assistant' }, context, more);
}

/** What a running tool or sub-agent reports into the session: its nested message has a model of its own. */
export function progressRow(model: string, context: RowContext): Row {
  const message = { type: 'assistant', message: { model, content: [] }, cwd: '/nested' };
  return inContext({ type: 'progress', data: { message }, toolUseID: 'toolu_1' }, context, {});
}

export const snapshotRow: Row = {
  type: 'file-history-snapshot',
  messageId: 'm1',
  snapshot: { trackedFileBackups: {}, timestamp: '2020-01-01T00:00:00.000Z', cwd: '/nested' },
};

export function summaryRow(summary: string): Row {
  return { type: 'summary', summary, leafUuid: 'leaf-1' };
}

export function aiTitleRow(aiTitle: string, sessionId: string): Row {
  return { type: 'ai-title', sessionId, aiTitle };
}

export function customTitleRow(customTitle: string, sessionId: string): Row {
  return { type: 'custom-title', sessionId, customTitle };
}

export function lineOf(row: Row): string {
  return `${JSON.stringify(row)}\n`;
}

function inContext(said: Row, context: RowContext, more: Row): Row {
  const { sessionId, cwd, version = '2.1.39', gitBranch = 'main', contextAt } = context;
  const { timestamp = '2026-01-02T03:04:05.678Z', isSidechain = false } = context;
  const place = { userType: 'external', cwd, sessionId, version, gitBranch };
  const identity = { uuid: 'u1', timestamp };
  return contextAt === 'end'
    ? { parentUuid: null, isSidechain, ...said, ...identity, ...more, ...place }
    : { parentUuid: null, isSidechain, ...place, ...said, ...identity, ...more };
}

/** One transcript file of a tree. */
export class Transcript {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async append(...rows: readonly (Row | string)[]): Promise<this> {
    const text = rows.map((row) => (typeof row === 'string' ? row : lineOf(row))).join('');
    await mkdir(dirname(this.path), { recursive: true });
    await appendFile(this.path, text);
    return this;
  }
}

/** A home folder with Claude Code's files in it, built piece by piece. */
export class ClaudeTree {
  readonly home: string;
  readonly remove: () => Promise<void>;

  private constructor(home: string, remove: () => Promise<void>) {
    this.home = home;
    this.remove = remove;
  }

  static async create(): Promise<ClaudeTree> {
    const { path, remove } = await createTemporaryFolder();
    return new ClaudeTree(path, remove);
  }

  get config(): string {
    return join(this.home, '.claude');
  }

  get root(): string {
    return join(this.config, 'projects');
  }

  /** Below the root; the project's folder is named as Claude Code names the folder that it stands for. */
  path(cwd: string, ...rest: readonly string[]): string {
    return join(this.root, cwd.replace(/[^a-zA-Z0-9]/g, '-'), ...rest);
  }

  session(cwd: string, sessionId: string): Transcript {
    return new Transcript(this.path(cwd, `${sessionId}.jsonl`));
  }

  subagent(cwd: string, sessionId: string, agent: string): Transcript {
    return new Transcript(this.path(cwd, sessionId, 'subagents', `agent-${agent}.jsonl`));
  }

  workflowAgent(cwd: string, sessionId: string, workflow: string, agent: string): Transcript {
    const folder = this.path(cwd, sessionId, 'subagents', 'workflows', workflow);
    return new Transcript(join(folder, `agent-${agent}.jsonl`));
  }

  /** As releases 2.0 wrote them: beside the session. */
  strayAgent(cwd: string, agent: string): Transcript {
    return new Transcript(this.path(cwd, `agent-${agent}.jsonl`));
  }

  async toolResult(cwd: string, sessionId: string, id: string, text: string | Buffer) {
    return this.file(this.path(cwd, sessionId, 'tool-results', `${id}.txt`), text);
  }

  async signOfLife(pid: number, sign: unknown): Promise<string> {
    const text = typeof sign === 'string' ? sign : JSON.stringify(sign);
    return this.file(join(this.config, 'sessions', `${pid}.json`), text);
  }

  /** Any file, with the folders above it. */
  async file(path: string, content: string | Buffer = ''): Promise<string> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return path;
  }
}
