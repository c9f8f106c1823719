import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nodeRestoreDisk, type OutputFile } from '../../src/restore/disk.js';
import { Staging } from '../../src/restore/staging.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

let home: Awaited<ReturnType<typeof createTemporaryFolder>>;

beforeEach(async () => {
  home = await createTemporaryFolder();
});

afterEach(async () => {
  await home.remove();
});

const megabyte = 1 << 20;

it('keeps the order of what is added, line by line, in large pieces, and to several files in turn', async () => {
  const staging = await Staging.open(nodeRestoreDisk, home.path, 'test');
  const expected = new Map<string, Buffer[]>();
  const reused = Buffer.alloc(3 * megabyte);
  const sizes = [10, 200_000, megabyte - 1, megabyte, 5, 2 * megabyte + 7, 900_000, 200_000, 0, 1];
  for (const [turn, size] of sizes.entries()) {
    for (const name of ['a', 'b', 'a']) {
      const bytes = reused.subarray(0, size).fill(turn + name.charCodeAt(0));
      await staging.add({ path: ['in', name], bytes });
      expected.set(name, [...(expected.get(name) ?? []), Buffer.from(bytes)]);
    }
  }
  const placed = await staging.place();
  await staging.close();
  expect(placed.map(({ state }) => state)).toEqual(['written', 'written']);
  for (const [name, pieces] of expected) {
    const found = await readFile(join(home.path, 'in', name));
    expect(found.equals(Buffer.concat(pieces))).toBe(true);
  }
});

it('waits for nothing while lines are only gathered', async () => {
  const writes: number[] = [];
  const create = async (path: string): Promise<OutputFile> => {
    const file = await nodeRestoreDisk.create(path);
    const write = (bytes: Buffer) => {
      writes.push(bytes.length);
      return file.write(bytes);
    };
    return { ...file, write };
  };
  const staging = await Staging.open({ ...nodeRestoreDisk, create }, home.path, 'test');
  const path = ['a'];
  const line = Buffer.alloc(1_000, 'x');
  let waits = 0;
  for (let n = 0; n < 5_000; n += 1) {
    const writing = staging.add({ path, bytes: line });
    if (writing === undefined) continue;
    waits += 1;
    await writing;
  }
  await staging.place();
  await staging.close();
  expect(writes.reduce((sum, one) => sum + one, 0)).toBe(5_000_000);
  expect(writes.length).toBeLessThanOrEqual(5);
  expect(waits).toBeLessThanOrEqual(5);
});

it('says so if a file does not read back as it was written', async () => {
  const link = async (from: string, to: string): Promise<void> => {
    await nodeRestoreDisk.link(from, to);
    await rm(to);
    const other = await nodeRestoreDisk.create(to);
    await other.write(Buffer.from('two'));
    await other.close();
  };
  await mkdir(join(home.path, 'in'));
  const staging = await Staging.open({ ...nodeRestoreDisk, link }, home.path, 'test');
  await staging.add({ path: ['in', 'a'], bytes: Buffer.from('one') });
  await expect(staging.place()).rejects.toMatchObject({ exitCode: 10 });
  await staging.close();
});

it('takes a file back if the folder it went to became a link after it was looked at', async () => {
  const outside = await createTemporaryFolder();
  const link = async (from: string, to: string): Promise<void> => {
    await rm(join(home.path, 'in'), { recursive: true });
    await symlink(outside.path, join(home.path, 'in'));
    await nodeRestoreDisk.link(from, to);
  };
  const staging = await Staging.open({ ...nodeRestoreDisk, link }, home.path, 'test');
  await staging.add({ path: ['in', 'a'], bytes: Buffer.from('one') });
  await expect(staging.place()).rejects.toMatchObject({ exitCode: 7 });
  await staging.close();
  expect(await readdir(outside.path)).toEqual([]);
  await outside.remove();
});

it('leaves alone what appeared there after it was looked at', async () => {
  const link = async (from: string, to: string): Promise<void> => {
    await writeFile(to, 'mine');
    await nodeRestoreDisk.link(from, to);
  };
  const staging = await Staging.open({ ...nodeRestoreDisk, link }, home.path, 'test');
  await staging.add({ path: ['a'], bytes: Buffer.from('one') });
  await expect(staging.place()).rejects.toMatchObject({ exitCode: 4 });
  await staging.close();
  expect(await readFile(join(home.path, 'a'), 'utf8')).toBe('mine');
});
