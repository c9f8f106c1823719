import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Session files of Claude Code in a home folder, each with one line. */
export async function createSessions(home, count) {
  const folder = join(home, '.claude', 'projects', '-work');
  await mkdir(folder, { recursive: true });
  const sessions = Array.from({ length: count }, (_, n) => {
    const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    return { id, file: join(folder, `${id}.jsonl`) };
  });
  for (const { id, file } of sessions) await writeFile(file, rowOf(id, 'begin'));
  return sessions;
}

export function rowOf(sessionId, text) {
  const message = { role: 'user', content: text };
  const timestamp = new Date().toISOString();
  return `${JSON.stringify({ type: 'user', sessionId, cwd: '/work', timestamp, message })}\n`;
}

/** Resolves once the watch has sent what was there and nothing has gone by for a while. */
export async function whenQuiet(proxy, quietMs = 3_000) {
  for (;;) {
    const before = proxy.state.seen.length;
    await new Promise((resolve) => setTimeout(resolve, quietMs));
    if (before > 0 && proxy.state.seen.length === before) return;
  }
}

export async function ended(child) {
  const end = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGINT');
  await end;
}
