import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';
import { createOutside, type Outside, plant } from '../support/watched-outside.js';

let world: CliWorld;
let outside: Outside;

beforeEach(async () => {
  world = await createCliWorld();
  outside = await createOutside(join(world.root, 'outside'));
  const init = await world.run(['init', '--agent', 'designer', '--bucket', 'data']);
  expect(init.code, init.stderr).toBe(0);
  expect((await world.run(['claim', 'before'])).code).toBe(0);
});

afterEach(() => world.remove());

const commands = [
  'status',
  'inbox',
  'send other hello',
  'claim build',
  'complete before',
  'watch --once',
  'doctor',
];

/** Exit codes that a link may cause: not allowed, a partial result, nothing there, and a claim that nobody can prove. */
const calm = [0, 3, 4, 7, 10];

it.each([
  ['the bucket', 'project/data/.tracecraft'],
  ['the bucket', 'project/data/.tracecraft/tmp'],
  ['the bucket', 'project/data/project'],
  ['the state folder', 'home/.tracecraft/state'],
  ['the state folder', 'home/.tracecraft/trusted'],
])(
  'a link in %s, at %s, leads no command outside',
  async (_name, level) => {
    const path = join(world.root, level);
    await rm(path, { recursive: true, force: true });
    await plant(path, 'folder', outside);
    const before = outside.look();
    for (const command of commands) {
      const { code, stderr } = await world.run(command.split(' '));
      expect(outside.look(), command).toBe(before);
      expect(calm, `${command}: ${stderr}`).toContain(code);
      expect(stderr, command).not.toMatch(/^\s+at /m);
    }
  },
  120_000,
);

it('reports the link to commands that write, and lets others read', async () => {
  const link = join(world.project, 'data', '.tracecraft', 'tmp');
  await rm(link, { recursive: true });
  await plant(link, 'relative folder', outside);
  expect((await world.run(['status'])).code).toBe(0);
  const sent = await world.run(['send', 'other', 'hello']);
  expect(sent.code).toBe(7);
  expect(sent.stderr).toContain(`${link} is a symbolic link`);
  expect(sent.stderr).toContain('Remove');
});
