import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';

/** Words that scripts written for the Python tool look for. */
let world: CliWorld;

beforeAll(async () => {
  world = await createCliWorld();
  expect((await world.run(['init', '--project', 'texts', '--agent', 'ann'])).code).toBe(0);
  expect((await run('ann', 'claim', 'build')).code).toBe(0);
}, 60_000);

afterAll(() => world.remove());

const run = (agent: string, ...args: readonly string[]): Promise<CliResult> =>
  world.run(args, { env: { TRACECRAFT_AGENT: agent } });

it('a held step is in_progress, and claimed by its holder', async () => {
  expect((await run('bob', 'step-status', 'build')).stdout).toContain('in_progress');
  const claim = await run('bob', 'claim', 'build');
  expect([claim.code, claim.stderr]).toEqual([
    4,
    expect.stringContaining('already claimed by ann'),
  ]);
  const complete = await run('bob', 'complete', 'build');
  expect([complete.code, complete.stderr]).toEqual([
    4,
    expect.stringContaining("claimed by 'ann'"),
  ]);
});

it('a step that needs a review is named while waiting, until the timeout', async () => {
  await run('ann', 'complete', 'build', '--needs-review');
  expect((await run('bob', 'step-status', 'build')).stdout).toContain('needs_review');
  const { code, stderr } = await run('bob', 'wait-for', 'build', '--timeout', '0');
  expect(code).toBe(6);
  expect(stderr).toMatch(/needs review: build\b[\s\S]*Timeout/);
});
