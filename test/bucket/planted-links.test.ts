import { createHash } from 'node:crypto';
import { chown, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { NotAllowedError } from '../../src/errors.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import {
  age,
  createOutside,
  linkKinds,
  type Outside,
  plant,
  snapshot,
} from '../support/watched-outside.js';

const key = 'p/agents/a.json';
const lockName = createHash('sha256').update(key).digest('hex').slice(0, 32);
const ownFile = '4711-0123456789abcdef';
const ownLock = 'lock-0123456789abcdef';

/** Every step below the root that some operation on `key` could take. */
const levels = [
  '.tracecraft',
  '.tracecraft/tmp',
  `.tracecraft/tmp/${ownFile}`,
  `.tracecraft/tmp/${ownLock}`,
  `.tracecraft/tmp/${ownLock}/pid=1`,
  '.tracecraft/locks',
  `.tracecraft/locks/${lockName}`,
  `.tracecraft/locks/${lockName}/pid=1`,
  'p',
  'p/agents',
  key,
  'p/agents/b.json',
];

type Operation = (bucket: Bucket, place: Place) => Promise<unknown>;

interface Place {
  readonly root: string;
  readonly outside: Outside;
  readonly spare: string;
}

const body = Buffer.from('ours\n');
const readings: Readonly<Record<string, Operation>> = {
  get: (bucket) => bucket.get(key),
  getFile: (bucket, { spare }) => bucket.getFile(key, join(spare, 'copy')),
  list: (bucket) => all(bucket.list('')),
  listBelow: (bucket) => all(bucket.list('p/agents/')),
  listShallow: (bucket) => all(bucket.list('p/', { delimiter: '/' })),
  now: (bucket) => bucket.now(),
};
const writings: Readonly<Record<string, Operation>> = {
  put: (bucket) => bucket.put(key, body),
  putIfAbsent: (bucket) => bucket.putIfAbsent(key, body),
  putIfMatch: async (bucket) => {
    const found = await bucket.get(key).catch(() => undefined);
    return bucket.putIfMatch(key, body, found?.etag ?? '"none"');
  },
  putFile: (bucket, { spare }) => bucket.putFile(key, join(spare, 'source')),
  putBelow: (bucket) => bucket.put(`${key}/deeper/still`, body),
  delete: (bucket) => bucket.delete(key),
};

async function all(entries: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of entries);
}

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let count = 0;

beforeEach(async () => {
  folder = await createTemporaryFolder();
});

afterEach(() => folder.remove());

async function createPlace(): Promise<Place> {
  count += 1;
  const base = join(folder.path, String(count));
  const place = { root: join(base, 'bucket'), spare: join(base, 'spare') };
  await mkdir(place.root, { recursive: true });
  await mkdir(place.spare);
  await writeFile(join(place.spare, 'source'), 'a file of the user');
  const outside = await createOutside(join(base, 'outside'));
  await age(place.root);
  return { ...place, outside };
}

/** The bucket as it was used before somebody put a link into it. */
async function lived({ root }: Place): Promise<void> {
  const bucket = await openLocalBucket({ root });
  await bucket.put(key, Buffer.from('old\n'));
  await bucket.putIfMatch(key, Buffer.from('older\n'), '"none"');
}

async function swap(path: string, make: () => Promise<void>): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await make();
}

const noHardLinks = async (): Promise<void> => {
  throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
};

/** Planted before the bucket is opened, or while it is open. */
const scenes = fc.record({
  level: fc.constantFrom(...levels),
  kind: fc.constantFrom(...linkKinds),
  hasLived: fc.boolean(),
  isOpenBefore: fc.boolean(),
  hasHardLinks: fc.boolean(),
  order: fc.shuffledSubarray([...Object.keys(readings), ...Object.keys(writings)], {
    minLength: 3,
  }),
});

describe('a link planted in a bucket', () => {
  it('leads no operation outside, at any level', async () => {
    await fc.assert(
      fc.asyncProperty(scenes, async (scene) => {
        const place = await createPlace();
        const { root, outside } = place;
        const open = () =>
          openLocalBucket({ root, ...(scene.hasHardLinks ? {} : { hardLink: noHardLinks }) });
        if (scene.hasLived) await lived(place);
        const early = scene.isOpenBefore ? await open() : undefined;
        const path = join(root, ...scene.level.split('/'));
        await swap(path, () => plant(path, scene.kind, outside));
        const before = outside.look();
        const bucket = early ?? (await open());
        for (const name of scene.order) {
          const run = { ...readings, ...writings }[name];
          await run?.(bucket, place).catch((error: unknown) => error);
          expect(outside.look(), name).toBe(before);
        }
      }),
      { numRuns: 80, endOnFailure: true },
    );
  }, 120_000);

  it.each(['.tracecraft', '.tracecraft/tmp', '.tracecraft/locks', `.tracecraft/locks/${lockName}`])(
    'at %s is named by every write, with what to do; reads do not need it',
    async (level) => {
      const place = await createPlace();
      await lived(place);
      const path = join(place.root, level);
      await swap(path, () => plant(path, 'folder', place.outside));
      const bucket = await openLocalBucket({ root: place.root });
      const writing = bucket.put(key, body);
      await expect(writing).rejects.toThrow(NotAllowedError);
      await expect(writing).rejects.toThrow(`${path} is a symbolic link`);
      await expect(writing).rejects.toMatchObject({ hint: expect.stringContaining('Remove') });
      expect((await bucket.get(key))?.body.toString()).toBe('old\n');
    },
  );

  it('in the path of an upload in progress stops that upload', async () => {
    const place = await createPlace();
    await lived(place);
    const bucket = await openLocalBucket({ root: place.root });
    const before = place.outside.look();
    const agents = join(place.root, 'p', 'agents');
    // Planted once the first bytes were read: long after the way was first looked at.
    let planted: Promise<void> | undefined;
    await writeFile(join(place.spare, 'source'), Buffer.alloc(8 << 20, 'x'));
    const upload = bucket.putFile(key, join(place.spare, 'source'), {
      onProgress: () => {
        planted ??= rename(agents, join(place.root, 'moved')).then(() =>
          symlink(place.outside.path, agents),
        );
      },
    });
    await expect(upload).rejects.toThrow(NotAllowedError);
    await planted;
    expect(place.outside.look()).toBe(before);
  });
});

describe('a bucket that is only read', () => {
  it('stays unchanged: nothing is created or swept', async () => {
    const place = await createPlace();
    await lived(place);
    const leftovers = join(place.root, '.tracecraft', 'tmp');
    await writeFile(join(leftovers, ownFile), 'x');
    await age(join(leftovers, ownFile));
    for (const root of [place.root, join(place.root, 'p')]) {
      const before = snapshot(root);
      const bucket = await openLocalBucket({ root });
      for (const read of Object.values(readings)) {
        await read(bucket, place).catch((error: unknown) => error);
      }
      expect(snapshot(root)).toEqual(before);
    }
  });
});

describe('the sweep', () => {
  it('removes only files that we named, before the first write', async () => {
    const place = await createPlace();
    await lived(place);
    const temporaries = join(place.root, '.tracecraft', 'tmp');
    const others = ['notes.txt', '12-short', `${ownFile}.txt`, 'lock-mine', 'folder/within'];
    const full = ['lock-00000000000000ff/no-holder', `lock-00000000000000ee/pid=7/full`];
    const files = [ownFile, 'young', ...others, ...full];
    for (const name of files) {
      await mkdir(dirname(join(temporaries, name)), { recursive: true });
      await writeFile(join(temporaries, name), 'x');
    }
    await mkdir(join(temporaries, ownLock, 'pid=4711&host=here'), { recursive: true });
    await mkdir(join(temporaries, '4711-ffffffffffffffff'));
    for (const name of await readdir(temporaries)) await age(join(temporaries, name));
    await writeFile(join(temporaries, '1-00000000000000aa'), 'young');
    const bucket = await openLocalBucket({ root: place.root });
    await bucket.put(key, body);
    expect((await readdir(temporaries)).sort()).toEqual(
      [
        '1-00000000000000aa',
        '12-short',
        `${ownFile}.txt`,
        '4711-ffffffffffffffff',
        'folder',
        'lock-00000000000000ee',
        'lock-00000000000000ff',
        'lock-mine',
        'notes.txt',
        'young',
      ].sort(),
    );
  });

  // Only the superuser can give files away.
  it.runIf(process.getuid?.() === 0)("leaves another user's leftovers to that user", async () => {
    const place = await createPlace();
    await lived(place);
    const path = join(place.root, '.tracecraft', 'tmp', ownFile);
    await writeFile(path, 'x');
    await age(path);
    await chown(path, 65_533, 65_533);
    await (await openLocalBucket({ root: place.root })).put(key, body);
    expect(await readdir(dirname(path))).toEqual([ownFile]);
  });
});
