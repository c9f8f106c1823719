import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { decompress } from 'fzstd';
import { packed } from './zstd-frames.js';

/** An event of a transcript; anything may be in it. */
export type Event = Readonly<Record<string, unknown>>;

export function headerEvent(sessionId: string, more: Event = {}): Event {
  const timestamp = '2026-11-22T06:15:56.686Z';
  return { type: 'session', version: 3, id: sessionId, timestamp, cwd: '/home/u/proj', ...more };
}

export function userEvent(text: string): Event {
  return inTree('message', { message: { role: 'user', content: text } });
}

export function assistantEvent(text: string, model = 'mock-model'): Event {
  const content = [{ type: 'text', text }];
  return inTree('message', {
    message: { role: 'assistant', content, api: 'a', provider: 'mock', model },
  });
}

let events = 0;

function inTree(type: string, more: Event): Event {
  events += 1;
  const id = `e${events}`;
  return { type, id, parentId: null, timestamp: '2026-11-22T06:16:00.000Z', ...more };
}

export function lineOf(event: Event): string {
  return `${JSON.stringify(event)}\n`;
}

/** Of OpenClaw's schema 23, the tables and columns that hold transcripts or say something of them. */
export const schema = `
  CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, current_session_id TEXT NOT NULL,
    entry_json TEXT NOT NULL, updated_at INTEGER NOT NULL, status TEXT, label TEXT, display_name TEXT);
  CREATE TABLE session_windows (session_id TEXT PRIMARY KEY, session_key TEXT NOT NULL,
    updated_at INTEGER NOT NULL, model TEXT, display_name TEXT);
  CREATE TABLE transcript_events (session_id TEXT NOT NULL, seq INTEGER NOT NULL, event_json TEXT,
    created_at INTEGER NOT NULL, event_zstd BLOB, event_utf8_bytes INTEGER, navigation_json TEXT,
    PRIMARY KEY (session_id, seq));
  CREATE TABLE transcript_rewrite_watermarks (session_id TEXT PRIMARY KEY, generation TEXT NOT NULL,
    updated_at INTEGER NOT NULL);
  CREATE TABLE session_transcript_archives (session_id TEXT NOT NULL, generation TEXT NOT NULL,
    session_key TEXT NOT NULL, reason TEXT NOT NULL, encoding TEXT NOT NULL, archive_blob BLOB NOT NULL,
    archive_sha256 TEXT NOT NULL, archive_name TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
    published_at INTEGER, PRIMARY KEY (session_id, generation));
  CREATE TABLE session_transcript_cold_archives (session_id TEXT PRIMARY KEY, generation TEXT NOT NULL,
    archive_name TEXT NOT NULL UNIQUE, event_count INTEGER NOT NULL, raw_bytes INTEGER NOT NULL,
    last_seq INTEGER NOT NULL, archived_at INTEGER NOT NULL, storage TEXT NOT NULL, archive_blob BLOB);
  CREATE TABLE auth_profile_store (id TEXT PRIMARY KEY, secret TEXT);
`;

/** As the first releases with a database had it: no packed rows, no watermarks, nothing else. */
export const firstSchema = `
  CREATE TABLE transcript_events (session_id TEXT NOT NULL, seq INTEGER NOT NULL,
    event_json TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (session_id, seq));
`;

/** What a running OpenClaw does to an agent's database. */
export class AgentDatabase {
  readonly path: string;
  readonly #agentFolder: string;
  readonly #database: DatabaseSyncInstance;
  readonly #isFirst: boolean;

  constructor(agentFolder: string, ddl: string) {
    this.#agentFolder = agentFolder;
    this.path = join(agentFolder, 'agent', 'openclaw-agent.sqlite');
    this.#database = new DatabaseSync(this.path);
    this.#isFirst = ddl === firstSchema;
    this.#database.exec(`PRAGMA journal_mode = WAL; ${ddl}`);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  run(sql: string, ...values: readonly (string | number | null | Uint8Array)[]): void {
    this.#database.prepare(sql).run(...values);
  }

  /** Adds events at the end, in one transaction. */
  append(sessionId: string, ...added: readonly Event[]): void {
    this.#within(() => {
      if (!this.#isFirst) this.#ensureWindow(sessionId);
      for (const event of added) this.#insert(sessionId, JSON.stringify(event), Date.now());
    });
  }

  /** As releases with schema 23 store a long event. */
  appendPacked(sessionId: string, event: Event, compress: (text: string) => Buffer = packed): void {
    const text = JSON.stringify(event);
    this.#within(() => {
      this.#ensureWindow(sessionId);
      this.run(
        `INSERT INTO transcript_events (session_id, seq, created_at, event_zstd, event_utf8_bytes,
         navigation_json) VALUES (?, ?, ?, ?, ?, '{}')`,
        sessionId,
        this.#nextSeq(sessionId),
        Date.now(),
        compress(text),
        Buffer.byteLength(text),
      );
    });
  }

  /** `sessions.compact`, a repaired tail: other events, numbered anew, under another generation. */
  rewrite(sessionId: string, ...kept: readonly Event[]): void {
    this.#within(() => {
      this.run('DELETE FROM transcript_events WHERE session_id = ?', sessionId);
      this.#rotate(sessionId);
      for (const event of kept) this.#insert(sessionId, JSON.stringify(event), Date.now());
    });
  }

  label(sessionId: string, label: string): void {
    this.run('UPDATE session_nodes SET label = ? WHERE current_session_id = ?', label, sessionId);
  }

  status(sessionId: string, status: string, updatedAtMs: number): void {
    this.run(
      'UPDATE session_nodes SET status = ?, updated_at = ? WHERE current_session_id = ?',
      status,
      updatedAtMs,
      sessionId,
    );
  }

  /** Deletes a session; its transcript stays in the database until it is published. Returns the name of the file to be. */
  delete(sessionId: string, reason = 'deleted'): string {
    const content = this.#content(sessionId);
    const generation = this.#generation(sessionId);
    const time = new Date().toISOString().replaceAll(':', '-');
    const name = `${sessionId}.jsonl.${reason}.${time}.${generation}.zst`;
    this.#within(() => {
      this.#forget(sessionId);
      this.run(
        'INSERT INTO session_transcript_archives VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)',
        ...[sessionId, generation, 'key', reason, 'zstd', packed(content)],
        createHash('sha256').update(content).digest('hex'),
        name,
        Date.now(),
      );
    });
    return name;
  }

  /** Writes what was deleted to its file, as OpenClaw does a few seconds later. */
  async publish(name: string): Promise<void> {
    const [row] = this.#database
      .prepare(
        'SELECT archive_blob AS bytes FROM session_transcript_archives WHERE archive_name = ?',
      )
      .all(name);
    await this.#write(['sessions', name], Buffer.from(row.bytes));
    this.markPublished(name);
  }

  markPublished(name: string): void {
    const sql = 'UPDATE session_transcript_archives SET published_at = 1 WHERE archive_name = ?';
    this.run(sql, name);
  }

  /** Lays a transcript aside: out of the rows, into one piece. */
  async layAside(sessionId: string, storage: 'file' | 'sqlite'): Promise<void> {
    const content = this.#content(sessionId);
    const name = `${sessionId}.jsonl.zst`;
    if (storage === 'file') await this.#write(['sessions', 'cold', name], packed(content));
    this.#within(() => {
      this.run(
        'INSERT INTO session_transcript_cold_archives VALUES (?, ?, ?, 1, ?, 1, ?, ?, ?)',
        ...[sessionId, this.#generation(sessionId), name, content.length, Date.now(), storage],
        storage === 'file' ? null : packed(content),
      );
      this.run('DELETE FROM transcript_events WHERE session_id = ?', sessionId);
    });
  }

  /**
   * `openclaw doctor --fix`: every line that is not blank is parsed and written as a row, unless it is one that is there,
   * and the file is moved out of the way.
   */
  async importFile(path: string): Promise<void> {
    const sessionId = basename(path).replace(/(-topic-.*)?\.jsonl$/, '');
    await this.importRows(path);
    const archive = `agent_main_main.${sessionId}.jsonl.imported-${Date.now()}`;
    const target = join(this.#agentFolder, 'session-sqlite-import-archive', archive);
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
  }

  /** The first half of it: the file is still where it was. */
  async importRows(path: string): Promise<void> {
    const sessionId = basename(path).replace(/(-topic-.*)?\.jsonl$/, '');
    const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
    this.#within(() => {
      this.#ensureWindow(sessionId);
      const seen = new Set(this.#texts(sessionId));
      for (const line of lines) {
        const text = JSON.stringify(JSON.parse(line));
        if (!seen.has(text)) this.#insert(sessionId, text, 1_795_000_000_000);
        seen.add(text);
      }
    });
  }

  async #write(below: readonly string[], content: Buffer): Promise<void> {
    const path = join(this.#agentFolder, ...below);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }

  #ensureWindow(sessionId: string): void {
    const now = Date.now();
    const key = `agent:main:${sessionId}`;
    this.run(
      `INSERT OR IGNORE INTO session_nodes VALUES (?, ?, '{}', ?, 'done', NULL, NULL)`,
      key,
      sessionId,
      now,
    );
    this.run(
      `INSERT OR IGNORE INTO session_windows VALUES (?, ?, ?, NULL, NULL)`,
      sessionId,
      key,
      now,
    );
    const generation = randomUUID().replaceAll('-', '');
    this.run(
      'INSERT OR IGNORE INTO transcript_rewrite_watermarks VALUES (?, ?, ?)',
      sessionId,
      generation,
      now,
    );
  }

  #rotate(sessionId: string): void {
    this.run(
      'UPDATE transcript_rewrite_watermarks SET generation = ?, updated_at = ? WHERE session_id = ?',
      randomUUID().replaceAll('-', ''),
      Date.now(),
      sessionId,
    );
  }

  #forget(sessionId: string): void {
    const tables = ['transcript_events', 'transcript_rewrite_watermarks', 'session_windows'];
    for (const table of tables) this.run(`DELETE FROM ${table} WHERE session_id = ?`, sessionId);
    this.run('DELETE FROM session_nodes WHERE current_session_id = ?', sessionId);
  }

  #insert(sessionId: string, text: string, createdAtMs: number): void {
    this.run(
      'INSERT INTO transcript_events (session_id, seq, event_json, created_at) VALUES (?, ?, ?, ?)',
      sessionId,
      this.#nextSeq(sessionId),
      text,
      createdAtMs,
    );
  }

  #nextSeq(sessionId: string): number {
    const sql = 'SELECT max(seq) AS last FROM transcript_events WHERE session_id = ?';
    const [row] = this.#database.prepare(sql).all(sessionId);
    return row.last === null ? 0 : Number(row.last) + 1;
  }

  #texts(sessionId: string): readonly string[] {
    const sql = `SELECT event_json AS plain, event_zstd AS packed FROM transcript_events
      WHERE session_id = ? ORDER BY seq`;
    const rows: { readonly plain: string | null; readonly packed: Uint8Array | null }[] =
      this.#database.prepare(sql).all(sessionId);
    return rows.map((row) =>
      row.packed === null ? String(row.plain) : Buffer.from(decompress(row.packed)).toString(),
    );
  }

  #content(sessionId: string): string {
    return this.#texts(sessionId)
      .map((text) => `${text}\n`)
      .join('');
  }

  #generation(sessionId: string): string {
    const sql = 'SELECT generation FROM transcript_rewrite_watermarks WHERE session_id = ?';
    const [row] = this.#database.prepare(sql).all(sessionId);
    return String(row.generation);
  }

  #within(step: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    step();
    this.#database.exec('COMMIT');
  }
}
