import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assistantRow, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let id = '';
let inHome = { cwd: '', env: {} };
let watched = '';

beforeAll(async () => {
  world = await createCliWorld();
  // A window of its own, so that rows of a listing are remembered.
  inHome = { cwd: world.home, env: { TMUX_PANE: '%7' } };
  const folder = join(world.home, '.claude', 'projects', '-work');
  for (const [prompt, minute] of [
    ['Water the tomatoes', 1],
    ['Pick the beans', 2],
  ] as const) {
    id = sessionUuid();
    const timestamp = `2026-05-01T12:0${minute}:00.000Z`;
    const context = { sessionId: id, cwd: world.project, timestamp };
    await new Transcript(join(folder, `${id}.jsonl`)).append(
      userRow(prompt, context, { uuid: 'a1' }),
      assistantRow('As you say', 'm', context, { uuid: 'a2', parentUuid: 'a1' }),
    );
  }
  watched = (await world.run(['watch', '--once', '--all'], inHome)).stdout;
});

afterAll(() => world.remove());

describe('a session’s name', () => {
  it('is the end of its id if all begin alike, and every command accepts it', async () => {
    const { stdout } = await world.run(['session', 'list'], inHome);
    const [, first = ''] = stdout.split('\n');
    expect(first).toContain('Pick the beans');
    const short = first.trim().split(/ +/).at(-1) ?? '';
    expect(id.endsWith(short)).toBe(true);
    const titled = await world.runJson(['session', 'show', 'BEANS pick', '--info'], inHome);
    expect(titled.json).toMatchObject({ data: { session_id: id } });
    const verified = await world.run(['session', 'verify', short], inHome);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('1 stream agrees') });
    const mirrored = await world.run(['session', 'mirror', `claude-code/${short}`], inHome);
    expect(mirrored.stdout).toContain(id);
    const compacted = await world.runJson(['session', 'compact', '@1'], inHome);
    expect(compacted.json).toMatchObject({ data: { sessions: [{ session_id: id }] } });
    const stopped = await world.runJson(['session', 'stop', short], inHome);
    expect(stopped.json).toMatchObject({ data: { session_id: id } });
  }, 60_000);

  it('as printed by watch and status matches only sessions that begin with it', async () => {
    const { stdout } = await world.run(['status'], inHome);
    const words = new Set([...(watched + stdout).matchAll(/claude-code\/[0-9a-f-]+/g)].map(String));
    expect(words.size).toBeGreaterThan(0);
    for (const word of words) {
      const { code, stderr } = await world.run(['session', 'show', word, '--info'], inHome);
      expect(code).toBe(2);
      expect(stderr).toContain(id);
    }
  });

  it('shows its conversation, by turns and by line', async () => {
    const shown = await world.run(['session', 'show', id], inHome);
    expect(shown.stdout).toContain('── 1  2026-05-01 12:02\n> Pick the beans\nAs you say\n');
    const { json } = await world.runJson(['session', 'show', id, '--around', '1'], inHome);
    expect(json).toMatchObject({ data: { turns: [{ number: 1, entries: { length: 2 } }] } });
    const missing = await world.run(['session', 'show', id, '--turn', '2'], inHome);
    expect(missing).toMatchObject({ code: 3, stderr: expect.stringContaining('It has 1 turn') });
  });
});
