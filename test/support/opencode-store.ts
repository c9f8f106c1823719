import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';

/** Of opencode's schema 1.18, the tables and columns that hold sessions, and one that holds a token. */
const schema = `
  CREATE TABLE session (id text PRIMARY KEY, project_id text, parent_id text, slug text, directory text, path text,
    title text, version text, share_url text, revert text, agent text, model text, cost real DEFAULT 0,
    time_created integer, time_updated integer, time_compacting integer, time_archived integer);
  CREATE TABLE message (id text PRIMARY KEY, session_id text, time_created integer, time_updated integer, data text);
  CREATE TABLE part (id text PRIMARY KEY, message_id text, session_id text, time_created integer,
    time_updated integer, data text);
  CREATE TABLE event_sequence (aggregate_id text PRIMARY KEY, seq integer);
  CREATE TABLE account (id text PRIMARY KEY, access_token text);
`;

/** One `opencode.db`, written as opencode does: rows are put in place again whenever they change. */
export class OpenCodeStore {
  readonly #database: DatabaseSyncInstance;
  #time = 1_795_300_000_000;

  private constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; ${schema}`);
  }

  static async at(path: string): Promise<OpenCodeStore> {
    await mkdir(dirname(path), { recursive: true });
    return new OpenCodeStore(path);
  }

  session(id: string, columns: Readonly<Record<string, string>> = {}): this {
    const now = this.#now();
    const all = { id, directory: '/w', title: 'New session', ...columns };
    return this.#put('session', { ...all, time_created: now, time_updated: now });
  }

  update(id: string, column: string, value: string | null): this {
    this.run(
      `UPDATE session SET ${column} = ${value === null ? 'NULL' : literal(value)}, time_updated = ${this.#now()}
       WHERE id = ${literal(id)}`,
    );
    return this.#commit(id);
  }

  message(session: string, id: string, data: object): this {
    const now = this.#now();
    const row = { id, session_id: session, time_created: now, time_updated: now };
    return this.#put('message', { ...row, data: JSON.stringify(data) }).#commit(session);
  }

  part(session: string, message: string, id: string, data: object): this {
    const now = this.#now();
    const row = { id, message_id: message, session_id: session, time_created: now };
    return this.#put('part', { ...row, time_updated: now, data: JSON.stringify(data) }).#commit(
      session,
    );
  }

  /** A prompt, and what was answered. */
  turn(session: string, n: number, prompt: string, answer: string): this {
    const key = String(n).padStart(4, '0');
    return this.message(session, `msg_${key}a`, { role: 'user' })
      .part(session, `msg_${key}a`, `prt_${key}a`, { type: 'text', text: prompt })
      .message(session, `msg_${key}b`, { role: 'assistant', modelID: 'm' })
      .part(session, `msg_${key}b`, `prt_${key}b`, { type: 'text', text: answer });
  }

  /** What the next prompt does after a revert. */
  removeTurn(n: number): this {
    const key = String(n).padStart(4, '0');
    return this.run(
      `DELETE FROM part WHERE id LIKE 'prt_${key}%'; DELETE FROM message WHERE id LIKE 'msg_${key}%'`,
    );
  }

  run(sql: string): this {
    this.#database.exec(sql);
    return this;
  }

  close(): void {
    this.#database.close();
  }

  #commit(session: string): this {
    return this.run(
      `INSERT INTO event_sequence VALUES (${literal(session)}, 0)
       ON CONFLICT (aggregate_id) DO UPDATE SET seq = seq + 1`,
    );
  }

  #put(table: string, row: Readonly<Record<string, string | number>>): this {
    const names = Object.keys(row).join(', ');
    const values = Object.values(row).map((one) => (typeof one === 'number' ? one : literal(one)));
    return this.run(`INSERT OR REPLACE INTO ${table} (${names}) VALUES (${values.join(', ')})`);
  }

  #now(): number {
    this.#time += 1_000;
    return this.#time;
  }
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
