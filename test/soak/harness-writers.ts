import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CodexTree, metaRow, outputRow } from '../support/codex-tree.js';
import { HermesStore } from '../support/hermes-home.js';
import { assistantEvent, headerEvent, userEvent } from '../support/openclaw-database.js';
import { OpenClawState } from '../support/openclaw-state.js';
import { newerWriters } from './newer-writers.js';
import { appendTorn, chance, count, counted, filler, hasToStop, restAWhile } from './writing.js';

/** A second process that writes as all harnesses do, each in its own way, in the home folder it is given, until told to stop. */
const [home = ''] = process.argv.slice(2);

async function claudeCode(id: string): Promise<void> {
  const folder = join(home, '.claude', 'projects', '-soak');
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${id}.jsonl`);
  while (!hasToStop()) {
    const n = count('claude-code lines');
    const line = `${JSON.stringify({ n, type: 'user', cwd: '/soak', sessionId: id, filler: filler() })}\n`;
    await appendTorn(path, line);
  }
}

/** Appends; now and then the file is packed and comes back, or is migrated: other bytes, the same time. */
async function codex(id: string): Promise<void> {
  const tree = CodexTree.at(home);
  const rollout = tree.rollout(id);
  await rollout.append(metaRow(id, { cwd: '/soak' }));
  while (!hasToStop()) {
    await rollout.append(outputRow(`${count('codex lines')} ${filler()}`));
    await restAWhile();
    if (chance(0.005)) {
      const content = await readFile(rollout.path);
      await rollout.pack(content);
      await pause(400);
      await rollout.unpack(content);
      count('codex packed and unpacked');
    }
    if (chance(0.003)) {
      const content = await readFile(rollout.path, 'utf8');
      const keep = content.split('\n').filter((line) => line !== '');
      const cut = Math.max(1, Math.floor(keep.length * Math.random()));
      const migrated = keep.map((line, n) => (n < cut ? line : line.replace('xx', 'yy')));
      await rollout.replace(`${migrated.join('\n')}\n`);
      count('codex migrations');
    }
  }
}

/** Inserts, compaction flips, rewinds, replacements. */
async function hermes(path: string, journal: 'WAL' | 'DELETE'): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const store = new HermesStore(path, journal);
  // A reader holds a shared lock for a moment; Hermes waits for it, and so does this.
  store.run('PRAGMA busy_timeout = 10000');
  const id = journal === 'WAL' ? '20260101_000000_aaaaaa' : '20260101_000000_bbbbbb';
  store.session(id, { cwd: '/soak' });
  while (!hasToStop()) {
    const n = count(`hermes ${journal} rows`);
    store.say(id, n % 2 === 0 ? 'user' : 'assistant', `${n} ${filler()}`);
    if (chance(0.02)) {
      store.run(`UPDATE messages SET active = 0, compacted = 1 WHERE session_id = '${id}' AND id <
        (SELECT max(id) - 5 FROM messages) AND active = 1`);
      count(`hermes ${journal} compactions`);
    }
    if (chance(0.02)) {
      store.run(`DELETE FROM messages WHERE id > (SELECT max(id) - 3 FROM messages)`);
      count(`hermes ${journal} rewinds`);
    }
    if (chance(0.02)) {
      store.run(
        `UPDATE messages SET content = content || ' again' WHERE id = (SELECT max(id) FROM messages)`,
      );
      count(`hermes ${journal} replacements`);
    }
    await restAWhile();
  }
  store.close();
}

/** Appends, packed rows, and rewriting under another generation. */
async function openClaw(id: string): Promise<void> {
  const state = OpenClawState.in(home);
  const database = await state.agent().database();
  database.run('PRAGMA busy_timeout = 10000');
  const header = headerEvent(id);
  database.append(id, header);
  let kept = [header];
  while (!hasToStop()) {
    const n = count('openclaw rows');
    const event = n % 2 === 0 ? userEvent(`${n} ${filler()}`) : assistantEvent(`${n} ${filler()}`);
    if (chance(0.2)) database.appendPacked(id, event);
    else database.append(id, event);
    kept.push(event);
    if (chance(0.004)) {
      kept = [header, ...kept.slice(-10)];
      database.rewrite(id, ...kept);
      count('openclaw rotations');
    }
    await restAWhile();
  }
  database.close();
}

await Promise.all([
  claudeCode('00000000-0000-4000-8000-000000000001'),
  codex('01a00000-0000-7000-8000-000000000001'),
  hermes(join(home, '.hermes', 'state.db'), 'WAL'),
  hermes(join(home, '.hermes', 'profiles', 'other', 'state.db'), 'DELETE'),
  openClaw('00000000-0000-4000-8000-000000000002'),
  ...newerWriters(home),
]);
process.stdout.write(`${JSON.stringify(counted())}\n`);
process.exit();
