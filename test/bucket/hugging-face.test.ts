import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { createHubBucketIfMissing, openHubBucket } from '../../src/bucket/hugging-face/bucket.js';
import { hubToken } from '../../src/bucket/hugging-face/location.js';
import { patientRetry, withRetry } from '../../src/bucket/retry.js';
import {
  NotAllowedError,
  NotFoundError,
  TracecraftError,
  UnreachableError,
  UsageError,
} from '../../src/errors.js';
import { EagerClock } from '../support/eager-clock.js';
import { tooFast, unavailable } from '../support/hub/faults.js';
import { type Hub, startHub } from '../support/hub/hub.js';
import { collect } from '../support/run-cli.js';
import { bundleModule } from '../support/run-module.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const text = (value: string): Buffer => Buffer.from(value);

let hub: Hub;
let token: string;
let bucket: Bucket;

beforeEach(async () => {
  hub = await startHub();
  hub.createBucket('ann/traces');
  token = hub.token({ name: 'ann', role: 'write' });
  bucket = openHubBucket({ bucket: 'ann/traces', endpoint: hub.endpoint, token });
});

afterEach(() => hub.stop());

const requests = (what: RegExp): readonly string[] => hub.seen.filter((one) => what.test(one));

/** What the error says, everything in it included, after checking that the token is nowhere. */
async function failureOf(step: Promise<unknown>, secret: string): Promise<TracecraftError> {
  const error: unknown = await step.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TracecraftError)) throw new Error(`not one of ours: ${String(error)}`);
  const cause = error.cause instanceof Error ? `${error.cause.stack}${error.cause.message}` : '';
  const all = `${error.message} ${error.hint} ${error.stack} ${cause} ${JSON.stringify(error)}`;
  expect(all).not.toContain(secret);
  return error;
}

describe('writes', () => {
  it('made at the same moment go up in one batch', async () => {
    const keys = Array.from({ length: 40 }, (_, index) => `p/m/${index}`);
    await Promise.all(keys.map((key) => bucket.put(key, text(key))));
    expect(requests(/POST .*\/batch/)).toHaveLength(1);
    for (const key of keys) expect(hub.content('ann/traces', key)?.toString()).toBe(key);
  });

  it('go up at most a hundred to a batch, one upload at a time', async () => {
    const keys = Array.from({ length: 130 }, (_, index) => `p/m/${index}`);
    await Promise.all(keys.map((key) => bucket.put(key, text(key))));
    expect(requests(/POST .*\/batch/)).toHaveLength(2);
    const order = hub.seen.map((one) => /batch|shards/.exec(one)?.[0]).filter(Boolean);
    expect(order.indexOf('batch')).toBeLessThan(order.lastIndexOf('shards'));
  });

  it('to one key stay in order', async () => {
    await Promise.all([1, 2, 3].map((round) => bucket.put('p/k', text(`round ${round}`))));
    expect(hub.content('ann/traces', 'p/k')?.toString()).toBe('round 3');
    expect(requests(/POST .*\/batch/)).toHaveLength(3);
  });

  it('use the bytes as they were when the caller called', async () => {
    const body = text('before');
    const written = bucket.put('p/k', body);
    body.write('after!');
    await written;
    expect(hub.content('ann/traces', 'p/k')?.toString()).toBe('before');
  });

  it('that a batch refuses fail with name and reason; the others succeed', async () => {
    hub.refusePaths(/bad/, 'Quota is used up');
    const [good, bad] = await Promise.allSettled([
      bucket.put('p/good', text('x')),
      bucket.put('p/bad', text('y')),
    ]);
    expect(good.status).toBe('fulfilled');
    expect(bad).toMatchObject({ reason: { kind: 'unreachable', retryable: true } });
    if (bad.status === 'rejected') expect(bad.reason.message).toMatch(/p\/bad.*Quota is used up/);
    const alone = await failureOf(bucket.put('p/bad', text('y')), token);
    expect(alone.message).toMatch(/p\/bad.*Quota is used up/);
  });

  it('are dropped if they are aborted before they are sent', async () => {
    const stop = new AbortController();
    const first = bucket.put('p/first', text('1'));
    const second = bucket.put('p/second', text('2'), { signal: stop.signal });
    stop.abort();
    await expect(second).rejects.toThrow(UnreachableError);
    await first;
    expect([...(hub.buckets.get('ann/traces')?.files.keys() ?? [])]).toEqual(['p/first']);
  });
});

describe('reads', () => {
  it('made at the same moment are looked up together', async () => {
    const keys = Array.from({ length: 30 }, (_, index) => `p/m/${index}`);
    await Promise.all(keys.map((key) => bucket.put(key, text(key))));
    const found = await Promise.all(keys.map((key) => bucket.get(key)));
    expect(found.map((one) => one?.body.toString())).toEqual(keys);
    expect(requests(/paths-info/).length).toBeLessThanOrEqual(4);
  });

  it('never send the token to the server that holds the content', async () => {
    await bucket.put('p/k', text('x'));
    // The content server refuses whoever sends one.
    expect((await bucket.get('p/k'))?.body.toString()).toBe('x');
    expect(requests(/^xet:GET \/content/)).toHaveLength(1);
  });

  it('that are cut off are repeated', async () => {
    await bucket.put('p/k', text('a text of some length'));
    hub.faults.next(/^GET \/content/, 'cut-short');
    const patient = withRetry(bucket, { ...patientRetry, clock: new EagerClock() });
    expect((await patient.get('p/k'))?.body.toString()).toBe('a text of some length');
  });

  it('of files that are cut off leave nothing behind', async () => {
    const folder = await createTemporaryFolder();
    try {
      await bucket.put('p/k', text('a text of some length'));
      hub.faults.next(/^GET \/content/, 'cut-short', 'cut-short', 'cut-short', 'cut-short');
      const path = join(folder.path, 'file');
      await writeFile(path, 'old');
      await expect(bucket.getFile('p/k', path)).rejects.toThrow(UnreachableError);
      hub.faults.clear();
      await bucket.getFile('p/k', path);
    } finally {
      await folder.remove();
    }
  });
});

describe('listings', () => {
  it('list each object once, whatever is written between two pages', async () => {
    const paged = await startHub({ pageSize: 3 });
    try {
      const { files } = paged.createBucket('ann/traces');
      const owner = paged.token({ name: 'ann', role: 'write' });
      const place = openHubBucket({
        bucket: 'ann/traces',
        endpoint: paged.endpoint,
        token: owner,
      });
      const keys = Array.from({ length: 8 }, (_, index) => `p/m/${index}`);
      await Promise.all(keys.map((key) => place.put(key, text(key))));
      const known = files.get('p/m/0');
      if (known === undefined) throw new Error('nothing was stored');
      let written = 0;
      // Before each page something comes in front of what was listed.
      paged.faults.delayAll(() => {
        written += 1;
        const path = `p/m/+${written}`;
        files.set(path, { ...known, path });
        return 0;
      });
      const listed: string[] = [];
      for await (const entry of place.list('p/')) {
        if (entry.kind === 'object') listed.push(entry.key);
      }
      expect(written).toBeGreaterThan(2);
      expect(listed).toEqual([...new Set(listed)]);
      expect(listed).toEqual(expect.arrayContaining(keys));
    } finally {
      await paged.stop();
    }
  });
});

describe('deletions', () => {
  it('made at the same moment are one batch', async () => {
    const keys = Array.from({ length: 12 }, (_, index) => `p/m/${index}`);
    await Promise.all(keys.map((key) => bucket.put(key, text(key))));
    hub.seen.length = 0;
    await Promise.all(keys.map((key) => bucket.delete(key)));
    expect(requests(/POST .*\/batch/)).toHaveLength(1);
    expect(hub.buckets.get('ann/traces')?.files.size).toBe(0);
  });

  it('that are refused count as done if the object is gone, and otherwise fail with its name', async () => {
    await bucket.put('p/kept', text('x'));
    hub.refusePaths(/./, 'Path does not exist');
    await bucket.delete('p/never-was');
    const failed = await failureOf(bucket.delete('p/kept'), token);
    expect(failed.message).toMatch(/p\/kept.*Path does not exist/);
  });
});

describe('transient failures are retried', () => {
  const steps = [
    ['xet-write-token', /xet-write-token/],
    ['a xorb', /xorbs/],
    ['a shard', /shards/],
    ['a batch', /POST .*\/batch/],
  ] as const;

  it.each(steps)('while writing: %s', async (_, what) => {
    const own = hub.createBucket(`ann/b${Math.floor(Math.random() * 1e9)}`);
    const place = openHubBucket({
      bucket: own.id,
      endpoint: hub.endpoint,
      token,
      clock: new EagerClock(),
    });
    hub.faults.next(what, 'dropped', unavailable);
    await place.put('p/k', text('one'));
    hub.faults.next(what, 'unanswered', tooFast(1));
    await place.put('p/k', text('two'));
    expect(hub.content(own.id, 'p/k')?.toString()).toBe('two');
  });

  it.each([
    ['a look-up', /paths-info/],
    ['a resolve', /\/resolve\//],
    ['the content', /^GET \/content/],
  ])('while reading: %s', async (_, what) => {
    const place = openHubBucket({
      bucket: 'ann/traces',
      endpoint: hub.endpoint,
      token,
      clock: new EagerClock(),
    });
    await place.put('p/k', text('x'));
    hub.faults.next(what, 'dropped', tooFast(2));
    expect((await place.get('p/k'))?.body.toString()).toBe('x');
  });

  it('reports how long the Hub asks us to wait', async () => {
    hub.faults.next(/paths-info/, tooFast(34));
    const failed = await failureOf(bucket.get('p/k'), token);
    expect(failed).toMatchObject({ kind: 'unreachable', retryAfterMs: 34_000 });
    expect(failed.message).toContain('429');
  });

  it('does not wait forever', async () => {
    const dead = openHubBucket({
      bucket: 'ann/traces',
      endpoint: 'http://127.0.0.1:9',
      token,
      clock: new EagerClock(),
    });
    const failed = await failureOf(dead.get('p/k'), token);
    expect(failed).toBeInstanceOf(UnreachableError);
  });
});

describe('a user without permission', () => {
  it('is told that the token is unknown', async () => {
    const stranger = 'hf_unknownunknownunknown';
    const place = openHubBucket({
      bucket: 'ann/traces',
      endpoint: hub.endpoint,
      token: stranger,
    });
    const collected = async (): Promise<void> => {
      for await (const _ of place.list('p/')) break;
    };
    const steps = [() => place.get('p/k'), () => place.delete('p/k'), collected];
    for (const step of steps) {
      const failed = await failureOf(step(), stranger);
      expect(failed).toBeInstanceOf(NotAllowedError);
      expect(failed.message).toContain('does not accept this token');
    }
  });

  it('is told that the token may only read', async () => {
    const reader = hub.token({ name: 'ann', role: 'read' });
    const own = hub.createBucket('ann/read-only');
    const place = openHubBucket({ bucket: own.id, endpoint: hub.endpoint, token: reader });
    const failed = await failureOf(place.put('p/k', text('x')), reader);
    expect(failed).toBeInstanceOf(NotAllowedError);
    expect(failed.message).toContain('may not do that');
    expect(await place.get('p/k')).toBeUndefined();
  });

  it('is told that there is no such bucket, private ones of others included', async () => {
    hub.createBucket('bob/diary');
    for (const name of ['ann/nowhere', 'bob/diary']) {
      const place = openHubBucket({ bucket: name, endpoint: hub.endpoint, token });
      for (const step of [() => place.get('p/k'), () => place.put('p/k', text('x'))]) {
        const failed = await failureOf(step(), token);
        expect(failed).toBeInstanceOf(NotFoundError);
        expect(failed.message).toContain(name);
      }
      const listed = async (): Promise<void> => {
        for await (const _ of place.list('p/')) break;
      };
      expect(await failureOf(listed(), token)).toBeInstanceOf(NotFoundError);
    }
  });

  it('is not told back a token that the server repeats', async () => {
    hub.faults.next(/paths-info/, {
      status: 403,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ error: `Bearer ${token} is not enough` }),
    });
    const failed = await failureOf(bucket.get('p/k'), token);
    expect(failed.message).toContain('is not enough');
  });
});

describe('tokens', () => {
  const ask = (env: Record<string, string>): Promise<string> =>
    hubToken({ token: undefined, env, location: 'hf://buckets/ann/traces' });

  it('come from the environment, then from the file, in the order that the Hub’s own tools use', async () => {
    const folder = await createTemporaryFolder();
    try {
      const home = folder.path;
      await mkdir(join(home, '.cache', 'huggingface'), { recursive: true });
      await writeFile(join(home, '.cache', 'huggingface', 'token'), 'hf_file\n');
      await writeFile(join(home, 'other'), 'hf_other');
      expect(await ask({ HOME: home })).toBe('hf_file');
      expect(await ask({ HOME: home, HF_TOKEN_PATH: join(home, 'other') })).toBe('hf_other');
      expect(await ask({ HOME: home, HUGGING_FACE_HUB_TOKEN: 'hf_old' })).toBe('hf_old');
      const both = { HOME: home, HF_TOKEN: ' hf_new\n', HUGGING_FACE_HUB_TOKEN: 'hf_old' };
      expect(await ask(both)).toBe('hf_new');
      await expect(ask({ HOME: join(home, 'nobody') })).rejects.toThrow(/no Hugging Face token/);
    } finally {
      await folder.remove();
    }
  });

  it('that are invalid are refused without being shown', async () => {
    const wrong = 'sk-somebody-elses-key';
    const failed = await failureOf(ask({ HF_TOKEN: wrong }), wrong);
    expect(failed).toBeInstanceOf(NotAllowedError);
    expect(hub.seen).toEqual([]);
  });
});

describe('creating', () => {
  const where = (name: string) => ({ bucket: name, endpoint: hub.endpoint, token });

  it('makes a private bucket once', async () => {
    const made = { isNew: true, visibility: 'private' };
    expect(await createHubBucketIfMissing(where('ann/new'))).toEqual(made);
    expect(hub.buckets.get('ann/new')?.isPrivate).toBe(true);
    expect(await createHubBucketIfMissing(where('ann/new'))).toEqual({ ...made, isNew: false });
    const other = await createHubBucketIfMissing(where('ann/open'), 'public');
    expect(other).toEqual({ isNew: true, visibility: 'public' });
  });

  it('reports the visibility that the bucket really has', async () => {
    hub.createBucket('ann/shown', { isPrivate: false });
    const found = await createHubBucketIfMissing(where('ann/shown'), 'private');
    expect(found).toEqual({ isNew: false, visibility: 'public' });
  });

  it('works only in your own namespace', async () => {
    const failed = await failureOf(createHubBucketIfMissing(where('bob/new')), token);
    expect(failed).toBeInstanceOf(NotAllowedError);
  });

  it('refuses impossible bucket names', () => {
    for (const name of ['traces', 'a/b/c', '/x', 'a/', 'a b/c', '../x']) {
      expect(() => openHubBucket(where(name)), name).toThrow(UsageError);
    }
    expect(openHubBucket(where('hf://buckets/ann/new')).location).toContain('ann/new');
  });
});

it('keeps memory flat under many small writes', async () => {
  const writes = await bundleModule('test/support/hub/small-writes.ts');
  try {
    const child = writes.start([hub.endpoint, token, 'ann/traces', '200']);
    const { code, stdout } = await collect(child);
    expect(code).toBe(0);
    const result: { peak: number; count: number } = JSON.parse(stdout);
    expect(result.count).toBe(200);
    expect(result.peak).toBeLessThan(300 * 1024 * 1024);
    expect(hub.buckets.get('ann/traces')?.files.size).toBe(7);
  } finally {
    await writes.remove();
  }
}, 300_000);

describe('a Hub that does not answer', () => {
  afterEach(() => vi.unstubAllEnvs());

  it.each([
    ['HTTPS_PROXY', '', true],
    ['http_proxy', '', true],
    ['HTTPS_PROXY', '1', false],
    ['OTHER', '', false],
  ])(
    'is told from a proxy that Node does not use: %s, NODE_USE_ENV_PROXY=%s',
    async (name, use, isUnused) => {
      for (const one of ['HTTPS_PROXY', 'HTTP_PROXY']) {
        vi.stubEnv(one, undefined);
        vi.stubEnv(one.toLowerCase(), undefined);
      }
      vi.stubEnv(name, 'http://proxy.example.com:3128');
      vi.stubEnv('NODE_USE_ENV_PROXY', use);
      const gone = await startHub();
      await gone.stop();
      const silent = openHubBucket({ bucket: 'ann/traces', endpoint: gone.endpoint, token });
      const failure = await silent.get('p/k').catch((error: unknown) => error);
      if (!(failure instanceof UnreachableError)) throw new Error(`not unreachable: ${failure}`);
      expect(failure.hint?.includes('NODE_USE_ENV_PROXY=1')).toBe(isUnused);
    },
  );
});
