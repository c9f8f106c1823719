import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
const id = sessionUuid();

beforeEach(async () => {
  world = await createCliWorld();
  const folder = join(world.home, '.claude', 'projects', '-work');
  await mkdir(folder, { recursive: true });
  const row = lineOf(userRow('hello', { sessionId: id, cwd: '/work' }));
  await writeFile(join(folder, `${id}.jsonl`), row);
  await world.run(['init', '--global', '--project', 'p', '--agent', 'cleaner']);
  expect(await world.run(['watch', '--once', '--all'])).toMatchObject({ code: 0 });
});

afterEach(() => world.remove());

function folderOf(...names: string[]): string {
  return join(world.stateFolder, 'bucket', 'p', ...names);
}

describe('tracecraft session remove', () => {
  it('needs a yes, deletes the session, and every other command knows', async () => {
    const unasked = await world.run(['session', 'remove', id]);
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    await expect(stat(folderOf('sessions', 'claude-code', id))).resolves.toBeDefined();
    const { json, code } = await world.runJson(['session', 'remove', id.slice(0, 8), '--yes']);
    expect(code).toBe(0);
    expect(json).toMatchObject({
      data: { harness: 'claude-code', session_id: id, state: 'removed', objects: 2 },
    });
    const left = await readdir(folderOf('sessions', 'claude-code')).catch(() => []);
    expect(left).toEqual([]);
    const again = await world.run(['session', 'remove', id, '-y']);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('0 objects') });
    const shown = await world.run(['session', 'show', id]);
    expect(shown.code).toBe(3);
    expect(shown.stderr).toMatch(/was removed from .* by cleaner at 20.*\n.*--undo/);
    const mirrored = await world.run(['session', 'mirror', id]);
    expect(mirrored).toMatchObject({ code: 9, stderr: expect.stringContaining('was removed') });
    const compacted = await world.run(['session', 'compact', id]);
    expect(compacted).toMatchObject({ code: 3, stderr: expect.stringContaining('was removed') });
    const swept = await world.run(['watch', '--once', '--all']);
    expect(swept.code).toBe(0);
    expect(swept.stdout).toMatch(
      /^1 session removed from the bucket stays out: session remove --undo$/m,
    );
    const verified = await world.run(['session', 'verify', '--all']);
    expect(verified.stdout).toMatch(/^1 stream of removed sessions left out$/m);
    expect(verified.code).toBe(0);
    const log = await world.run(['log']);
    expect(log.stdout).toMatch(new RegExp(`cleaner +removed +claude-code/${id}$`, 'm'));
  }, 60_000);

  it('--undo allows it to be mirrored again', async () => {
    const never = await world.run(['session', 'remove', id, '--undo']);
    expect(never).toMatchObject({ code: 3, stderr: expect.stringContaining('no removed session') });
    await world.run(['session', 'remove', id, '--yes']);
    const { json, code } = await world.runJson(['session', 'remove', id, '--undo']);
    expect(code).toBe(0);
    expect(json).toMatchObject({ data: { session_id: id, state: 'restored' } });
    expect((await world.run(['session', 'mirror', id])).code).toBe(0);
    const verified = await world.run(['session', 'verify', '--all']);
    expect(verified.stdout).toContain('1 stream agrees');
    expect((await world.run(['log'])).stdout).toMatch(/cleaner +restored +claude-code/);
  }, 60_000);

  it.runIf(process.platform === 'linux')('asks at a terminal, and no means no', async () => {
    const asked = await world.runInTerminal(['session', 'remove', id]);
    expect(asked.stdout).toContain(`Delete claude-code/${id} from `);
    expect(asked.code).toBe(9);
    await expect(stat(folderOf('sessions', 'claude-code', id))).resolves.toBeDefined();
  });
});
