import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';

const day = '2026-01-02T03:04:05.678Z';
const rowsEach = 20;

/** What writes a session with some rows as each harness keeps it, below a home folder. */
export async function sessionWriters(home) {
  const files = fileLayouts.map(({ path, rows }) => ({
    write: (id, n, atMs) => writeLines(join(home, path(id, n % 100)), rows(id), atMs),
  }));
  return [...files, await openCode(home), await hermes(home), await openClaw(home)];
}

const fileLayouts = [
  {
    path: (id, n) => join('.claude', 'projects', `-work-${n}`, `${id}.jsonl`),
    rows: (sessionId) => repeated({ type: 'user', sessionId, cwd: '/work', timestamp: day }),
  },
  {
    path: (id, n) => {
      const folder = join(
        '.codex',
        'sessions',
        '2026',
        '01',
        String((n % 28) + 1).padStart(2, '0'),
      );
      return join(folder, `rollout-2026-01-02T03-04-05-${id}.jsonl`);
    },
    rows: (id) => [
      { timestamp: day, type: 'session_meta', payload: { id, cwd: '/work', timestamp: day } },
      ...repeated({
        timestamp: day,
        type: 'event_msg',
        payload: { type: 'user_message', message: 'x' },
      }),
    ],
  },
  {
    path: (id, n) =>
      join('.pi', 'agent', 'sessions', `--work-${n}--`, `2026-01-02T03-04-05-678Z_${id}.jsonl`),
    rows: (id) => [
      { type: 'session', version: 3, id, timestamp: day, cwd: '/work' },
      ...repeated({ type: 'message', id: '0a0a0a0a', message: { role: 'user', content: 'x' } }),
    ],
  },
  {
    path: (id, n) => join('.qwen', 'projects', `-work-${n}`, 'chats', `${id}.jsonl`),
    rows: (sessionId) =>
      repeated({ uuid: 'u', sessionId, type: 'user', cwd: '/work', timestamp: day }),
  },
  {
    path: (id) => join('.copilot', 'session-state', id, 'events.jsonl'),
    rows: (id) =>
      repeated({ type: 'user.message', id: 'e', data: { content: id }, timestamp: day }),
  },
  {
    path: (id, n) => {
      const folder = join('.kimi-code', 'sessions', `wd_work_${String(n).padStart(12, '0')}`);
      return join(folder, `session_${id}`, 'agents', 'main', 'wire.jsonl');
    },
    rows: () => repeated({ type: 'turn.prompt', input: [{ type: 'text', text: 'x' }] }),
  },
  {
    path: (id, n) =>
      join(
        '.gemini',
        'tmp',
        `work-${n}`,
        'chats',
        `session-2026-01-02T03-04-${id.slice(-12)}.jsonl`,
      ),
    rows: (sessionId) => [
      { sessionId, startTime: day, kind: 'main' },
      ...repeated({ id: 'm', type: 'user', content: 'x', timestamp: day }),
    ],
  },
];

/** Folders get the time of what was last created in them, as if it had been written then. */
export async function dateFolders(folder) {
  const times = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    times.push(entry.isDirectory() ? await dateFolders(path) : (await stat(path)).mtimeMs);
  }
  const newest = times.length === 0 ? Date.now() : Math.max(...times);
  await utimes(folder, new Date(newest), new Date(newest));
  return newest;
}

function repeated(row) {
  return Array.from({ length: rowsEach }, () => row);
}

async function writeLines(path, rows, atMs) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await utimes(path, new Date(atMs), new Date(atMs));
}

async function databaseAt(path, schema) {
  await mkdir(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${schema}`);
  return database;
}

async function openCode(home) {
  const database = await databaseAt(
    join(home, '.local', 'share', 'opencode', 'opencode.db'),
    `CREATE TABLE session (id TEXT PRIMARY KEY, directory TEXT, title TEXT, time_created INTEGER, time_updated INTEGER);
     CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
     CREATE TABLE part (id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER,
       time_updated INTEGER, data TEXT);
     CREATE INDEX of_message ON message (session_id, time_created, id); CREATE INDEX of_part ON part (session_id);
     CREATE INDEX of_part_message ON part (message_id, id);
     CREATE TABLE event_sequence (aggregate_id TEXT PRIMARY KEY, seq INTEGER);`,
  );
  const session = database.prepare("INSERT INTO session VALUES (?, '/work', 'x', ?, ?)");
  const message = database.prepare(`INSERT INTO message VALUES (?, ?, ?, ?, '{"role":"user"}')`);
  return {
    write: (_id, n, atMs) => {
      const own = `ses_${String(n).padStart(26, '0')}`;
      session.run(own, atMs, atMs);
      for (let row = 0; row < rowsEach; row += 1) {
        message.run(`msg_${String(n).padStart(20, '0')}${row}`, own, atMs, atMs);
      }
    },
    close: () => database.close(),
  };
}

/** Its two tables, with the indices that Hermes gives them. */
export function hermesDatabase(home) {
  return databaseAt(
    join(home, '.hermes', 'state.db'),
    `CREATE TABLE sessions (id TEXT PRIMARY KEY, source TEXT, started_at REAL, ended_at REAL, title TEXT);
     CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT, role TEXT, content TEXT,
       timestamp REAL, active INTEGER DEFAULT 1);
     CREATE INDEX of_session ON messages (session_id, timestamp);
     CREATE INDEX by_id ON messages (session_id, id); CREATE INDEX in_use ON messages (session_id, active, timestamp);`,
  );
}

async function hermes(home) {
  const database = await hermesDatabase(home);
  const session = database.prepare("INSERT INTO sessions VALUES (?, 'cli', ?, ?, 'x')");
  const message = database.prepare(
    "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?, 'user', 'x', ?)",
  );
  return {
    write: (id, _n, atMs) => {
      const own = `20260102_030405_${id.slice(-6)}`;
      session.run(own, atMs / 1000, atMs / 1000);
      for (let row = 0; row < rowsEach; row += 1) message.run(own, atMs / 1000);
    },
    close: () => database.close(),
  };
}

/** In files, as its releases before the database kept them. */
async function openClaw(home) {
  const folder = join(home, '.openclaw', 'agents', 'main', 'sessions');
  const index = {};
  return {
    write: async (id, _n, atMs) => {
      index[`agent:main:${id}`] = { sessionId: id, updatedAt: atMs };
      const head = { type: 'session', version: 3, id, timestamp: day, cwd: '/work' };
      const row = {
        type: 'message',
        id: 'u',
        timestamp: day,
        message: { role: 'user', content: 'x' },
      };
      await writeLines(join(folder, `${id}.jsonl`), [head, ...repeated(row)], atMs);
    },
  };
}
