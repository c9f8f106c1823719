import { mkdir, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineOf, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { CodexTree, metaRow, threadUuid, userItem } from '../support/codex-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

describe('the session mirrored if none is named', () => {
  let world: CliWorld;
  const [older, newer, silent] = [sessionUuid(), sessionUuid(), sessionUuid()];
  const thread = threadUuid();

  beforeAll(async () => {
    world = await createCliWorld();
    await world.run(['init', '--global']);
    const projects = join(world.home, '.claude', 'projects');
    for (const id of [older, newer]) {
      const row = lineOf(userRow('saw', { sessionId: id, cwd: world.project }));
      await new Transcript(join(projects, '-sawmill', `${id}.jsonl`)).append(row);
    }
    await utimes(join(projects, '-sawmill', `${older}.jsonl`), 1_700_000_000, 1_700_000_000);
    const unplaced = join(projects, '-srv-quiet-mill', `${silent}.jsonl`);
    await new Transcript(unplaced).append('{"type":"summary","summary":"planks"}\n');
    const rollout = CodexTree.at(world.home).rollout(thread);
    await rollout.append(metaRow(thread, { cwd: '/srv/elsewhere' }), userItem('hello'));
  });

  afterAll(() => world.remove());

  async function mirrored(
    args: readonly string[],
    options: Parameters<CliWorld['run']>[1] = {},
  ): Promise<unknown> {
    const { code, stdout, stderr } = await world.run(['session', 'mirror', ...args], options);
    expect(code, stderr).toBe(0);
    return /^Session (\S+) is in/m.exec(stdout)?.[1];
  }

  it('is the one the shell runs in, whoever started it', async () => {
    const env = { CLAUDE_CODE_SESSION_ID: older };
    expect(await mirrored([], { env })).toBe(older);
    expect(await mirrored([], { env: { CODEX_THREAD_ID: thread } })).toBe(thread);
    const both = { ...env, CODEX_THREAD_ID: thread };
    expect(await mirrored(['--harness', 'claude-code'], { env: both })).toBe(older);
    expect(await mirrored(['--harness', 'codex', '--cwd', '/srv'], { env })).toBe(thread);
    const unknown = { CLAUDE_CODE_SESSION_ID: sessionUuid() };
    expect(await world.run(['session', 'mirror'], { env: unknown })).toMatchObject({ code: 3 });
  });

  it('is the newest of this folder, also from a folder below it', async () => {
    expect(await mirrored([])).toBe(newer);
    const below = join(world.project, 'blades', 'round');
    await mkdir(below, { recursive: true });
    expect(await mirrored([], { cwd: below })).toBe(newer);
  });

  it('is the newest of a folder around this one, which is named', async () => {
    const inside = join(world.project, 'saws');
    await mkdir(inside, { recursive: true });
    const around = await world.run(['session', 'mirror'], { cwd: inside });
    expect(around.stdout).toContain(
      `No session was started in ${inside}: this is the newest of ${world.project}, around it.\n`,
    );
    const here = await world.run(['session', 'mirror']);
    expect(here.stdout).not.toContain('around it');
  });

  it('is verified in the project it was mirrored into, wherever it was started', async () => {
    const inside = join(world.project, 'inner');
    await mkdir(inside, { recursive: true });
    const at = { cwd: inside };
    await world.run(['init'], at);
    const empty = await world.run(['session', 'verify'], at);
    expect(empty.stdout).toContain('0 streams agree');
    expect(empty.stderr).toContain('Nothing was compared');
    expect(await mirrored([], at)).toBe(newer);
    const verified = await world.runJson(['session', 'verify'], at);
    expect(verified).toMatchObject({
      code: 0,
      json: { data: { streams: [{ session_id: newer, state: 'ok' }], lines: 1 } },
    });
    const narrowed = await world.run(['session', 'verify', '--cwd', inside], at);
    expect(narrowed.stdout).toContain('0 streams agree');

    const path = join(world.home, '.claude', 'projects', '-sawmill', `${newer}.jsonl`);
    await new Transcript(path).append(
      lineOf(userRow('plank', { sessionId: newer, cwd: world.project })),
    );
    const behind = await world.run(['session', 'verify'], at);
    expect(behind.code).toBe(10);
    expect(behind.stderr).toContain(`tracecraft session mirror ${newer}`);
    expect(await mirrored([newer], at)).toBe(newer);
    expect(await world.run(['session', 'verify'], at)).toMatchObject({ code: 0 });
  });

  it('is one whose rows name no folder, if its project folder does', async () => {
    const place = join(world.root, 'srv');
    await mkdir(place, { recursive: true });
    const named = place.replace(/[^A-Za-z0-9]/g, '-');
    const id = sessionUuid();
    const path = join(world.home, '.claude', 'projects', named, `${id}.jsonl`);
    await new Transcript(path).append('{"type":"summary","summary":"boards"}\n');
    expect(await mirrored([], { cwd: place })).toBe(id);
  });

  it('is one in a project folder in whose name only the slashes were replaced, whatever its id', async () => {
    const place = join(world.root, 'saw_mill.v2');
    await mkdir(place, { recursive: true });
    const named = place.replaceAll('/', '-');
    const path = join(world.home, '.claude', 'projects', named, 'sawn-run-7.jsonl');
    await new Transcript(path).append('{"type":"summary","summary":"beams"}\n');
    expect(await mirrored([], { cwd: place })).toBe('sawn-run-7');
    expect(await mirrored(['--session-id', 'sawn-run-7'])).toBe('sawn-run-7');
  });

  it('is shown as lines where they amount to no turn', async () => {
    const place = join(world.root, 'lathe');
    const path = join(
      world.home,
      '.claude',
      'projects',
      place.replaceAll('/', '-'),
      'lathe-01.jsonl',
    );
    await new Transcript(path).append('oak\n{"type":"beech"}\nash \u001b[31m\n');
    await world.run(['session', 'mirror', 'lathe-01']);
    const tail = await world.run(['session', 'show', 'lathe-01', '--tail', '2']);
    expect(tail.stdout).toMatch(/\n--- tail ---\n\{"type":"beech"\}\nash .*\n$/);
    const whole = await world.run(['session', 'show', 'lathe-01']);
    expect(whole.stdout).not.toContain('tail');
    expect(whole.stderr).toContain('None of its lines is part of a turn: --raw');
  });

  it('is said to have nothing new only where nothing was sent and nothing waits for its newline', async () => {
    const path = join(world.home, '.claude', 'projects', '-planer', `${sessionUuid()}.jsonl`);
    const row = lineOf(userRow('plane', { sessionId: 'x', cwd: join(world.root, 'planer') }));
    await new Transcript(path).append(row);
    const mirror = ['session', 'mirror', basename(path, '.jsonl')];
    expect((await world.run(mirror)).stdout).not.toContain('nothing new');
    expect((await world.run(mirror)).stdout).toContain(', nothing new.');
    await new Transcript(path).append('{"type":');
    expect((await world.run(mirror)).stdout).not.toContain('nothing new');
  });

  it('is named with its harness where there is none', async () => {
    const place = join(world.root, 'empty');
    await mkdir(place, { recursive: true });
    const { code, stderr } = await world.run(['session', 'mirror', '--harness', 'hermes'], {
      cwd: place,
    });
    expect(code).toBe(3);
    expect(stderr).toContain(`No hermes session found in ${place}`);
  });
});
