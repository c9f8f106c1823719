import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shortIds } from '../../src/sessions/reference.js';
import { assistantRow, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let id = '';
const ids: string[] = [];
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
    ids.push(id);
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
  }, 120_000);

  it('as any command prints it means one session to every command', async () => {
    const listed = await world.run(['session', 'list'], inHome);
    const status = await world.run(['status'], inHome);
    const log = await world.run(['log', '--sessions'], inHome);
    const steps = await world.run(['steps'], inHome);
    const replay = await world.run(['replay', '--force'], inHome);
    const printed = [watched, ...[listed, status, log, steps, replay].map(({ stdout }) => stdout)];
    const looksLikeAnId =
      /(?<![\w.-])(?:claude-code\/)?(?=[0-9a-f-]*\d)[0-9a-f-]{8,36}(?![\w:.-])/g;
    const words = new Set(printed.flatMap((text) => text.match(looksLikeAnId) ?? []));
    expect(
      [...words]
        .map((word) => ids.find((one) => one.endsWith(word.split('/').at(-1) ?? '')))
        .sort(),
    ).toEqual([...ids, ...ids].sort());
    const meantBy = (word: string) => ids.find((one) => one.endsWith(word.split('/').at(-1) ?? ''));
    for (const word of words) {
      const { json } = await world.runJson(['session', 'show', word, '--info'], inHome);
      expect(json).toMatchObject({ data: { session_id: meantBy(word) } });
    }
    // One session by each of its names: every command asks the same code.
    for (const word of [...words].filter((one) => meantBy(one) === ids[0])) {
      for (const args of [
        ['session', 'verify', word],
        ['session', 'mirror', word],
        ['session', 'compact', word],
        ['replay', word, '--force'],
        ['session', 'stop', word],
      ]) {
        const { code, stdout } = await world.run([...args, '--json'], inHome);
        expect({ args, code }).toEqual({ args, code: 0 });
        if (args[0] !== 'replay') expect(stdout).toContain(ids[0]);
      }
    }
  }, 120_000);

  it('is whole on a narrow terminal, as are those of steps and agents, and no row wraps', async () => {
    const [step, agent] = ['water-the-beds-behind-the-glasshouse', 'gardener-of-the-early-morning'];
    const as = { ...inHome, env: { ...inHome.env, TRACECRAFT_AGENT: agent } };
    await world.run(['claim', step], as);
    const printed: string[] = [];
    for (const args of [['session', 'list'], ['status'], ['steps']]) {
      const { stdout } = await world.runInTerminal(args, { ...inHome, columns: 40 });
      expect(stdout.split(/\r?\n/).filter((line) => line.length > 40)).toEqual([]);
      printed.push(stdout);
    }
    const [list = '', status = '', steps = ''] = printed;
    for (const short of shortIds(ids).values()) {
      expect(list).toMatch(new RegExp(`  ${short}\\r?\\n`));
      expect(status).toContain(` claude-code/${short} `);
    }
    expect(steps).toContain(`${step}\r\n`);
    expect(status).toContain(` ${step}`);
    expect(status).toContain(` ${agent} `);
  }, 120_000);

  it('that fits several is answered with a row for each', async () => {
    const { code, stderr } = await world.run(['session', 'show', '0000'], inHome);
    expect(code).toBe(2);
    expect(stderr.split('\n')).toEqual([
      'Error: 0000 could be any of 2 sessions:',
      `  claude-code/${ids[0]}  Water the tomatoes`,
      `  claude-code/${ids[1]}  Pick the beans`,
      'Give more of the id, or name the harness with --harness.',
      '',
    ]);
    const { json } = await world.runJson(['session', 'show', '0000'], inHome);
    expect(json).toMatchObject({
      error: { candidates: [{ session_id: ids[0] }, { session_id: ids[1] }] },
    });
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
