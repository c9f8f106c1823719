import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;

beforeEach(async () => {
  world = await createCliWorld();
});
afterEach(() => world.remove());

async function transcripts(count: number): Promise<void> {
  const folder = join(world.home, '.claude', 'projects', '-srv');
  await mkdir(folder, { recursive: true });
  for (let n = 0; n < count; n += 1) {
    const id = sessionUuid();
    const row = userRow(`prompt ${n}`, { sessionId: id, cwd: '/srv' });
    await writeFile(join(folder, `${id}.jsonl`), lineOf(row));
  }
}

/** The exit code when nobody reads any further than the first line of either output. */
function unread(args: readonly string[]): Promise<number | null> {
  const child = world.start(args);
  child.stdin?.end();
  for (const output of [child.stdout, child.stderr]) output?.once('data', () => output.destroy());
  return new Promise((resolve) => child.once('exit', resolve));
}

it('a mirror that nobody watches is finished all the same', async () => {
  await transcripts(8);
  expect(await unread(['watch', '--once', '--all'])).toBe(0);
  expect(await world.run(['session', 'verify', '--all'])).toMatchObject({ code: 0 });
  const { json } = await world.runJson(['session', 'list']);
  expect(Object(json).data.sessions).toHaveLength(8);
});

it('a report that nobody reads to its end has its exit code', async () => {
  await transcripts(4);
  await world.run(['init', '--global', '--agent', 'me']);
  expect(await unread(['session', 'verify', '--all'])).toBe(10);
});

it('a watch that nobody reads any more sends what there is, and ends', async () => {
  await transcripts(4);
  expect(await unread(['watch', '--all'])).toBe(0);
  expect(await world.run(['session', 'verify', '--all'])).toMatchObject({ code: 0 });
});

it('a report without an end ends when nobody reads any more', async () => {
  await world.run(['init', '--global', '--agent', 'me']);
  expect(await unread(['status', '--watch'])).toBe(0);
});
