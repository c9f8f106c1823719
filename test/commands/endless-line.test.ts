import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { CodexTree, threadUuid } from '../support/codex-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';
import { packedRun } from '../support/zstd-frames.js';

let world: CliWorld;

beforeEach(async () => {
  world = await createCliWorld();
});

afterEach(() => world.remove());

it('a packed rollout of one endless line is named once, and everything else is mirrored and verified', async () => {
  const endless = CodexTree.at(world.home).rollout(threadUuid()).packedPath;
  await mkdir(dirname(endless), { recursive: true });
  await writeFile(endless, packedRun(0x62, 100 << 20));
  const id = sessionUuid();
  const path = join(world.home, '.claude', 'projects', '-weir', `${id}.jsonl`);
  await new Transcript(path).append(userRow('mill', { sessionId: id, cwd: '/weir' }));
  const run = (...args: readonly string[]) => world.run(args, { cwd: world.home });

  const watched = await run('watch', '--once', '--all');
  expect(watched.code).toBe(10);
  expect(watched.stdout).not.toContain('Nothing is behind');
  expect(watched.stderr.match(/^Warning: a line of more than 64 MiB .*/gm)).toEqual([
    expect.stringContaining(endless),
  ]);
  const verified = await run('session', 'verify', '--all');
  expect(verified.code).toBe(10);
  expect(verified.stdout).toMatch(new RegExp(`^ok +claude-code/${id}`, 'm'));
  expect(verified.stdout + verified.stderr).toContain(endless);
});
