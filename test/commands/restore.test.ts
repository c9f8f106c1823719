import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partName } from '../../src/protocol/parts.js';
import { lineOf, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { CodexTree, metaRow, threadUuid, userItem } from '../support/codex-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

const secret = 'sk-ant-api03-'.concat('Zq7'.repeat(31), 'AA');
const session = sessionUuid();
const [parent, early, late] = [threadUuid(), threadUuid(), threadUuid()];

let world: CliWorld;

/** A session of Claude Code and a thread with two forks, mirrored; the claim of a step was made in the session. */
beforeAll(async () => {
  world = await createCliWorld();
  const { home, project } = world;
  const row = userRow('FIRST and only', { sessionId: session, cwd: project }, { uuid: 'u1' });
  const place = join(home, '.claude', 'projects', 'x', `${session}.jsonl`);
  await new Transcript(place).append(row);
  const tree = CodexTree.at(home);
  const rows = [0, 1, 2, 3].map((at) =>
    at === 0 ? metaRow(parent, {}, 0) : userItem(`${at} ${secret}`, at),
  );
  await tree.rollout(parent).append(...rows);
  for (const [fork, end] of [
    [early, 2],
    [late, 4],
  ] as const) {
    const offset = Buffer.byteLength(rows.slice(0, end).map(lineOf).join(''));
    const base = { thread_id: parent, end_ordinal_exclusive: end, end_byte_offset: offset };
    await tree.rollout(fork).append(metaRow(fork, { history_base: base }, end));
  }
  await world.run(['init', '--global', '--agent', 'alex', '--project', 'p'], { cwd: home });
  const env = { CLAUDE_CODE_SESSION_ID: session };
  await world.run(['claim', 'build'], { env });
  const note = ['--note', 'half of it is done', '--to', 'codex', '--next-action', 'do the rest'];
  await world.run(['complete', 'build', ...note], { env });
  const { code, stderr } = await world.run(['watch', '--once', '--all']);
  expect(stderr).not.toContain('Warning');
  expect(code).toBe(0);
}, 60_000);

afterAll(() => world.remove());

describe('session restore', () => {
  it('tells what it did, and the command for this shell', async () => {
    const home = join(world.root, 'other');
    await mkdir(home);
    const config = join(world.home, '.tracecraft', 'config.json');
    await mkdir(join(home, '.tracecraft'));
    await writeFile(join(home, '.tracecraft', 'config.json'), await readFile(config), {
      mode: 0o600,
    });
    const bucket = JSON.parse(await readFile(config, 'utf8')).bucket;
    expect(bucket).toContain(world.root);
    const run = (...args: readonly string[]) => world.run(args, { env: { HOME: home } });
    const { code, stdout, stderr } = await run('session', 'restore', session);
    expect(stdout).toMatch(
      /^Restored claude-code\/\S+ as ([0-9a-f-]{36}): 1 line\n {2}\S+\1\.jsonl\nResume it:\n {2}claude --resume \1 --permission-mode default\n$/,
    );
    expect(stderr).toContain('Written by alex on ');
    expect(stderr).toContain('It is a copy');
    expect(code).toBe(0);
    const listed = await run('session', 'list', '--long');
    expect(listed.stdout).toMatch(/RESUME\n/);
    expect(listed.stdout).toMatch(/ restore\n/);
    const info = await world.run(['session', 'show', session, '--info']);
    expect(info.stdout).toMatch(/^resume +here: its harness has it$/m);
  });

  it('goes to the folder it was started in, if it is here already, unless told another', async () => {
    const elsewhere = join(world.root, 'elsewhere');
    await mkdir(elsewhere);
    const at = { cwd: elsewhere };
    const here = await world.run(['session', 'restore', session], at);
    expect(here.stdout).toContain(`claude-code/${session} is already here: 1 line\n`);
    expect(here.stdout).toContain(`  cd ${world.project} && claude --resume ${session} `);
    expect(here.stderr).not.toContain('--cwd resumes it there');
    const told = await world.run(['session', 'restore', session, '--cwd', '.'], at);
    expect(told.stdout).toMatch(/^ {2}claude --resume /m);
    expect(told.stderr).toContain(`It was started in ${world.project}: --cwd resumes it there.`);
    const inside = await world.run(['session', 'restore', session]);
    expect(inside.stdout).toMatch(/^ {2}claude --resume /m);
  });

  it('lays out everything below a folder, all forks of one thread together, and again', async () => {
    const into = join(world.root, 'rescued');
    const args = ['session', 'restore', '--all', '--into', into, '--verbatim', '--force'];
    for (const state of ['restored', 'already_here']) {
      const { json, code } = await world.runJson(args);
      expect(code).toBe(0);
      const states = Object(json).data.sessions.map((one: { state: string }) => one.state);
      expect(states).toEqual([state, state, state, state]);
    }
    const files = await readdir(into, { recursive: true, withFileTypes: true });
    expect(files.filter((one) => one.isFile())).toHaveLength(4);
    const env = {
      CLAUDE_CONFIG_DIR: join(into, '.claude'),
      CODEX_HOME: join(into, '.codex'),
    };
    const verified = await world.run(['session', 'verify', '--all'], { env });
    expect(verified.stdout).toContain('4 streams agree');
  });

  it('names sessions laid out together to a harness that finds them by an index', async () => {
    const [one, two] = ['5a1b', '6c2d'].map((begin) => `${begin}0000-aaaa-4bbb-8ccc-ddddeeeeffff`);
    const bucket = join(world.stateFolder, 'bucket', 'p', 'sessions', 'openclaw');
    for (const id of [one, two]) {
      const rows = [
        { type: 'session', version: 3, id, timestamp: '2026-03-01T08:00:00.000Z', cwd: '/w' },
        { type: 'message', id: 'm', parentId: null, message: { role: 'user', content: 'Hi' } },
      ];
      await mkdir(join(bucket, id ?? ''), { recursive: true });
      const part = join(bucket, id ?? '', partName(0, 0, 0));
      await writeFile(part, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    }
    const into = join(world.root, 'claws');
    const only = ['--all', '--into', into, '--harness', 'openclaw'];
    const args = ['session', 'restore', ...only, '--verbatim', '--force'];
    expect((await world.run([...args, '--dry-run'])).code).toBe(0);
    expect(await readdir(join(into, '.openclaw')).catch(() => [])).toEqual([]);
    for (const _round of [1, 2]) expect((await world.run(args)).code).toBe(0);
    const index = join(into, '.openclaw', 'agents', 'main', 'sessions', 'sessions.json');
    const entries: Record<string, object> = JSON.parse(await readFile(index, 'utf8'));
    expect(
      Object.values(entries)
        .map((entry) => Object(entry).sessionId)
        .sort(),
    ).toEqual([one, two]);
    await writeFile(index, '{}\n');
    const refused = await world.run(args);
    expect(refused.code).toBe(10);
    expect(refused.stdout).toContain(`restored, but not indexed: ${index} exists`);
    expect(await readFile(index, 'utf8')).toBe('{}\n');
  });

  it.each([
    [2, ['session', 'restore']],
    [2, ['session', 'restore', '--all']],
    [2, ['session', 'restore', session, '--run']],
    [2, ['session', 'restore', session, '--verbatim', '--as-new']],
    [3, ['session', 'restore', 'no-such-session']],
    [2, ['session', 'restore', session, '--into', '']],
    [7, ['session', 'restore', session, '--into', '.']],
    [7, ['session', 'restore', session, '--into', '.claude/projects']],
  ])('ends with %i for %j', async (code, args) => {
    expect((await world.run(args, { cwd: world.home })).code).toBe(code);
  });
});

describe('session brief', () => {
  it('sums a session up with its step, and a handoff takes it along', async () => {
    const brief = await world.run(['session', 'brief', session]);
    expect(brief.stdout).toContain(`- session id: ${session}\n- harness: claude-code\n`);
    expect(brief.stdout).toMatch(/> FIRST and only\n[\s\S]*- step build: complete by alex/);
    expect(brief.stdout).toMatch(/> next: do the rest\n> half of it is done/);
    expect(brief.code).toBe(0);
    const handoff = await world.run(['handoff', 'build', '--brief']);
    expect(handoff.stdout).toMatch(/^step: +build/);
    expect(handoff.stdout).toContain(brief.stdout.trimEnd());
  });
});
