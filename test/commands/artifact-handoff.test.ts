import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let bucket = '';

beforeAll(async () => {
  world = await createCliWorld();
  bucket = join(world.root, 'bucket');
  const init = ['init', '--backend', 'local', '--bucket', bucket, '--project', 'demo'];
  expect((await world.run([...init, '--agent', 'ann'])).code).toBe(0);
});

afterAll(() => world.remove());

function run(agent: string, ...args: readonly string[]): Promise<CliResult> {
  return world.run(args, { env: { TRACECRAFT_AGENT: agent, TRACECRAFT_SESSION: agent } });
}

async function upload(agent: string, text: string, ...flags: readonly string[]): Promise<number> {
  await writeFile(join(world.project, 'fix.diff'), text);
  const { code } = await run(agent, 'artifact', 'upload', 'fix.diff', '--step', 'fix', ...flags);
  return code ?? -1;
}

async function downloaded(...args: readonly string[]): Promise<string> {
  const { code, stderr } = await run('rev', 'artifact', 'download', ...args, '--force');
  expect(code, stderr).toBe(0);
  return readFile(join(world.project, 'got', 'fix.diff'), 'utf8');
}

describe('artifacts of a handed-over step', () => {
  it('may be replaced only by its holder, and by nobody once it is done', async () => {
    await run('ann', 'claim', 'fix');
    expect(await upload('ann', 'first')).toBe(0);
    expect(await upload('ann', 'second')).toBe(0);
    expect(await upload('bob', "a stranger's")).toBe(4);
    expect(await upload('bob', 'a new name', '--name', 'notes.txt')).toBe(0);
    const completed = await run('ann', 'complete', 'fix', '--artifact', 'fix.diff', '--to', 'rev');
    expect(completed.code, completed.stderr).toBe(0);
    expect(await upload('ann', 'too late')).toBe(4);
    expect(await upload('bob', 'by force', '--force')).toBe(0);
  });

  it('are downloaded as they were handed over, whatever has been uploaded since', async () => {
    expect(await downloaded('fix/fix.diff', '--to', 'got')).toBe('second');
    expect(await downloaded('--handoff', 'fix', '--to', 'got')).toBe('second');
    expect(await downloaded('fix/fix.diff', '--latest', '--to', 'got')).toBe('by force');
    await run('rev', 'artifact', 'download', 'fix/fix.diff', '-o', 'mine.diff');
    expect(await readFile(join(world.project, 'mine.diff'), 'utf8')).toBe('second');
  });

  it('are kept as copies, listed on request, under names nobody may use', async () => {
    const { stdout } = await run('rev', 'artifact', 'list');
    expect(stdout).not.toContain('~');
    const { stdout: all } = await run('rev', 'artifact', 'list', '--all');
    expect(all.match(/^fix\/fix\.diff~[0-9a-f]{12} /gm)).toHaveLength(2);
    expect(await upload('bob', 'x', '--name', 'fix.diff~0123456789ab')).toBe(2);
  });

  it('destroyed by another tool are not replaced by other content: exit 1', async () => {
    const { stdout } = await run('rev', 'artifact', 'list', '--all');
    for (const name of stdout.match(/fix\.diff~\w+/g) ?? []) {
      await writeFile(join(bucket, 'demo', 'artifacts', 'fix', name), 'other');
    }
    const { code, stderr } = await run(
      'rev',
      'artifact',
      'download',
      'fix/fix.diff',
      '--to',
      'bad',
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining('handed over')]);
  });
});

it('a fenced holder cannot add to the new holder’s artifacts', async () => {
  await run('ann', 'claim', 'slow', '--ttl', '1s');
  const late = async () => {
    await writeFile(join(world.project, 'late.txt'), 'late');
    return run('ann', 'artifact', 'upload', 'late.txt', '--step', 'slow', '--epoch', '1');
  };
  const taken = await run('bob', 'claim', 'slow', '--wait', '--timeout', '30s');
  expect(taken.code, taken.stderr).toBe(0);
  const { code, stderr } = await late();
  expect([code, stderr]).toEqual([4, expect.stringContaining('fenced')]);
});
