import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  assistantRow,
  customTitleRow,
  lineOf,
  sessionUuid,
  Transcript,
  userRow,
} from '../support/claude-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let id = '';
let path = '';
let inHome = { cwd: '' };

beforeAll(async () => {
  world = await createCliWorld();
  inHome = { cwd: world.home };
  id = sessionUuid();
  const context = { sessionId: id, cwd: world.project };
  const transcript = new Transcript(
    join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`),
  );
  path = transcript.path;
  const rows = Array.from({ length: 30 }, (_, n) => userRow(`row ${n}`, context));
  await transcript.append(...rows, assistantRow('hi', 'claude-x', context));
  await transcript.append(userRow('clear \u009b2J and \u3164 fill', context));
  await transcript.append(customTitleRow('A title \u001b[31mred', id));
  await world.run(['watch', '--once'], inHome);
});

afterAll(() => world.remove());

describe('tracecraft session', () => {
  it('lists the sessions in the bucket', async () => {
    const { code, stdout } = await world.run(['session', 'list'], inHome);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^AGE +HARNESS +FOLDER +TITLE +ID$/m);
    expect(stdout).toContain(id.slice(0, 8));
    expect(stdout).toContain('A title');
    expect(stdout).not.toContain('\u001b');
    const { json } = await world.runJson(['session', 'list'], inHome);
    expect(json).toEqual({
      schema_version: 1,
      data: {
        total: 1,
        index_as_of: null,
        sessions: [
          {
            harness: 'claude-code',
            session_id: id,
            title: expect.stringContaining('A title'),
            last_prompt: expect.stringContaining('clear'),
            cwd: world.project,
            model: 'claude-x',
            git_branch: 'main',
            agent_id: expect.anything(),
            host: expect.any(String),
            parent_session_id: null,
            started_at: '2026-01-02T03:04:05.678Z',
            last_row_at: '2026-01-02T03:04:05.678Z',
            last_uploaded_at: expect.stringMatching(/Z$/),
            ended_at: null,
            prompts: 31,
            turns: 31,
            generation: 0,
            part_count: 1,
            total_lines: 33,
            total_uploaded_bytes: expect.any(Number),
            redaction_counts: {},
            streams: 0,
          },
        ],
      },
    });
  });

  it.runIf(process.platform === 'linux')(
    'shows raw lines to a terminal without what would take it over',
    async () => {
      const raw = ['session', 'show', id, '--raw', '--tail', '2'];
      const piped = await world.run(raw, inHome);
      expect(piped.stdout).toContain('\u009b2J');
      expect(piped.stdout).toContain('\u3164');
      const terminal = await world.runInTerminal(raw, inHome);
      expect(terminal.stdout).not.toMatch(/[\u009b\u3164]/);
      const shown = terminal.stdout.trimEnd().split(/\r?\n/);
      const stored = piped.stdout.trimEnd().split('\n');
      expect(shown.map((line) => JSON.parse(line))).toEqual(stored.map((line) => JSON.parse(line)));
    },
  );

  it.runIf(process.platform === 'linux')('shows one at a terminal through its pager', async () => {
    const show = ['session', 'show', id, '--tail', '1'];
    const paged = (PAGER: string) =>
      world.runInTerminal(show, { ...inHome, env: { PAGER, NO_COLOR: '1' } });
    const plain = (await world.run(show, inHome)).stdout.split('\n').filter(Boolean);
    const lines = (text: string) => text.split(/\r?\n/).filter(Boolean);
    const numbered = await paged('sed "s/^/| /"');
    expect(lines(numbered.stdout)).toEqual(
      expect.arrayContaining(plain.map((line) => `| ${line}`)),
    );
    const missing = await paged('no-such-pager-here');
    expect(lines(missing.stdout)).toEqual(expect.arrayContaining(plain));
    expect(missing.code).toBe(0);
  });

  it('shows one by the beginning of its id, and its last lines byte for byte', async () => {
    const shown = await world.run(['session', 'show', id.slice(0, 12), '--info'], inHome);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('claude-x') });
    const raw = await world.run(['session', 'show', id, '--raw', '--tail', '3'], inHome);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(raw.stdout).toBe(`${lines.slice(-3).join('\n')}\n`);
    const { json } = await world.runJson(['session', 'show', id, '--tail', '1'], inHome);
    expect(json).toMatchObject({
      schema_version: 1,
      data: { harness: 'claude-code', session_id: id, meta: { schema_version: 2 } },
    });
    expect(json).toMatchObject({ data: { turns: [{ line: 31, origin: 'human' }] } });
    const tail = await world.run(['session', 'show', id, '--tail', '2'], inHome);
    expect(tail.stdout).toMatch(/, the last 2 turns\n/);
    expect(tail.stdout.match(/^── line \d+/gm)).toEqual(['── line 29', '── line 31']);
  });

  it('reports missing sessions', async () => {
    const missing = await world.run(['session', 'show', 'nothing'], inHome);
    expect(missing.code).toBe(3);
    const { json, code } = await world.runJson(['session', 'show', 'nothing'], inHome);
    expect(code).toBe(3);
    expect(json).toEqual({
      schema_version: 1,
      error: {
        kind: 'not-found',
        message: expect.stringContaining('session not found: nothing in'),
        hint: expect.stringContaining('session list'),
        retryable: false,
      },
    });
  });

  it('mirrors the newest session of this folder', async () => {
    await appendFile(path, lineOf(userRow('more', { sessionId: id, cwd: world.project })));
    const first = await world.run(['session', 'mirror', '--harness', 'claude-code']);
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^uploaded part-00001-[a-f0-9]{8} {2}source=\d+B/m);
    expect(first.stdout).toContain(`Session ${id} is in`);
    const none = await world.run(['session', 'mirror', '--harness', 'claude-code'], {
      cwd: world.root,
    });
    expect(none.code).toBe(0);
    const unknown = await world.run(
      ['session', 'mirror', '--harness', 'claude-code', '--session-id', 'x'],
      inHome,
    );
    expect(unknown.code).toBe(3);
    expect(unknown.stderr).toContain('No claude-code session found for x in');
  });

  it('verifies, and finds a line that was changed in the bucket', async () => {
    const good = await world.run(['session', 'verify'], inHome);
    expect(good).toMatchObject({ code: 0, stdout: expect.stringContaining('1 stream agrees') });
    const folder = join(world.stateFolder, 'bucket', 'default', 'sessions', 'claude-code', id);
    const meta = JSON.parse(await readFile(join(folder, 'meta.json'), 'utf8'));
    const part = join(folder, meta.parts[0].name);
    const body = await readFile(part, 'utf8');
    await writeFile(part, body.replace('row 7', 'row 8'));
    const bad = await world.run(['session', 'verify', id], inHome);
    expect(bad).toMatchObject({ code: 10, stderr: expect.stringContaining('line 8') });
    const { json, code } = await world.runJson(['session', 'verify', id], inHome);
    expect(code).toBe(10);
    expect(json).toMatchObject({ schema_version: 1, data: { streams: [{ state: 'differs' }] } });
    await writeFile(part, body);
    const unknown = await world.run(['session', 'verify', 'no-such-session'], inHome);
    expect(unknown).toMatchObject({ code: 3, stderr: expect.stringContaining('no-such-session') });
  });

  it('marks a session as ended', async () => {
    const stopped = await world.run(['session', 'stop', id], inHome);
    expect(stopped).toMatchObject({ code: 0, stdout: expect.stringContaining('ended at') });
    const { json } = await world.runJson(['session', 'list'], inHome);
    expect(json).toMatchObject({ data: { sessions: [{ ended_at: expect.stringMatching(/Z$/) }] } });
  });
});
