import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket, ListOptions } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { withRetry } from '../../src/bucket/retry.js';
import { NotAllowedError, UnreachableError } from '../../src/errors.js';
import { EagerClock } from '../support/eager-clock.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { lostAnswer, type ScriptedBucket, scripted } from './scripted-bucket.js';

const mine = Buffer.from('{"nonce": "mine"}');
const theirs = Buffer.from('{"nonce": "theirs"}');
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let clock: EagerClock;
/** What other clients of the same store do. */
let others: Bucket;
let store: ScriptedBucket;
let bucket: Bucket;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  clock = new EagerClock();
  const root = join(folder.path, 'bucket');
  await mkdir(root);
  others = await openLocalBucket({ root });
  store = scripted(others);
  bucket = retrying(() => 0.5);
});

afterEach(() => folder.remove());

function retrying(random: () => number): Bucket {
  return withRetry(store, { clock, random, attempts: 4, baseMs: 100, maxMs: 1_000 });
}

const bodyOf = async (key: string): Promise<string | undefined> =>
  (await others.get(key))?.body.toString();

describe('plain calls', () => {
  it('are retried until they succeed', async () => {
    const path = join(folder.path, 'file');
    await writeFile(path, 'file');
    for (const operation of ['put', 'get', 'delete', 'putFile', 'getFile', 'now'] as const) {
      store.script(operation, 'unsent', 'unanswered', 'unsent');
    }
    await bucket.put('a', mine);
    expect((await bucket.get('a'))?.body).toEqual(mine);
    await bucket.putFile('b', path);
    await bucket.getFile('a', path);
    expect(await readFile(path)).toEqual(mine);
    await bucket.delete('a');
    expect(await bucket.now()).toBeInstanceOf(Date);
    expect(store.counts()).toMatchObject({
      put: 4,
      get: 4,
      delete: 4,
      putFile: 4,
      getFile: 4,
      now: 4,
    });
    expect(await bodyOf('a')).toBeUndefined();
  });

  it('fail with the last error once attempts are used up', async () => {
    const last = lostAnswer();
    store.script('put', 'unsent', 'unsent', 'unsent', last, 'applied');
    await expect(bucket.put('a', mine)).rejects.toBe(last);
    expect(store.counts().put).toBe(4);
  });

  it('are not retried after permanent errors', async () => {
    store.script('get', new NotAllowedError('no credentials'));
    await expect(bucket.get('a')).rejects.toThrow(NotAllowedError);
    store.script('put', new TypeError('a mistake of ours'));
    await expect(bucket.put('a', mine)).rejects.toThrow(TypeError);
    expect(clock.sleeps).toEqual([]);
  });
});

describe('pauses', () => {
  it('are random below a bound that doubles up to a limit', async () => {
    store.script('get', 'unsent', 'unsent', 'unsent');
    await retrying(() => 0.999_999).get('a');
    expect(clock.sleeps.map(Math.round)).toEqual([100, 200, 400]);
    clock.sleeps.length = 0;
    store.script('get', 'unsent', 'unsent', 'unsent');
    await retrying(() => 0).get('a');
    expect(clock.sleeps).toEqual([0, 0, 0]);
    clock.sleeps.length = 0;
    const capped = withRetry(store, {
      clock,
      random: () => 1,
      attempts: 9,
      baseMs: 100,
      maxMs: 300,
    });
    store.script('get', ...Array.from({ length: 8 }, () => 'unsent' as const));
    await capped.get('a');
    expect(clock.sleeps).toEqual([100, 200, 300, 300, 300, 300, 300, 300]);
  });

  it('are never shorter than the store asks for', async () => {
    store.script('put', new UnreachableError('slow down', { retryAfterMs: 7_000 }), 'unsent');
    await bucket.put('a', mine);
    expect(clock.sleeps).toEqual([7_000, 100]);
  });

  it('are left to the caller if the store asks for too long a pause', async () => {
    const busy = new UnreachableError('come back later', { retryAfterMs: 3_600_000 });
    store.script('put', busy);
    await expect(bucket.put('a', mine)).rejects.toBe(busy);
    expect(clock.sleeps).toEqual([]);
  });

  it('end when the caller stops', async () => {
    const stop = new AbortController();
    store.script('get', 'unsent', 'applied');
    const waiting = withRetry(store, {
      clock: { ...systemTime(clock), sleep: async () => stop.abort() },
      attempts: 4,
      baseMs: 100,
      maxMs: 1_000,
    });
    await expect(waiting.get('a', { signal: stop.signal })).rejects.toThrow(UnreachableError);
    expect(store.counts().get).toBe(1);
  });
});

describe('creating', () => {
  it('is lost if the answer says so and another object is there', async () => {
    await others.put('a', theirs);
    expect(await bucket.putIfAbsent('a', mine)).toEqual({ written: false });
    expect(store.counts()).toMatchObject({ putIfAbsent: 1, get: 1 });
  });

  it('is won if the answer says no but our own bytes are there', async () => {
    await others.put('a', mine);
    expect(await bucket.putIfAbsent('a', mine)).toMatchObject({ written: true });
    expect(store.counts()).toMatchObject({ putIfAbsent: 1, get: 1 });
  });

  it('is sent again if the answer says no but nothing is there', async () => {
    store.script('putIfAbsent', 'refused', 'refused');
    expect(await bucket.putIfAbsent('a', mine)).toMatchObject({ written: true });
    expect(store.counts()).toMatchObject({ putIfAbsent: 3, get: 2 });
  });

  it('is undecided if the store keeps saying no and nothing is there', async () => {
    store.script('putIfAbsent', 'refused', 'refused', 'refused', 'refused');
    await expect(bucket.putIfAbsent('a', mine)).rejects.toThrow(/^not known whether a was written/);
    expect(store.counts().putIfAbsent).toBe(4);
  });

  it('is won if only the answer was lost, without sending again', async () => {
    store.script('putIfAbsent', 'unanswered');
    const outcome = await bucket.putIfAbsent('a', mine);
    expect(outcome).toEqual({ written: true, etag: (await others.get('a'))?.etag });
    expect(store.counts()).toMatchObject({ putIfAbsent: 1, get: 1 });
  });

  it('is sent again if nothing arrived', async () => {
    store.script('putIfAbsent', 'unsent', 'unsent');
    expect(await bucket.putIfAbsent('a', mine)).toMatchObject({ written: true });
    expect(store.counts()).toMatchObject({ putIfAbsent: 3, get: 2 });
    expect(await bodyOf('a')).toBe(mine.toString());
  });

  it('is won if the first request arrives late, just before the second', async () => {
    store.script('putIfAbsent', 'delayed', 'applied');
    expect(await bucket.putIfAbsent('a', mine)).toMatchObject({ written: true });
    expect(store.counts()).toMatchObject({ putIfAbsent: 2, get: 2 });
  });

  it('is lost if someone else was first, even if the answer was lost', async () => {
    await others.put('a', theirs);
    store.script('putIfAbsent', 'unsent');
    expect(await bucket.putIfAbsent('a', mine)).toEqual({ written: false });
    store.script('putIfAbsent', 'unanswered');
    expect(await bucket.putIfAbsent('a', mine)).toEqual({ written: false });
    expect(await bodyOf('a')).toBe(theirs.toString());
  });

  it('is undecided if the store can be neither written nor read', async () => {
    const first = lostAnswer();
    store.script('putIfAbsent', first);
    store.script('get', 'unsent', 'unsent', 'unsent', 'unsent');
    await expect(bucket.putIfAbsent('a', mine)).rejects.toBe(first);
  });

  it('reports the reason if the store can be written but not read', async () => {
    store.script('putIfAbsent', 'unsent');
    store.script('get', new NotAllowedError('no reading'));
    await expect(bucket.putIfAbsent('a', mine)).rejects.toThrow(NotAllowedError);
  });

  it('is given up if it never arrives', async () => {
    store.script('putIfAbsent', 'unsent', 'unsent', 'unsent', 'unsent');
    await expect(bucket.putIfAbsent('a', mine)).rejects.toThrow(UnreachableError);
    expect(store.counts().putIfAbsent).toBe(4);
  });
});

describe('replacing', () => {
  let etag: string;

  beforeEach(async () => {
    ({ etag } = await others.put('a', Buffer.from('before')));
  });

  it('is lost if the answer says so and another object is there', async () => {
    expect(await bucket.putIfMatch('a', mine, '"stale"')).toEqual({ written: false });
    expect(store.counts()).toMatchObject({ putIfMatch: 1, get: 1 });
  });

  it('is sent again if the answer says no but the object is the expected one', async () => {
    store.script('putIfMatch', 'refused');
    expect(await bucket.putIfMatch('a', mine, etag)).toMatchObject({ written: true });
    expect(store.counts()).toMatchObject({ putIfMatch: 2, get: 1 });
  });

  it('is won if only the answer was lost', async () => {
    store.script('putIfMatch', 'unanswered');
    const outcome = await bucket.putIfMatch('a', mine, etag);
    expect(outcome).toEqual({ written: true, etag: (await others.get('a'))?.etag });
    expect(store.counts().putIfMatch).toBe(1);
  });

  it('is sent again while the object is unchanged', async () => {
    store.script('putIfMatch', 'unsent', 'unsent');
    expect(await bucket.putIfMatch('a', mine, etag)).toMatchObject({ written: true });
    expect(store.counts().putIfMatch).toBe(3);
  });

  it('is won if the first request arrives late, just before the second', async () => {
    store.script('putIfMatch', 'delayed', 'applied');
    expect(await bucket.putIfMatch('a', mine, etag)).toMatchObject({ written: true });
  });

  it('is lost if someone else replaced or removed the object meanwhile', async () => {
    store.script('putIfMatch', 'unsent');
    await others.put('a', theirs);
    expect(await bucket.putIfMatch('a', mine, etag)).toEqual({ written: false });
    await others.delete('a');
    store.script('putIfMatch', 'unsent');
    expect(await bucket.putIfMatch('a', mine, etag)).toEqual({ written: false });
    expect(await bodyOf('a')).toBeUndefined();
  });
});

describe('an ETag that is not the MD5 of the content', () => {
  /** What the store calls its objects, in reads and in answers to writes. */
  const naming = (inReads: (etag: string) => string, inWrites: (etag: string) => string) => {
    const named = {
      ...others,
      get: async (...call: Parameters<Bucket['get']>) => {
        const found = await others.get(...call);
        return found && { ...found, etag: inReads(found.etag) };
      },
      putIfAbsent: async (...call: Parameters<Bucket['putIfAbsent']>) => {
        const outcome = await others.putIfAbsent(...call);
        return outcome.written ? { ...outcome, etag: inWrites(outcome.etag) } : outcome;
      },
    };
    store = scripted(named);
    bucket = retrying(() => 0.5);
  };
  const turned = (etag: string): string => `"${etag.slice(1, -1).split('').reverse().join('')}"`;

  it('is checked once, and accepted if reads agree', async () => {
    naming(turned, turned);
    const first = await bucket.putIfAbsent('a', mine);
    expect(first).toEqual({ written: true, etag: (await bucket.get('a'))?.etag });
    await bucket.putIfAbsent('b', mine);
    expect(store.counts()).toMatchObject({ putIfAbsent: 2, get: 2 });
  });

  it('is replaced by the ETag of reads if they disagree', async () => {
    naming((etag) => etag, turned);
    for (const key of ['a', 'b']) {
      const etag = (await others.put('other', mine)).etag;
      expect(await bucket.putIfAbsent(key, mine)).toEqual({ written: true, etag });
    }
    expect(store.counts().get).toBe(2);
  });

  it('does not turn a write that cannot be read back into a failure', async () => {
    naming((etag) => etag, turned);
    store.script('get', new NotAllowedError('no reading'));
    expect(await bucket.putIfAbsent('a', mine)).toMatchObject({ written: true });
  });
});

describe('listings', () => {
  const keys = ['p/a', 'p/b/1', 'p/b/2', 'p/c', 'p/d/1', 'p/e'];

  beforeEach(async () => {
    for (const key of keys) await others.put(key, mine);
  });

  const names = async (options?: ListOptions): Promise<readonly string[]> => {
    const seen: string[] = [];
    for await (const entry of bucket.list('p/', options)) {
      seen.push(entry.kind === 'object' ? entry.key : entry.prefix);
    }
    return seen;
  };

  it('continue where they were cut off', async () => {
    for (let after = 0; after <= keys.length; after += 1) {
      store.failListsAfter(after);
      expect(await names(), `broken after ${after}`).toEqual(keys);
    }
  });

  it('continue after a group', async () => {
    const groups = ['p/a', 'p/b/', 'p/c', 'p/d/', 'p/e'];
    for (let after = 0; after <= groups.length; after += 1) {
      store.failListsAfter(after);
      expect(await names({ delimiter: '/' }), `broken after ${after}`).toEqual(groups);
    }
  });

  it('start where the caller asked', async () => {
    store.failListsAfter(0, 1, 0);
    expect(await names({ after: 'p/b/1' })).toEqual(keys.slice(2));
  });

  it('repeat nothing, even if the store starts over', async () => {
    const forgetful = scripted({ ...others, list: (prefix) => others.list(prefix) });
    bucket = withRetry(forgetful, { clock, attempts: 4, baseMs: 1, maxMs: 1 });
    forgetful.failListsAfter(2, 4);
    expect(await names()).toEqual(keys);
  });

  it('continue as long as each attempt returns something', async () => {
    store.failListsAfter(1, 1, 1, 1, 1, 1);
    expect(await names()).toEqual(keys);
    expect(store.counts().list).toBe(7);
  });

  it('end with the error if nothing more comes', async () => {
    store.failListsAfter(2, 0, 0, 0, 0, 0);
    await expect(names()).rejects.toThrow(UnreachableError);
    expect(store.counts().list).toBe(4);
  });
});

function systemTime(from: EagerClock) {
  return { now: () => from.now(), monotonic: () => from.monotonic() };
}
