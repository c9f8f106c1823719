import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lineOf, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let transcript: Transcript;
let id = '';
/** As a killed watch leaves it. */
let lock: { readonly path: string; readonly content: Buffer };

beforeAll(async () => {
  world = await createCliWorld();
  id = sessionUuid();
  const project = join(world.home, '.claude', 'projects', '-work');
  transcript = new Transcript(join(project, `${id}.jsonl`));
  await append(1);
  await new Transcript(join(project, id, 'subagents', 'agent-a1.jsonl')).append(row(1), row(2));
  await watchOnce();
  await append(2);
  await watchKilled();
  const files = await filesBelow(join(world.stateFolder, 'state'));
  const path = files.find((one) => one.endsWith('/watch.lock')) ?? '';
  lock = { path, content: await readFile(path) };
});

afterAll(() => world.remove());

function row(n: number): string {
  return lineOf(userRow(`row ${n}`, { sessionId: id, cwd: '/work' }));
}

async function append(n: number): Promise<void> {
  await transcript.append(row(n));
}

/** How far it is would be told where a machine is slow, and is no trouble. */
async function watchOnce(): Promise<CliResult> {
  const result = await world.run(['watch', '--once'], { cwd: world.home });
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout).toContain('Nothing is behind.');
  const stderr = result.stderr.replace(/^Mirroring: .*\n/gm, '');
  return { ...result, stderr };
}

/** Leaves what a killed watch leaves: its lock, too. */
async function watchKilled(): Promise<void> {
  const watch = world.start(['watch'], { cwd: world.home });
  watch.stderr?.resume();
  const gone = once(watch, 'exit');
  for await (const chunk of watch.stdout ?? []) {
    if (String(chunk).includes('uploaded part-00001')) break;
  }
  watch.kill('SIGKILL');
  await gone;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((one) => join(one.parentPath, one.name));
}

/** Every part and generation record in the bucket, by its path below it. */
async function chains(): Promise<string[]> {
  const bucket = join(world.stateFolder, 'bucket', 'default');
  const files = [
    ...(await filesBelow(join(bucket, 'sessions'))),
    ...(await filesBelow(join(bucket, 'streams'))),
  ];
  return files.filter((path) => !path.endsWith('meta.json')).sort();
}

type Damage = (path: string, whole: Buffer) => Promise<unknown>;

/** `npm run soak` does all of them; `npm test` those that state-damage.test.ts does not do to single files. */
const isFull = process.env.TRACECRAFT_SOAK === 'full';
const damages: Readonly<Record<string, Damage>> = {
  'cut in half': (path, whole) => writeFile(path, whole.subarray(0, whole.length >> 1)),
  'a hundred thousand brackets': (path) => writeFile(path, '['.repeat(100_000)),
  'a folder of its name': async (path) => {
    await rm(path);
    await mkdir(join(path, 'inside'), { recursive: true });
  },
  ...(isFull
    ? {
        empty: (path) => writeFile(path, ''),
        'NULs of its length': (path, whole) => writeFile(path, Buffer.alloc(whole.length)),
        'random text': (path) => writeFile(path, '<html>\n{"v":1}\n[]\n9e99\n'),
        gone: (path) => rm(path),
      }
    : {}),
};

it.each(Object.entries(damages))('every state file at once: %s', async (_, damage) => {
  const before = await chains();
  await writeFile(lock.path, lock.content);
  const files = await filesBelow(join(world.stateFolder, 'state'));
  const last = new Set(files.map((path) => path.split('/').at(-1)));
  for (const name of ['watch.lock', 'main.json', 'main.parts']) expect(last).toContain(name);
  for (const path of files) await damage(path, await readFile(path));
  const first = await watchOnce();
  expect(first.stdout).not.toContain('uploaded');
  expect(first.stderr).not.toMatch(/\n\s+at /);
  expect(await chains()).toEqual(before);
  await append(before.length);
  const second = await watchOnce();
  expect(second.stdout.match(/ {2}uploaded part-/g)).toHaveLength(1);
  expect(await chains()).toHaveLength(before.length + 1);
  const state = join(world.stateFolder, 'state');
  if (second.stderr === '') return;
  // What could not be kept was told. Once it can, it is.
  await rm(state, { recursive: true });
  expect((await watchOnce()).stderr).toBe('');
});

it('after all of this the bucket equals the transcripts', async () => {
  const verified = await world.run(['session', 'verify'], { cwd: world.home });
  expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('2 streams agree') });
  expect((await chains()).filter((path) => path.includes('/gen-'))).toEqual([]);
});

it('a file in place of the state folder', async () => {
  const state = join(world.stateFolder, 'state');
  await rm(state, { recursive: true });
  await writeFile(state, 'not a folder');
  const before = await chains();
  const result = await watchOnce();
  expect(result.stderr).toContain('local state cannot be kept');
  expect(await chains()).toEqual(before);
});

it('an invalid config is named, whatever it contains', async () => {
  const path = join(world.stateFolder, 'config.json');
  for (const content of ['', '{', '{"backend":7}', '\0\0\0']) {
    await writeFile(path, content);
    const result = await world.run(['watch', '--once'], { cwd: world.home });
    expect(result.code, content).toBe(2);
    expect(result.stderr).toContain(path);
    expect(result.stderr).not.toMatch(/\n\s+at /);
  }
});
