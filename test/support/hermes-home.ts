import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { createTemporaryFolder } from './temporary-folder.js';

/** Of Hermes' schema v30, the tables and columns that hold sessions. */
export const schema = `
  CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, source TEXT NOT NULL, model TEXT, model_config TEXT,
    origin_json TEXT, system_prompt TEXT, parent_session_id TEXT, started_at REAL NOT NULL, ended_at REAL,
    end_reason TEXT, message_count INTEGER DEFAULT 0, cwd TEXT, git_branch TEXT, title TEXT,
    title_source TEXT, last_activity_at REAL, rewind_count INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL REFERENCES sessions(id), role TEXT NOT NULL, content TEXT, tool_calls TEXT,
    tool_name TEXT, timestamp REAL NOT NULL, token_count INTEGER, reasoning TEXT,
    _compressed_summary INTEGER NOT NULL DEFAULT 0, active INTEGER NOT NULL DEFAULT 1,
    compacted INTEGER NOT NULL DEFAULT 0, api_content TEXT, display_kind TEXT, display_metadata TEXT,
    display_identity BLOB, display_order INTEGER);
  CREATE TABLE IF NOT EXISTS session_turn_leases (conversation_id TEXT PRIMARY KEY, holder TEXT NOT NULL,
    acquired_at REAL NOT NULL, expires_at REAL NOT NULL);
  CREATE INDEX IF NOT EXISTS idx_messages_session_id ON messages(session_id, id);
  CREATE INDEX IF NOT EXISTS idx_messages_session_active ON messages(session_id, active, timestamp);
  CREATE TRIGGER IF NOT EXISTS messages_display_order_insert AFTER INSERT ON messages WHEN new.display_order IS NULL
  BEGIN UPDATE messages SET display_order = new.id WHERE id = new.id; END;
`;

export interface SessionColumns {
  readonly source?: string;
  readonly model?: string;
  readonly model_config?: string;
  readonly parent_session_id?: string;
  readonly started_at?: number;
  readonly ended_at?: number | null;
  readonly cwd?: string;
  readonly git_branch?: string;
  readonly title?: string | null;
  readonly last_activity_at?: number;
}

const startedAt = 1_795_300_000.25;

/** One `state.db`, written as Hermes does. */
export class HermesStore {
  readonly path: string;
  readonly #database: DatabaseSyncInstance;

  constructor(path: string, journal: 'WAL' | 'DELETE' = 'WAL') {
    this.path = path;
    this.#database = new DatabaseSync(path);
    this.#database.exec(`PRAGMA journal_mode=${journal}; PRAGMA synchronous=OFF; ${schema}`);
  }

  session(id: string, columns: SessionColumns = {}): this {
    const all = { id, source: 'cli', started_at: startedAt, ...columns };
    const names = Object.keys(all).join(', ');
    return this.run(`INSERT INTO sessions (${names}) VALUES (${Object.values(all).map(literal)})`);
  }

  update(id: string, columns: SessionColumns): this {
    const sets = Object.entries(columns).map(([name, value]) => `${name} = ${literal(value)}`);
    return this.run(`UPDATE sessions SET ${sets.join(', ')} WHERE id = ${literal(id)}`);
  }

  say(sessionId: string, role: string, content: string | null): this {
    return this.run(`INSERT INTO messages (session_id, role, content, timestamp, display_identity)
      VALUES (${[sessionId, role, content, startedAt].map(literal)}, x'0102')`);
  }

  run(sql: string): this {
    this.#database.exec(sql);
    return this;
  }

  /** What the table holds, in the form that lines have. */
  rows(sessionId: string): readonly Record<string, unknown>[] {
    return tableRows(this.#database, sessionId);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** Text goes as bytes: the library would end it at a NUL. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'string') {
    return `CAST(x'${Buffer.from(value).toString('hex')}' AS TEXT)`;
  }
  return String(value);
}

/** A home folder with Hermes' files in it. */
export class HermesHome {
  readonly home: string;
  readonly #remove: () => Promise<void>;
  readonly #stores: HermesStore[] = [];

  private constructor(home: string, remove: () => Promise<void>) {
    this.home = home;
    this.#remove = remove;
  }

  static async create(): Promise<HermesHome> {
    const { path, remove } = await createTemporaryFolder();
    return new HermesHome(path, remove);
  }

  get root(): string {
    return join(this.home, '.hermes');
  }

  folder(profile = ''): string {
    return profile === '' ? this.root : join(this.root, 'profiles', profile);
  }

  async store(profile = '', journal: 'WAL' | 'DELETE' = 'WAL'): Promise<HermesStore> {
    await mkdir(this.folder(profile), { recursive: true });
    const store = new HermesStore(join(this.folder(profile), 'state.db'), journal);
    this.#stores.push(store);
    return store;
  }

  async file(path: string, content = ''): Promise<string> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return path;
  }

  async remove(): Promise<void> {
    for (const store of this.#stores) store.close();
    await this.#remove();
  }
}

/** The table that lines fold to: the last state of each row that was not deleted, in the order of ids. */
export function foldLines(lines: readonly Buffer[]): readonly Record<string, unknown>[] {
  const rows = new Map<number, Record<string, unknown>>();
  for (const line of lines) {
    const { op, table, ...row }: Record<string, unknown> = JSON.parse(line.toString('utf8'));
    if (table !== undefined) continue;
    const id = Number(row.id);
    const isKnown = rows.has(id);
    if (isKnown === (op === 'insert')) throw new Error(`${op} of ${id}`);
    if (op === 'delete') rows.delete(id);
    else rows.set(id, row);
  }
  return [...rows.keys()].sort((left, right) => left - right).map((id) => rows.get(id) ?? {});
}

/** The messages of a session as another program reads them, in the form that lines have. */
export function tableRows(
  database: DatabaseSyncInstance,
  sessionId: string,
): readonly Record<string, unknown>[] {
  const statement = database.prepare(
    'SELECT *, CAST(content AS BLOB) AS content FROM messages WHERE session_id = ? ORDER BY id',
  );
  return statement.all(sessionId).map((row: Record<string, unknown>) => {
    const { display_identity: _digest, content, ...others } = row;
    const present = Object.entries(others).filter(([, value]) => value !== null);
    const said = content instanceof Uint8Array ? [['content', contentOf(content)]] : [];
    return Object.fromEntries([...present, ...said]);
  });
}

function contentOf(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString('utf8');
  return text.startsWith('\0json:') ? JSON.parse(text.slice(6)) : text;
}
