import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OpenCodeStore } from '../support/opencode-store.js';
import { appendTorn, chance, count, filler, hasToStop, restAWhile } from './writing.js';

/** As the newer harnesses write. All resolve once they were told to stop. */
export function newerWriters(home: string): readonly Promise<void>[] {
  return [pi(home), qwenCode(home), copilot(home), kimiCode(home), geminiCli(home), openCode(home)];
}

const line = (row: object): string => `${JSON.stringify(row)}\n`;

/** As a rename does: nobody sees half of it. */
async function replace(path: string, content: string): Promise<void> {
  await writeFile(`${path}.tmp`, content);
  await rename(`${path}.tmp`, path);
}

async function begin(path: string, header = ''): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, header);
}

/** Appends to a tree of entries. */
async function pi(home: string): Promise<void> {
  const id = '00000000-0000-4000-8000-0000000000a1';
  const name = `2026-01-01T00-00-00-000Z_${id}.jsonl`;
  const path = join(home, '.pi', 'agent', 'sessions', '--soak--', name);
  await begin(path, line({ type: 'session', version: 3, id, cwd: '/soak' }));
  while (!hasToStop()) {
    const n = count('pi lines');
    const message = { role: 'user', content: filler() };
    await appendTorn(path, line({ type: 'message', id: `${n}`, parentId: `${n - 1}`, message }));
  }
}

async function qwenCode(home: string): Promise<void> {
  const id = '00000000-0000-4000-8000-0000000000a2';
  const path = join(home, '.qwen', 'projects', '-soak', 'chats', `${id}.jsonl`);
  await begin(path);
  while (!hasToStop()) {
    const uuid = `u${count('qwen-code lines')}`;
    const message = { role: 'user', parts: [{ text: filler() }] };
    await appendTorn(path, line({ uuid, sessionId: id, type: 'user', cwd: '/soak', message }));
  }
}

/** Appends; a rewind replaces the file, and the name of the session changes now and then. */
async function copilot(home: string): Promise<void> {
  const id = '00000000-0000-4000-8000-0000000000a3';
  const folder = join(home, '.copilot', 'session-state', id);
  const path = join(folder, 'events.jsonl');
  await begin(path, line({ type: 'session.start', id: 'e0', data: { sessionId: id } }));
  await replace(join(folder, 'workspace.yaml'), `id: ${id}\n`);
  while (!hasToStop()) {
    const n = count('copilot lines');
    const data = { content: `${n} ${filler()}` };
    await appendTorn(path, line({ type: 'user.message', id: `e${n}`, data }));
    if (chance(0.01)) {
      const lines = (await readFile(path, 'utf8')).split('\n');
      const kept = lines.slice(0, 1 + Math.floor(Math.random() * (lines.length - 1)));
      await replace(path, `${kept.join('\n')}\n`);
      count('copilot rewinds');
    }
    if (chance(0.05)) {
      await replace(join(folder, 'workspace.yaml'), `id: ${id}\nname: soak ${n}\n`);
      count('copilot names');
    }
  }
}

/** Appends to a wire, next to a state that is put in place anew after each turn. */
async function kimiCode(home: string): Promise<void> {
  const id = 'session_00000000-0000-4000-8000-0000000000a4';
  const folder = join(home, '.kimi-code', 'sessions', 'wd_soak_000000000000', id);
  const path = join(folder, 'agents', 'main', 'wire.jsonl');
  await begin(path, line({ type: 'metadata', protocol_version: '1.5' }));
  while (!hasToStop()) {
    const n = count('kimi-code lines');
    await appendTorn(
      path,
      line({ type: 'turn.prompt', input: [{ type: 'text', text: filler() }] }),
    );
    const state = { id, cwd: '/soak', updatedAt: n };
    if (n % 5 === 0) await replace(join(folder, 'state.json'), JSON.stringify(state));
  }
}

/** Records messages, again when they change, and now and then the whole history. */
async function geminiCli(home: string): Promise<void> {
  const sessionId = '00000000-0000-4000-8000-0000000000a5';
  const name = 'session-2026-01-01T00-00-00000000.jsonl';
  const path = join(home, '.gemini', 'tmp', 'soak', 'chats', name);
  await begin(path, line({ sessionId, startTime: '2026-01-01T00:00:00.000Z', kind: 'main' }));
  const history: object[] = [];
  while (!hasToStop()) {
    const id = `m${count('gemini-cli messages')}`;
    const message = { id, type: 'gemini', content: filler() };
    history.push({ ...message, content: '' });
    await appendTorn(path, line(message));
    if (chance(0.5)) await appendTorn(path, line({ ...message, tokens: { input: 1 } }));
    if (chance(0.02)) {
      await appendTorn(path, line({ $set: { messages: history.slice(-50) } }));
      count('gemini-cli $set');
    }
    if (chance(0.01)) await appendTorn(path, line({ $rewindTo: id }));
  }
}

/** Rows that are filled later; a revert, and with the next prompt the rows that it took back are deleted. */
async function openCode(home: string): Promise<void> {
  const path = join(home, '.local', 'share', 'opencode', 'opencode.db');
  const store = await OpenCodeStore.at(path);
  // A reader holds a shared lock for a moment; opencode waits for it, and so does this.
  store.run('PRAGMA busy_timeout = 10000');
  const id = 'ses_00000000000000000000000001';
  store.session(id);
  while (!hasToStop()) {
    const n = String(count('opencode messages')).padStart(12, '0');
    const [message, part] = [`msg_${n}`, `prt_${n}`];
    store.message(id, message, { role: 'assistant' });
    store.part(id, message, part, { type: 'text', text: '' });
    await restAWhile();
    store.part(id, message, part, { type: 'text', text: filler() });
    if (!chance(0.05)) continue;
    const from = `msg_${String(Math.max(1, Number(n) - 3)).padStart(12, '0')}`;
    store.update(id, 'revert', JSON.stringify({ messageID: from }));
    await restAWhile();
    store.run(`DELETE FROM part WHERE message_id >= '${from}'`);
    store.run(`DELETE FROM message WHERE id >= '${from}'`);
    store.update(id, 'revert', null);
    count('opencode reverts');
  }
  store.close();
}
