import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lineOf, sessionUuid, userRow } from '../support/claude-tree.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
const ids = Array.from({ length: 18 }, () => sessionUuid());

/** Enough sessions that what is sent of them is worth a pack. */
beforeEach(async () => {
  world = await createCliWorld();
  const folder = join(world.home, '.claude', 'projects', '-work');
  await mkdir(folder, { recursive: true });
  for (const [n, sessionId] of ids.entries()) {
    const row = lineOf(userRow(`pelican number${n}x`, { sessionId, cwd: '/work' }));
    await writeFile(join(folder, `${sessionId}.jsonl`), row);
  }
  await world.run(['init', '--global', '--project', 'p', '--agent', 'tester']);
});

afterEach(() => world.remove());

const bucketFolder = (...names: string[]) => join(world.stateFolder, 'bucket', 'p', ...names);

/** What was written just now is not packed: it could change once more within a tick. */
async function dateBack(): Promise<void> {
  const then = new Date(Date.now() - 60_000);
  for (const name of await readdir(bucketFolder('sessions'), { recursive: true })) {
    if (name.endsWith('.jsonl')) await utimes(bucketFolder('sessions', name), then, then);
  }
}

async function packs(): Promise<readonly string[]> {
  const names = await readdir(bucketFolder('search'), { recursive: true }).catch(() => []);
  return names.filter((name) => name.endsWith('.pack'));
}

async function found(word: string, ...flags: string[]) {
  const { stdout } = await world.run(['search', word, '--all', '--json', ...flags]);
  const lines = stdout.trimEnd().split('\n');
  const values = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const { data } = values.pop() ?? {};
  return { hits: values, totals: data as Record<string, unknown> };
}

const patient = 180_000;

it('are made by a watch, searched in, and lose what is removed', { timeout: patient }, async () => {
  expect(await world.run(['watch', '--once', '--all'])).toMatchObject({ code: 0 });
  expect(await packs()).toHaveLength(1);
  const packed = await found('pelican');
  const scanned = await found('pelican', '--scan');
  expect(packed.hits).toEqual(scanned.hits);
  expect(packed.hits).toHaveLength(18);
  expect(packed.totals).toMatchObject({ scanned_bytes: 0, coverage: 'listed' });
  const [gone = ''] = ids;
  await world.run(['session', 'remove', gone, '--yes']);
  expect(await packs()).toEqual([]);
  const left = await found('pelican');
  expect(left.hits).toHaveLength(17);
  expect(JSON.stringify(left.hits)).not.toContain('number0x');
});

it('are made by hand if the config says that a watch makes none', {
  timeout: patient,
}, async () => {
  const config = join(world.stateFolder, 'config.json');
  const text = JSON.parse(await readFile(config, 'utf8')) as object;
  await writeFile(config, JSON.stringify({ ...text, search: { publish: false } }));
  expect(await world.run(['watch', '--once', '--all'])).toMatchObject({ code: 0 });
  expect(await packs()).toEqual([]);
  await dateBack();
  expect(await world.run(['search', 'index', '--published'])).toMatchObject({ code: 0 });
  expect(await packs()).toHaveLength(1);
  expect((await found('pelican')).totals).toMatchObject({ hits: 18, scanned_bytes: 0 });
  const purged = await world.runJson(['search', 'index', '--purge', '--published']);
  expect(purged.json).toMatchObject({ data: { deleted: 1 } });
  expect(await packs()).toEqual([]);
});

it('are looked through for secrets, and go if one is found', { timeout: patient }, async () => {
  await world.run(['watch', '--once', '--all']);
  const [name = ''] = await packs();
  const config = join(world.stateFolder, 'config.json');
  const patterns = [{ name: 'bird', pattern: 'number7x' }];
  const text = JSON.parse(await readFile(config, 'utf8')) as object;
  await writeFile(config, JSON.stringify({ ...text, redact: { patterns } }));
  const { json } = await world.runJson(['redact', 'scan']);
  const keys = (json as { data: { findings: { key: string }[] } }).data.findings;
  expect(keys.map(({ key }) => key)).toContain(`p/search/${name}`);
  const fixed = await world.run(['redact', 'scan', '--fix']);
  expect(fixed).toMatchObject({ code: 0, stdout: expect.stringContaining(name) });
  expect(await packs()).toEqual([]);
  expect((await found('number7x')).hits).toEqual([]);
});
