import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;

beforeAll(async () => {
  world = await createCliWorld();
  const bucket = `${world.root}/bucket`;
  const init = ['init', '--backend', 'local', '--bucket', bucket, '--project', 'demo'];
  expect((await world.run([...init, '--agent', 'ann'])).code).toBe(0);
});

afterAll(() => world.remove());

function run(agent: string, ...args: readonly string[]): Promise<CliResult> {
  return world.run(args, { env: { TRACECRAFT_AGENT: agent } });
}

async function sent(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('ann', 'send', ...args);
  return /message ([0-9a-f]{8})/.exec(stdout)?.[1] ?? '';
}

describe('an agent’s sent mail', () => {
  it('is seen once it was shown, and acked once it was acknowledged or answered', async () => {
    const [plain, asked] = [await sent('bob', 'fyi'), await sent('bob', 'please look', '--ack')];
    const before = await run('ann', 'outbox');
    expect(before.stdout.match(/ to bob · not seen: /g)).toHaveLength(2);
    const shown = await run('bob', 'inbox', '--new', '--ack');
    expect(shown.stdout).toContain(`wants an acknowledgement: tracecraft ack ${asked}`);
    expect(shown.stdout).not.toContain(`ack ${plain}`);
    const { stdout } = await run('ann', 'outbox');
    expect(stdout).toMatch(new RegExp(` ${plain} to bob · seen: fyi$`, 'm'));
    expect(stdout).toMatch(
      new RegExp(` ${asked} to bob · seen · acked \\d\\d:\\d\\d: please look$`, 'm'),
    );
    expect((await run('bob', 'ack', plain, '--note', 'noted')).code).toBe(0);
    expect((await run('bob', 'ack', plain)).code).toBe(0);
    const { json } = await world.runJson(['outbox']);
    expect(json).toMatchObject({
      data: {
        messages: [
          { id: plain, to: 'bob', seen_by: ['bob'], acked_by: [{ agent: 'bob' }] },
          { id: asked, asks_for_ack: true, acked_by: [{ agent: 'bob' }] },
        ],
      },
    });
    expect((await run('ann', 'outbox', '--unacked')).stdout).toBe('');
    expect((await run('ann', 'inbox')).stdout).toMatch(/\(direct\) bob: noted$/m);
  });

  it('to all is seen by every agent that was shown it', async () => {
    const id = await sent('--all', 'main is frozen');
    await run('bob', 'inbox', '--new');
    expect((await run('ann', 'outbox')).stdout).toContain(`${id} to all · seen by bob: `);
  });
});

it('a reply to a missing message and an ack of one are refused: exit 3', async () => {
  const answer = await run('bob', 'send', 'ann', 'yes', '--reply-to', '0badcafe');
  expect([answer.code, answer.stderr]).toEqual([3, expect.stringContaining('0badcafe')]);
  expect((await run('bob', 'ack', '0badcafe')).code).toBe(3);
});

it('a name that differs from a known one only in case is refused, as actor and as recipient: exit 2', async () => {
  for (const args of [
    ['send', 'BOB', 'lost'],
    ['complete', 'loose', '--to', 'Bob'],
    ['approve', 'loose', '--to', 'Bob'],
    ['run', 'loose', '--to', 'Bob', '--', 'true'],
    ['step', 'add', 'loose', '--assign', 'Bob'],
  ]) {
    const { code, stderr } = await run('ann', ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining('there is bob')]);
  }
  for (const args of [['claim', 'mine'], ['send', 'bob', 'text'], ['inbox']]) {
    const { code, stderr } = await run('ANN', ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining('there is ann')]);
  }
  for (const step of ['mine', 'loose']) {
    expect((await run('ann', 'step-status', step)).code).toBe(3);
  }
  await run('ann', 'step', 'add', 'loose', '--assign', 'bob');
  const edit = await run('ann', 'step', 'edit', 'loose', '--assign', 'BOB');
  expect([edit.code, edit.stderr]).toEqual([2, expect.stringContaining('there is bob')]);
});

it('a handoff of an earlier epoch is found, and a step that changes the same files is reported', async () => {
  await run('ann', 'claim', 'api');
  await run('ann', 'complete', 'api', '--note', 'first draft');
  await run('ann', 'claim', 'api', '--reopen');
  await run('ann', 'complete', 'api', '--note', 'second draft');
  expect((await run('bob', 'handoff', 'api')).stdout).toContain('second draft');
  expect((await run('bob', 'handoff', 'api', '--epoch', '1')).stdout).toContain('first draft');
  expect((await run('bob', 'handoff', 'api', '--epoch', '7')).code).toBe(3);
  await run('ann', 'step', 'add', 'ui', '--paths', 'src/web/**');
  await run('ann', 'step', 'add', 'css', '--paths', 'src/web/style.css');
  await run('ann', 'step', 'add', 'sass', '--paths', 'src/web/*.scss');
  await run('ann', 'step', 'add', 'html', '--paths', './src/web/index.html', '--priority', '0');
  await run('ann', 'claim', 'ui');
  const warned = [0, expect.stringContaining('step ui, claimed by ann')];
  for (const args of [
    ['claim', 'css'],
    ['run', 'sass', '--', 'true'],
    ['run', '--next', '--priority', '0', '--', 'true'],
  ]) {
    const { stderr, code } = await run('bob', ...args);
    expect([code, stderr]).toEqual(warned);
  }
});
