import { appendFile, mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lineOf, type Row } from './claude-tree.js';
import { createTemporaryFolder } from './temporary-folder.js';
import { packed } from './zstd-frames.js';

let numbers = 0;

/** A fresh thread id that is the same in every run of a test file. */
export function threadUuid(): string {
  numbers += 1;
  return `01a00000-0000-7000-8000-${String(numbers).padStart(12, '0')}`;
}

const time = '2026-03-04T05:06:07.089Z';

/** As release 0.169 writes its first row; anything may be overridden or added. */
export function metaRow(threadId: string, more: Row = {}, ordinal?: number): Row {
  const payload = {
    session_id: threadId,
    id: threadId,
    timestamp: time,
    cwd: '/work/app',
    originator: 'codex_exec',
    cli_version: '0.169.0',
    source: 'exec',
    ...more,
    base_instructions: { text: 'You are a coding agent. '.repeat(100) },
    git: { commit_hash: 'c0ffee', branch: 'main', repository_url: null },
  };
  return envelope('session_meta', payload, ordinal);
}

/** As releases around 0.29 wrote it: without an envelope, and without the folder. */
export function bareMetaRow(threadId: string): Row {
  return { id: threadId, timestamp: time, instructions: null, git: { branch: 'old' } };
}

export function turnRow(model: string, cwd = '/work/app', ordinal?: number): Row {
  const payload = { cwd, approval_policy: 'never', model, summary: 'auto' };
  return envelope('turn_context', payload, ordinal);
}

export function userItem(text: string, ordinal?: number): Row {
  const content = [{ type: 'input_text', text }];
  return envelope('response_item', { type: 'message', role: 'user', content }, ordinal);
}

export function userEvent(message: string): Row {
  return envelope('event_msg', { type: 'user_message', message, images: [] });
}

export function environmentText(cwd: string): string {
  return `<environment_context>\n  <cwd>${cwd}</cwd>\n  <shell>bash</shell>\n</environment_context>`;
}

export function outputRow(output: string, ordinal?: number): Row {
  const payload = { type: 'function_call_output', call_id: 'call_1', output };
  return envelope('response_item', payload, ordinal);
}

export function envelope(type: string, payload: unknown, ordinal?: number): Row {
  return { timestamp: time, ...(ordinal === undefined ? {} : { ordinal }), type, payload };
}

/** One rollout of a tree, wherever Codex has put it. */
export class Rollout {
  path: string;

  constructor(path: string) {
    this.path = path;
  }

  get packedPath(): string {
    return `${this.path}.zst`;
  }

  async append(...rows: readonly (Row | string)[]): Promise<this> {
    const text = rows.map((row) => (typeof row === 'string' ? row : lineOf(row))).join('');
    await mkdir(dirname(this.path), { recursive: true });
    await appendFile(this.path, text);
    return this;
  }

  /** As Codex does it: another inode with the same mtime, put in place whole; then the plain file goes. */
  async pack(content: Buffer): Promise<void> {
    await this.putPacked(content);
    await rm(this.path, { force: true });
  }

  async putPacked(content: Buffer): Promise<void> {
    const before = await stat(this.path).catch(() => undefined);
    const temporary = `${this.packedPath}.tmp`;
    await writeFile(temporary, packed(content));
    if (before !== undefined) await utimes(temporary, before.atime, before.mtime);
    await rename(temporary, this.packedPath);
  }

  /** A third inode with the same bytes. */
  async unpack(content: Buffer): Promise<void> {
    await this.replace(content);
    await rm(this.packedPath, { force: true });
  }

  /** Another inode with other bytes and the same mtime, as migration leaves it. */
  async replace(content: string | Buffer): Promise<void> {
    const before = await stat(this.path).catch(() => stat(this.packedPath));
    const temporary = `${this.path}.new`;
    await writeFile(temporary, content);
    await utimes(temporary, before.atime, before.mtime);
    await rename(temporary, this.path);
  }

  async moveTo(path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await rename(this.path, path);
    this.path = path;
  }
}

/** A home folder with Codex's files in it, built piece by piece. */
export class CodexTree {
  /** The user's. */
  readonly home: string;
  readonly remove: () => Promise<void>;

  private constructor(home: string, remove: () => Promise<void>) {
    this.home = home;
    this.remove = remove;
  }

  static async create(): Promise<CodexTree> {
    const { path, remove } = await createTemporaryFolder();
    return new CodexTree(path, remove);
  }

  /** In a home folder that somebody else removes. */
  static at(home: string): CodexTree {
    return new CodexTree(home, async () => undefined);
  }

  path(...names: readonly string[]): string {
    return join(this.home, '.codex', ...names);
  }

  day(...names: readonly string[]): string {
    return this.path('sessions', '2026', '03', '04', ...names);
  }

  rollout(threadId: string, segmentId?: string): Rollout {
    return new Rollout(this.day(rolloutName(threadId, segmentId)));
  }

  archivedPath(threadId: string, segmentId?: string): string {
    return this.path('archived_sessions', rolloutName(threadId, segmentId));
  }

  async name(threadId: string, name: string): Promise<void> {
    const entry = { id: threadId, thread_name: name, updated_at: time };
    await mkdir(this.path(), { recursive: true });
    await appendFile(this.path('session_index.jsonl'), lineOf(entry));
  }

  lock(name: string): Promise<string> {
    return this.file(this.path('thread-writer-locks', name));
  }

  /** Any file, with the folders above it. */
  async file(path: string, content: string | Buffer = ''): Promise<string> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return path;
  }
}

function rolloutName(threadId: string, segmentId: string | undefined): string {
  const segment = segmentId === undefined ? '' : `_${segmentId}`;
  return `rollout-2026-03-04T05-06-07-${threadId}${segment}.jsonl`;
}
