import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { type ProbeResult, probeBucket } from '../../src/bucket/probe.js';
import { NotAllowedError, UnreachableError, UnsupportedError } from '../../src/errors.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { lostAnswer, scripted } from './scripted-bucket.js';

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let real: Bucket;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  real = await openLocalBucket({ root: folder.path });
});

afterEach(() => folder.remove());

const bad = ({ findings }: ProbeResult): readonly string[] =>
  findings.filter(({ ok }) => !ok).map(({ check }) => check);

async function expectNothingLeft(): Promise<void> {
  for await (const entry of real.list('')) expect(entry).toBeUndefined();
}

describe('a probe', () => {
  it('of a store that does everything says so, and leaves nothing behind', async () => {
    const result = await probeBucket(real, 'demo/');
    expect(result.capabilities).toEqual({ putIfAbsent: true, putIfMatch: true });
    expect(result.findings.map(({ check }) => check)).toEqual([
      'put',
      'get',
      'list',
      'putIfAbsent',
      'putIfMatch',
      'delete',
    ]);
    expect(bad(result)).toEqual([]);
    await expectNothingLeft();
  });

  it('touches only its own part of the project', async () => {
    await real.put('demo/agents/a.json', Buffer.from('{}'));
    const keys: string[] = [];
    await probeBucket(
      {
        ...real,
        put: (key, body) => {
          keys.push(key);
          return real.put(key, body);
        },
      },
      'demo/',
    );
    expect(keys.every((key) => /^demo\/_probe\/[0-9a-f]{16}\//.test(key))).toBe(true);
    expect((await real.get('demo/agents/a.json'))?.body.toString()).toBe('{}');
  });

  it('detects a store that accepts the conditions but ignores them', async () => {
    const ignoring: Bucket = {
      ...real,
      putIfAbsent: async (key, body) => ({ written: true, ...(await real.put(key, body)) }),
      putIfMatch: async (key, body) => ({ written: true, ...(await real.put(key, body)) }),
    };
    const result = await probeBucket(ignoring, 'demo/');
    expect(result.capabilities).toEqual({ putIfAbsent: false, putIfMatch: false });
    expect(bad(result)).toEqual(['putIfAbsent', 'putIfMatch']);
    for (const at of [3, 4]) {
      expect(result.findings[at]?.message).toContain('the store ignores the condition');
    }
    await expectNothingLeft();
  });

  it('detects a store that checks first and writes later', async () => {
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const racing: Bucket = {
      ...real,
      putIfAbsent: async (key, body) => {
        if ((await real.get(key)) !== undefined) return { written: false };
        await turn();
        return { written: true, ...(await real.put(key, body)) };
      },
      putIfMatch: async (key, body, etag) => {
        if ((await real.get(key))?.etag !== etag) return { written: false };
        await turn();
        return { written: true, ...(await real.put(key, body)) };
      },
    };
    const result = await probeBucket(racing, 'demo/');
    expect(result.capabilities).toEqual({ putIfAbsent: false, putIfMatch: false });
    expect(result.findings[3]?.message).toMatch(
      /^[2-8] of 8 concurrent writers were told they had won$/,
    );
    await expectNothingLeft();
  });

  it('does not accept a winner whose object is missing', async () => {
    const lying: Bucket = {
      ...real,
      putIfAbsent: async (key, body) => {
        const outcome = await real.putIfAbsent(key, body);
        if (outcome.written && key.includes('race')) await real.put(key, Buffer.from('somebody'));
        return outcome;
      },
    };
    const result = await probeBucket(lying, 'demo/');
    expect(bad(result)).toEqual(['putIfAbsent']);
  });

  it('finds out the outcome behind a lost answer', async () => {
    const store = scripted(real);
    // Two calls come before the race; of its eight, the answer to the winner gets lost.
    store.script('putIfAbsent', 'applied', 'applied', 'unanswered');
    const result = await probeBucket(store, 'demo/');
    expect(result.capabilities).toEqual({ putIfAbsent: true, putIfMatch: true });
  });

  it('repeats a race in which the store refused everyone', async () => {
    const store = scripted(real);
    store.script(
      'putIfAbsent',
      'applied',
      'applied',
      ...Array.from({ length: 8 }, () => lostAnswer()),
    );
    expect((await probeBucket(store, 'demo/')).capabilities.putIfAbsent).toBe(true);
    store.script(
      'putIfAbsent',
      'applied',
      'applied',
      ...Array.from({ length: 24 }, () => lostAnswer()),
    );
    const result = await probeBucket(store, 'demo/');
    expect(result.capabilities).toEqual({ putIfAbsent: false, putIfMatch: true });
    expect(result.findings[3]?.message).toContain('try again');
    await expectNothingLeft();
  });

  it('reports what a store refuses to do', async () => {
    const refusing: Bucket = {
      ...real,
      putIfMatch: async () => {
        throw new UnsupportedError('not implemented');
      },
      delete: async () => {
        throw new NotAllowedError('no deleting');
      },
    };
    const result = await probeBucket(refusing, 'demo/');
    expect(result.capabilities).toEqual({ putIfAbsent: true, putIfMatch: false });
    expect(bad(result)).toEqual(['putIfMatch', 'delete']);
  });

  it('reports reads and listings that do not match what was written', async () => {
    const odd: Bucket = {
      ...real,
      get: async (key) => {
        const stored = await real.get(key);
        return stored === undefined ? undefined : { ...stored, body: Buffer.from('else') };
      },
      list: async function* () {},
    };
    expect(bad(await probeBucket(odd, 'demo/'))).toEqual(
      expect.arrayContaining(['get', 'list', 'putIfAbsent', 'putIfMatch']),
    );
  });

  it('fails if not even a plain write succeeds', async () => {
    for (const error of [new NotAllowedError('no'), new UnreachableError('no')]) {
      const store = scripted(real);
      store.script('put', error);
      await expect(probeBucket(store, 'demo/')).rejects.toBe(error);
    }
    await expectNothingLeft();
  });
});
