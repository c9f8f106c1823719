import { spawnSync } from 'node:child_process';
import {
  chmod,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { aheadMs } from '../../src/bucket/local/folder-clock.js';
import { openLocks } from '../../src/bucket/local/lock.js';
import { createBucketIfMissing } from '../../src/bucket/open.js';
import { systemClock } from '../../src/clock.js';
import { NotAllowedError, NotFoundError, UnreachableError, UsageError } from '../../src/errors.js';
import { ManualClock } from '../support/manual-clock.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const threeHoursMs = 3 * 3_600_000;
const text = (value: string): Buffer => Buffer.from(value);
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let root: string;
let bucket: Bucket;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  root = join(folder.path, 'bucket');
  await mkdir(root);
  bucket = await openLocalBucket({ root });
});

afterEach(() => folder.remove());

async function keys(prefix = '', delimiter?: '/'): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const entry of bucket.list(prefix, delimiter === undefined ? {} : { delimiter })) {
    found.push(entry.kind === 'object' ? entry.key : entry.prefix);
  }
  return found;
}

const internal = async (name: string): Promise<readonly string[]> =>
  readdir(join(root, '.tracecraft', name)).catch(() => []);

describe('the folder', () => {
  it('holds each object as a file named by its key, readable by its owner only', async () => {
    await bucket.put('p/agents/a.json', text('{}\n'));
    expect(await readFile(join(root, 'p', 'agents', 'a.json'), 'utf8')).toBe('{}\n');
    expect((await stat(join(root, 'p', 'agents', 'a.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(root, 'p', 'agents'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(root, 'p'))).mode & 0o777).toBe(0o700);
  });

  it('lists none of our own files, and keeps no leftovers', async () => {
    const created = await bucket.putIfAbsent('a', text('1'));
    await bucket.putIfAbsent('a', text('2'));
    await bucket.putIfMatch('a', text('3'), created.written ? created.etag : '');
    await bucket.putIfMatch('a', text('4'), '"stale"');
    await bucket.delete('a');
    expect(await keys()).toEqual([]);
    expect(await keys('', '/')).toEqual([]);
    expect(await internal('tmp')).toEqual([]);
    expect(await internal('locks')).toEqual([]);
  });

  it('reserves one name for itself', async () => {
    await expect(bucket.put('.tracecraft/tmp/x', text('x'))).rejects.toThrow(UsageError);
    await expect(bucket.get('.tracecraft')).rejects.toThrow(UsageError);
    await bucket.put('p/.tracecraft/x', text('x'));
    expect(await keys()).toEqual(['p/.tracecraft/x']);
    expect(await keys('.tracecraft/')).toEqual([]);
    expect(await keys('.trace')).toEqual([]);
  });

  it('removes the folders that a deletion leaves empty, and no others', async () => {
    await bucket.put('p/a/b/c', text('x'));
    await bucket.put('p/d', text('x'));
    await bucket.delete('p/a/b/c');
    expect(await readdir(join(root, 'p'))).toEqual(['d']);
    await bucket.delete('p/d');
    expect(await readdir(root)).toEqual(['.tracecraft']);
  });

  it('loses no write if a deletion removes its folder meanwhile', async () => {
    for (let round = 0; round < 20; round += 1) {
      await bucket.put('p/q/old', text('x'));
      await Promise.all([bucket.delete('p/q/old'), bucket.put('p/q/new', text('y'))]);
      expect(await keys()).toEqual(['p/q/new']);
      await bucket.delete('p/q/new');
    }
  });

  it('never lets a simultaneous conditional write undo a plain write or a deletion', async () => {
    for (let round = 0; round < 20; round += 1) {
      const first = await bucket.put('contested', text('old'));
      await Promise.all([
        bucket.putIfMatch('contested', text('conditional'), first.etag),
        bucket.put('contested', text('plain')),
      ]);
      // In either order: the condition fails after the plain write, and is overwritten before it.
      expect((await bucket.get('contested'))?.body.toString()).toBe('plain');
      const second = await bucket.put('contested', text('old again'));
      await Promise.all([
        bucket.putIfMatch('contested', text('conditional'), second.etag),
        bucket.delete('contested'),
      ]);
      expect(await bucket.get('contested')).toBeUndefined();
    }
  });

  it('makes plain writes and deletions wait for a replacement in progress', async () => {
    const locks = openLocks({
      folder: join(root, '.tracecraft', 'locks'),
      temporaries: join(root, '.tracecraft', 'tmp'),
      clock: systemClock,
    });
    await bucket.put('a', text('old'));
    for (const change of [() => bucket.put('a', text('new')), () => bucket.delete('a')]) {
      const before = (await bucket.get('a'))?.body.toString();
      let changing = Promise.resolve<unknown>(undefined);
      await locks.hold('a', async () => {
        changing = change();
        // Far more steps than the change itself would need.
        for (let look = 0; look < 100; look += 1) {
          expect((await bucket.get('a'))?.body.toString()).toBe(before);
        }
      });
      await changing;
      expect((await bucket.get('a'))?.body.toString()).not.toBe(before);
    }
  });

  it('is swept, before the first write, of leftovers older than an hour', async () => {
    const temporaries = join(root, '.tracecraft', 'tmp');
    const [old, young, lock] = [
      '17-00000000000000aa',
      '17-00000000000000bb',
      'lock-00000000000000cc',
    ];
    await mkdir(join(temporaries, lock, 'pid=17'), { recursive: true });
    await writeFile(join(temporaries, old), 'x');
    await writeFile(join(temporaries, young), 'x');
    const hourAgo = Date.now() / 1000 - 3_601;
    for (const name of [old, lock]) await utimes(join(temporaries, name), hourAgo, hourAgo);
    const wrong = new ManualClock();
    wrong.advance(threeHoursMs);
    const later = await openLocalBucket({ root, clock: wrong });
    await later.put('a', text('x'));
    expect(await readdir(temporaries)).toEqual([young]);
  });

  it.each([threeHoursMs, -threeHoursMs])(
    'dates objects, and tells the time, as its file system does, whatever a clock that is %i ms off shows',
    async (offMs) => {
      const clock = new ManualClock();
      clock.advance(offMs);
      const [skewed, asked] = [
        await openLocalBucket({ root, clock }),
        await openLocalBucket({ root, clock, isForWriting: true }),
      ];
      await skewed.put('a', text('x'));
      const { mtimeMs } = await stat(join(root, 'a'));
      expect(Math.abs(mtimeMs - Date.now())).toBeLessThan(60_000);
      // One learnt it from its own write, the other has to ask.
      for (const timed of [skewed, asked]) {
        expect(Math.abs((await timed.now()).getTime() - mtimeMs)).toBeLessThan(60_000);
      }
      expect(await readdir(join(root, '.tracecraft', 'tmp'))).toEqual([]);
    },
  );

  it('keeps a clock of its own only if its files say so', () => {
    const nowMs = Date.parse('2026-01-02T03:04:05Z');
    // Between two readings of ours, or a tick earlier: it is the same clock.
    expect([0.9, -4].map((ms) => aheadMs(nowMs + ms, nowMs, nowMs))).toEqual([0, 0]);
    expect(aheadMs(nowMs + threeHoursMs, nowMs - 7, nowMs)).toBe(threeHoursMs);
    expect(aheadMs(nowMs - threeHoursMs, nowMs, nowMs)).toBe(-threeHoursMs);
    const nothing = [0, Number.NaN, Number.POSITIVE_INFINITY, -1];
    for (const mtimeMs of nothing) expect(aheadMs(mtimeMs, nowMs, nowMs)).toBeUndefined();
  });

  it('is not written to by a question for the time before its first write', async () => {
    await (await openLocalBucket({ root, isForWriting: true })).now();
    expect(await readdir(root)).toEqual([]);
  });
});

describe('a missing folder', () => {
  it('is created on request, once, accessible to its owner only', async () => {
    const target = { backend: 'local', root: join(folder.path, 'new', 'bucket') } as const;
    expect(await createBucketIfMissing(target)).toEqual({ isNew: true });
    expect(await createBucketIfMissing(target)).toEqual({ isNew: false });
    expect((await stat(target.root)).mode & 0o777).toBe(0o700);
  });

  it('cannot be opened, and is not created by opening', async () => {
    const missing = join(folder.path, 'missing');
    await expect(openLocalBucket({ root: missing })).rejects.toThrow(NotFoundError);
    expect(await readdir(folder.path)).toEqual(['bucket']);
    await writeFile(missing, 'a file');
    await expect(openLocalBucket({ root: missing })).rejects.toThrow(UsageError);
    await expect(createBucketIfMissing({ backend: 'local', root: missing })).rejects.toThrow(
      UsageError,
    );
  });

  it('that disappeared, as when a drive is unplugged, is not an empty bucket', async () => {
    await bucket.put('a', text('x'));
    await rename(root, join(folder.path, 'unplugged'));
    const calls = [
      () => bucket.get('a'),
      () => keys(),
      () => bucket.put('a', text('y')),
      () => bucket.putIfAbsent('b', text('y')),
      () => bucket.delete('a'),
      () => bucket.getFile('a', join(folder.path, 'copy')),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(UnreachableError);
    // The empty mount point is still there.
    await mkdir(root);
    for (const call of calls) await expect(call()).rejects.toThrow(UnreachableError);
    expect(await readdir(root)).toEqual([]);
    await rm(root, { recursive: true });
    await rename(join(folder.path, 'unplugged'), root);
    expect((await bucket.get('a'))?.body.toString()).toBe('x');
  });
});

describe('names in the way', () => {
  it('such as a file where a folder is needed are reported', async () => {
    await bucket.put('a', text('x'));
    expect(await bucket.get('a/b')).toBeUndefined();
    await bucket.delete('a/b');
    await expect(bucket.put('a/b', text('y'))).rejects.toThrow(UsageError);
    await expect(bucket.putIfAbsent('a/b', text('y'))).rejects.toThrow(UsageError);
    expect(await keys()).toEqual(['a']);
  });

  it('such as a folder where a file is needed are reported', async () => {
    await bucket.put('a/b', text('x'));
    expect(await bucket.get('a')).toBeUndefined();
    await bucket.delete('a');
    await expect(bucket.put('a', text('y'))).rejects.toThrow(UsageError);
    await expect(bucket.putIfAbsent('a', text('y'))).rejects.toThrow(UsageError);
    expect(await bucket.putIfMatch('a', text('y'), '"e"')).toEqual({ written: false });
    expect(await keys()).toEqual(['a/b']);
  });

  it('do not matter if they are empty folders', async () => {
    await mkdir(join(root, 'a'));
    await mkdir(join(root, 'b'));
    expect(await keys('', '/')).toEqual([]);
    await bucket.put('a', text('x'));
    expect(await bucket.putIfAbsent('b', text('x'))).toMatchObject({ written: true });
    expect(await keys()).toEqual(['a', 'b']);
  });

  it('that are too long for the file system are refused', async () => {
    await expect(bucket.put('x'.repeat(300), text('x'))).rejects.toThrow(UsageError);
    await expect(bucket.put('a/\uFFFD', text('x'))).rejects.toThrow(UsageError);
  });
});

describe('many folders side by side', () => {
  const names = Array.from({ length: 1_500 }, (_, n) => `all/${String(n).padStart(4, '0')}/`);

  it('are all listed once and in order, whatever their files are called, but for empty ones', async () => {
    for (const [n, name] of names.entries()) {
      await mkdir(join(root, name, 'deep'), { recursive: true });
      if (n % 7 === 3) continue;
      const file = n % 5 === 2 ? `deep/${n}.jsonl` : 'meta.json';
      await writeFile(join(root, name, file), 'x');
    }
    const full = names.filter((_, n) => n % 7 !== 3);
    expect(await keys('all/', '/')).toEqual(full);
    expect(await keys('all/00', '/')).toEqual(full.filter((name) => name.startsWith('all/00')));
    expect(await keys('all/')).toHaveLength(full.length);
  });

  it('are not all looked at by whoever wants the first, and stop where the caller does', async () => {
    for (const name of names) await mkdir(join(root, name), { recursive: true });
    for (const name of names) await writeFile(join(root, name, 'meta.json'), 'x');
    for await (const entry of bucket.list('all/', { delimiter: '/' })) {
      expect(entry).toEqual({ kind: 'prefix', prefix: names[0] });
      break;
    }
    const stop = new AbortController();
    let seen = 0;
    const all = async () => {
      for await (const _ of bucket.list('all/', { delimiter: '/', signal: stop.signal })) {
        seen += 1;
        if (seen === 10) stop.abort();
      }
    };
    await expect(all()).rejects.toThrow();
    expect(seen).toBeLessThan(names.length / 2);
  });
});

describe('symbolic links', () => {
  beforeEach(async () => {
    await mkdir(join(folder.path, 'outside'));
    await writeFile(join(folder.path, 'outside', 'secret'), 'secret');
    await symlink(join(folder.path, 'outside'), join(root, 'folder'));
    await symlink(join(folder.path, 'outside', 'secret'), join(root, 'file'));
    await symlink(join(folder.path, 'outside', 'nothing'), join(root, 'dangling'));
  });

  it('are not followed by any operation', async () => {
    for (const key of ['folder/secret', 'file', 'dangling']) {
      await expect(bucket.get(key)).rejects.toThrow(NotAllowedError);
      await expect(bucket.put(key, text('x'))).rejects.toThrow(NotAllowedError);
      await expect(bucket.putIfAbsent(key, text('x'))).rejects.toThrow(NotAllowedError);
      await expect(bucket.putIfMatch(key, text('x'), '"e"')).rejects.toThrow(NotAllowedError);
      await expect(bucket.delete(key)).rejects.toThrow(NotAllowedError);
      await expect(bucket.getFile(key, join(folder.path, 'x'))).rejects.toThrow(NotAllowedError);
    }
    expect(await readdir(join(folder.path, 'outside'))).toEqual(['secret']);
    expect(await readFile(join(folder.path, 'outside', 'secret'), 'utf8')).toBe('secret');
  });

  it('are not listed, nor is anything behind them', async () => {
    await bucket.put('a', text('x'));
    expect(await keys()).toEqual(['a']);
    expect(await keys('folder/')).toEqual([]);
    expect(await keys('', '/')).toEqual(['a']);
  });

  it('may lead to the bucket itself', async () => {
    await symlink(root, join(folder.path, 'alias'));
    const aliased = await openLocalBucket({ root: join(folder.path, 'alias') });
    await aliased.put('a', text('x'));
    expect(await keys()).toEqual(['a']);
  });

  it('are named with their target if that is not there, whether the bucket is the link or below it', async () => {
    const [usb, drive] = [join(folder.path, 'usb'), join(folder.path, 'media', 'drive')];
    await symlink(drive, usb);
    for (const path of [usb, join(usb, 'traces'), join(usb, 'a', 'b')]) {
      for (const step of [
        () => createBucketIfMissing({ backend: 'local', root: path }),
        () => openLocalBucket({ root: path }),
      ]) {
        const error = await step().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(NotFoundError);
        expect(error).toMatchObject({
          message: expect.stringContaining(
            `bucket ${path}: ${usb} is a link to ${drive}, which is not there`,
          ),
          hint: expect.stringContaining('Mount the drive'),
        });
      }
    }
    await mkdir(drive, { recursive: true });
    expect(await createBucketIfMissing({ backend: 'local', root: join(usb, 'a') })).toEqual({
      isNew: true,
    });
    expect((await stat(join(drive, 'a'))).isDirectory()).toBe(true);
  });
});

describe('a listing', () => {
  it('skips files that vanish while it runs', async () => {
    for (const key of ['a/1', 'a/2', 'b/1', 'c']) await bucket.put(key, text('x'));
    const seen: string[] = [];
    for await (const entry of bucket.list('')) {
      if (entry.kind === 'object') seen.push(entry.key);
      await bucket.delete('a/2');
      await bucket.delete('b/1');
    }
    expect(seen).toEqual(['a/1', 'c']);
  });

  it('gives what vanished before it was looked at no size and no time', async () => {
    await bucket.put('a', text('x'));
    for await (const entry of bucket.list('', { detailsOnDemand: true })) {
      await bucket.delete('a');
      expect(entry).toMatchObject({ key: 'a', size: 0, modifiedAt: new Date(0) });
    }
    expect(await keys()).toEqual([]);
    expect.assertions(2);
  });

  it('skips what cannot be a key or is not a file', async () => {
    await bucket.put('a', text('x'));
    await writeFile(join(root, 'back\\slash'), 'x');
    await writeFile(join(root, 'new\nline'), 'x');
    await writeFile(Buffer.concat([text(`${root}/not-utf8-`), Buffer.from([0xff])]), 'x');
    spawnSync('mkfifo', [join(root, 'pipe')]);
    expect(await keys()).toEqual(['a']);
    await expect(bucket.get('pipe')).rejects.toThrow(UsageError);
  });

  it('stops when its caller aborts', async () => {
    for (const key of ['a', 'b', 'c']) await bucket.put(key, text('x'));
    const stop = new AbortController();
    const listing = bucket.list('', { signal: stop.signal })[Symbol.asyncIterator]();
    expect((await listing.next()).value).toMatchObject({ key: 'a' });
    stop.abort();
    await expect(listing.next()).rejects.toThrow(UnreachableError);
  });
});

describe('a file system without hard links', () => {
  const refusing = (code: string) => async (): Promise<void> => {
    throw Object.assign(new Error(code), { code });
  };

  it.each(['EPERM', 'ENOTSUP', 'EMLINK'])('(%s) creates under the lock instead', async (code) => {
    const plain = await openLocalBucket({ root, hardLink: refusing(code) });
    const bodies = Array.from({ length: 8 }, (_, index) => text(`writer ${index}`));
    const outcomes = await Promise.all(bodies.map((body) => plain.putIfAbsent('a/b', body)));
    const winners = bodies.filter((_, index) => outcomes[index]?.written);
    expect(winners).toEqual([(await plain.get('a/b'))?.body]);
    expect(await plain.putIfAbsent('a/b', text('late'))).toEqual({ written: false });
    expect(await internal('tmp')).toEqual([]);
    expect(await internal('locks')).toEqual([]);
  });

  it('checks the outcome if the answer of a network file system was lost', async () => {
    const forgetful = await openLocalBucket({
      root,
      hardLink: async (file, name) => {
        await link(file, name);
        throw Object.assign(new Error('EEXIST'), { code: 'EEXIST' });
      },
    });
    expect(await forgetful.putIfAbsent('a', text('x'))).toMatchObject({ written: true });
    expect(await forgetful.putIfAbsent('a', text('y'))).toEqual({ written: false });
    expect((await forgetful.get('a'))?.body.toString()).toBe('x');
    expect(await internal('tmp')).toEqual([]);
  });

  it('reports any other failure', async () => {
    const full = await openLocalBucket({ root, hardLink: refusing('ENOSPC') });
    const error = await full.putIfAbsent('a', text('x')).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error).toMatchObject({
      retryable: true,
      message: expect.stringContaining('disk is full'),
    });
    const readOnly = await openLocalBucket({ root, hardLink: refusing('EROFS') });
    await expect(readOnly.putIfAbsent('a', text('x'))).rejects.toThrow(NotAllowedError);
    expect(await keys()).toEqual([]);
    expect(await internal('tmp')).toEqual([]);
  });
});

// The superuser may write anywhere, so there nothing would be refused.
describe.skipIf(process.getuid?.() === 0)('a folder without permission', () => {
  it('can be read even if it cannot be written', async () => {
    await bucket.put('p/a', text('x'));
    await chmod(join(root, 'p'), 0o500);
    await chmod(join(root, '.tracecraft', 'tmp'), 0o500);
    try {
      const reading = await openLocalBucket({ root });
      expect((await reading.get('p/a'))?.body.toString()).toBe('x');
      await expect(reading.put('p/b', text('y'))).rejects.toThrow(NotAllowedError);
      await expect(reading.putIfAbsent('p/b', text('y'))).rejects.toThrow(NotAllowedError);
    } finally {
      await chmod(join(root, 'p'), 0o700);
      await chmod(join(root, '.tracecraft', 'tmp'), 0o700);
    }
  });
});
