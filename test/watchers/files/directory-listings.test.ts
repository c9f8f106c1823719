import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeIo } from '../../../src/io.js';
import { DirectoryListings } from '../../../watchers/files/directory-listings.js';
import { ManualClock } from '../../support/manual-clock.js';
import { createTemporaryFolder } from '../../support/temporary-folder.js';

const hour = 3_600_000;

describe('a pass over recent folders', () => {
  let root: string;
  let remove: () => Promise<void>;
  let asked: string[];
  let listings: DirectoryListings;
  let clock: ManualClock;

  beforeEach(async () => {
    ({ path: root, remove } = await createTemporaryFolder());
    asked = [];
    clock = new ManualClock();
    const io = {
      ...nodeIo,
      stat: (path: string) => {
        asked.push(path);
        return nodeIo.stat(path);
      },
    };
    listings = new DirectoryListings(io, clock, () => undefined);
    await mkdir(join(root, 'calm'));
    await mkdir(join(root, 'busy'));
    await touched('calm', 2 * hour);
    await touched('.', 2 * hour);
    for (const folder of [root, join(root, 'calm'), join(root, 'busy')])
      await listings.list(folder);
    asked.length = 0;
  });

  afterEach(() => remove());

  /** Sets the time of a folder to so long ago. */
  async function touched(name: string, agoMs: number): Promise<void> {
    const at = new Date(clock.now() - agoMs);
    await utimes(join(root, name), at, at);
  }

  const namesIn = async (name: string): Promise<readonly string[] | undefined> =>
    (await listings.list(join(root, name), 'recent'))?.map((entry) => entry.name);

  it('asks nothing about a calm folder until something was heard of in it', async () => {
    await writeFile(join(root, 'calm', 'new.jsonl'), '');
    expect([await namesIn('calm'), asked]).toEqual([[], []]);
    listings.heardOf(join(root, 'calm', 'new.jsonl'));
    expect(await namesIn('calm')).toEqual(['new.jsonl']);
  });

  it('is news where something was heard of, or where a recent folder changed, and nowhere else', async () => {
    clock.advance(5_000);
    await listings.list(join(root, 'busy'));
    listings.beginPass(root);
    expect(await listings.isNewsBelow(root)).toBe(false);
    await writeFile(join(root, 'calm', 'new.jsonl'), '');
    expect(await listings.isNewsBelow(root)).toBe(false);
    listings.heardOf(join(root, 'calm'));
    expect(await listings.isNewsBelow(root)).toBe(true);
    listings.beginPass(root);
    expect(await listings.isNewsBelow(root)).toBe(false);
    await writeFile(join(root, 'busy', 'new.jsonl'), '');
    expect(await listings.isNewsBelow(root)).toBe(true);
  });

  it('is news until a pass begins, whoever has listed the folder in between', async () => {
    clock.advance(5_000);
    listings.beginPass(root);
    await writeFile(join(root, 'busy', 'new.jsonl'), '');
    await listings.list(join(root, 'busy'));
    expect(await listings.isNewsBelow(root)).toBe(true);
    listings.beginPass(root);
    expect(await listings.isNewsBelow(root)).toBe(false);
  });

  it('asks about a folder untouched for a day once in 24 minutes in turn, and always in a pass over all', async () => {
    await touched('calm', 25 * hour);
    const path = join(root, 'calm');
    const turn = async (): Promise<number> => {
      asked.length = 0;
      await listings.list(path, 'turn');
      return asked.length;
    };
    await listings.list(path);
    expect(await turn()).toBe(0);
    clock.advance(1_440_000);
    expect([await turn(), await turn()]).toEqual([1, 0]);
    listings.heardOf(join(path, 'new.jsonl'));
    expect(await turn()).toBe(1);
    asked.length = 0;
    await listings.list(path, 'all');
    expect(asked).toEqual([path]);
  });

  it('lists a folder that it does not know yet', async () => {
    await mkdir(join(root, 'fresh'));
    await touched('fresh', 2 * hour);
    await writeFile(join(root, 'fresh', 'a'), '');
    await touched('fresh', 2 * hour);
    expect(await namesIn('fresh')).toEqual(['a']);
  });
});
