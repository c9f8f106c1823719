import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let env: Readonly<Record<string, string>>;

beforeEach(async () => {
  world = await createCliWorld();
  const spy = join(world.root, 'spy.cjs');
  await writeFile(
    spy,
    `const exit = process.exit;
     process.exit = (code) => { require('fs').writeSync(2, 'FORCED\\n'); exit(code); };`,
  );
  env = { NODE_OPTIONS: `--require ${spy}` };
  await world.run(['init', '--global', '--agent', 'me']);
});

afterEach(() => world.remove());

async function transcript(): Promise<void> {
  const id = sessionUuid();
  const folder = join(world.home, '.claude', 'projects', '-srv');
  await mkdir(folder, { recursive: true });
  const row = userRow('hello', { sessionId: id, cwd: '/srv' });
  await writeFile(join(folder, `${id}.jsonl`), lineOf(row));
}

describe('a failing command ends by itself', () => {
  it.each([
    ['an unknown command', ['nope'], 2],
    ['a missing argument', ['claim'], 2],
    ['a session that is not there', ['session', 'show', 'nope'], 3],
  ])('for %s', async (_, args, code) => {
    const result = await world.run(args, { env });
    expect(result).toMatchObject({ code, stderr: expect.not.stringContaining('FORCED') });
  });

  it('for a watch with a source that cannot be read', async () => {
    await transcript();
    await mkdir(join(world.home, '.hermes'));
    await writeFile(join(world.home, '.hermes', 'state.db'), 'no database at all');
    const result = await world.run(['watch', '--once'], { env });
    expect(result).toMatchObject({ code: 10, stderr: expect.not.stringContaining('FORCED') });
  });

  it('for a watch locked out by another one', async () => {
    await transcript();
    const first = world.start(['watch']);
    const ended = new Promise((resolve) => first.once('close', resolve));
    await new Promise((resolve) => first.stdout?.once('data', resolve));
    const result = await world.run(['watch'], { env });
    first.kill('SIGTERM');
    await ended;
    expect(result).toMatchObject({ code: 4, stderr: expect.not.stringContaining('FORCED') });
  });
});
