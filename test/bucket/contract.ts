import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket, Entry, ListOptions } from '../../src/bucket/bucket.js';
import { type BucketTarget, openBucket } from '../../src/bucket/open.js';
import { probeBucket } from '../../src/bucket/probe.js';
import { patientRetry, withRetry } from '../../src/bucket/retry.js';
import { systemClock } from '../../src/clock.js';
import { UnreachableError, UnsupportedError, UsageError } from '../../src/errors.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { type ContractContext, inLanes, text } from './contract-context.js';
import { describeFiles } from './contract-files.js';
import { describeListings } from './contract-listings.js';
import { describeConditionalWrites } from './contract-writes.js';

/** What a kind of store cannot do, and says so with an `UnsupportedError`. */
export type Lacking = 'conditional writes' | 'empty objects';

export interface ContractSubject {
  readonly target: BucketTarget;
  /** Goes on to exist, so what was written is removed. */
  readonly isShared: boolean;
  stop(): Promise<void>;
}

/** What every bucket must keep, whatever it is made of. Writes only below a random prefix. */
export function describeBucketContract(
  name: string,
  start: () => Promise<ContractSubject>,
  lacking: readonly Lacking[] = [],
): void {
  const isConditional = !lacking.includes('conditional writes');
  const keepsEmpty = !lacking.includes('empty objects');
  describe(`bucket contract: ${name}`, () => {
    const project = `contract-${randomBytes(6).toString('hex')}`;
    let subject: ContractSubject;
    let bucket: Bucket;
    let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
    let sections = 0;

    const fresh = (): string => {
      sections += 1;
      return `${project}/s${sections}/`;
    };
    const list = async (prefix: string, options?: ListOptions): Promise<readonly Entry[]> => {
      const entries: Entry[] = [];
      for await (const entry of bucket.list(prefix, options)) entries.push(entry);
      return entries;
    };
    const names = async (prefix: string, options?: ListOptions): Promise<readonly string[]> =>
      (await list(prefix, options)).map((entry) =>
        (entry.kind === 'object' ? entry.key : entry.prefix).slice(prefix.length),
      );

    const context: ContractContext = {
      get bucket() {
        return bucket;
      },
      get target() {
        return subject.target;
      },
      get folder() {
        return folder.path;
      },
      fresh,
      list,
      names,
    };

    beforeAll(async () => {
      folder = await createTemporaryFolder();
      subject = await start();
      bucket = withRetry(await openBucket(subject.target), { clock: systemClock, ...patientRetry });
      const { capabilities, findings } = await probeBucket(bucket, `${project}/`);
      // A server that does not arbitrate is not S3, and what it passes proves nothing.
      const failed = findings.filter(({ ok }) => !ok).map(({ check }) => check);
      expect(failed).toEqual(isConditional ? [] : ['putIfAbsent', 'putIfMatch']);
      expect(capabilities).toEqual({ putIfAbsent: isConditional, putIfMatch: isConditional });
    });

    afterAll(async () => {
      if (subject?.isShared) {
        await inLanes(await list(`${project}/`), async (entry) => {
          if (entry.kind === 'object') await bucket.delete(entry.key);
        });
      }
      await bucket?.close();
      await subject?.stop();
      await folder?.remove();
    }, 120_000);

    describe('objects', () => {
      it('are read as written, with the ETag that the writer got', async () => {
        const key = `${fresh()}object`;
        expect(await bucket.get(key)).toBeUndefined();
        const body = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));
        const before = (await bucket.now()).getTime();
        const { etag } = await bucket.put(key, body, { contentType: 'application/jsonl' });
        const stored = await bucket.get(key);
        expect(stored).toMatchObject({ body, etag, size: 512 });
        // Stores that keep whole seconds round down.
        expect(stored?.modifiedAt.getTime()).toBeGreaterThan(before - 3_000);
        expect(stored?.modifiedAt.getTime()).toBeLessThan(before + 60_000);
      });

      it('are replaced whole, and the ETag changes with the content', async () => {
        const key = `${fresh()}object`;
        const first = await bucket.put(key, text('one, and rather long'));
        const second = await bucket.put(key, text('two'));
        expect(second.etag).not.toBe(first.etag);
        expect(await bucket.get(key)).toMatchObject({ body: text('two'), etag: second.etag });
      });

      it.runIf(keepsEmpty && isConditional)('may be empty', async () => {
        const key = `${fresh()}empty`;
        const { etag } = await bucket.put(key, Buffer.alloc(0));
        expect(await bucket.get(key)).toMatchObject({ body: Buffer.alloc(0), size: 0, etag });
        expect(await bucket.putIfAbsent(key, text('x'))).toEqual({ written: false });
        expect(await bucket.get(key, { range: { start: 0, end: 9 } })).toMatchObject({
          body: Buffer.alloc(0),
          size: 0,
        });
      });

      it('accept a view into a larger buffer', async () => {
        const key = `${fresh()}view`;
        const pool = text('....inside....');
        await bucket.put(key, new Uint8Array(pool.buffer, pool.byteOffset + 4, 6));
        expect((await bucket.get(key))?.body.toString()).toBe('inside');
      });

      it('can be deleted repeatedly', async () => {
        const prefix = fresh();
        await bucket.put(`${prefix}a/b/c`, text('x'));
        await bucket.delete(`${prefix}a/b/c`);
        await bucket.delete(`${prefix}a/b/c`);
        await bucket.delete(`${prefix}never/was`);
        expect(await bucket.get(`${prefix}a/b/c`)).toBeUndefined();
        expect(await list(prefix)).toEqual([]);
        expect(await names(prefix, { delimiter: '/' })).toEqual([]);
        if (!isConditional) return;
        expect(await bucket.putIfAbsent(`${prefix}a`, text('y'))).toMatchObject({ written: true });
      });

      it('are always read whole while they are being replaced', async () => {
        const key = `${fresh()}flapping`;
        const bodies = ['a', 'b'].map((letter) => Buffer.alloc(200_000, letter));
        const [a = text(''), b = text('')] = bodies;
        await bucket.put(key, a);
        const write = async (): Promise<void> => {
          for (let round = 0; round < 10; round += 1)
            await bucket.put(key, round % 2 === 0 ? b : a);
        };
        const read = async (): Promise<void> => {
          for (let round = 0; round < 15; round += 1) {
            const body = (await bucket.get(key))?.body;
            expect(bodies.some((one) => body?.equals(one))).toBe(true);
          }
        };
        await Promise.all([write(), read(), read()]);
      });
    });

    describe('ranges', () => {
      it('return those bytes and the size of the whole object', async () => {
        const key = `${fresh()}digits`;
        const { etag } = await bucket.put(key, text('0123456789'));
        const part = async (from: number, to: number): Promise<unknown> => {
          const stored = await bucket.get(key, { range: { start: from, end: to } });
          expect(stored).toMatchObject({ etag, size: 10 });
          return stored?.body.toString();
        };
        expect(await part(0, 0)).toBe('0');
        expect(await part(3, 5)).toBe('345');
        expect(await part(0, 9)).toBe('0123456789');
        expect(await part(8, 100)).toBe('89');
        expect(await part(10, 20)).toBe('');
        expect(await part(500, 600)).toBe('');
      });

      it('need not be named to read at most so many bytes', async () => {
        const key = `${fresh()}digits`;
        const written = await bucket.put(key, text('0123456789'));
        const whole = { ...written, body: text('0123456789'), size: 10 };
        expect(await bucket.get(key, { atMost: 10 })).toMatchObject(whole);
        expect(await bucket.get(key, { atMost: 999 })).toMatchObject(whole);
        const larger = await bucket.get(key, { atMost: 9 });
        expect(larger?.size).toBe(10);
        expect(larger?.body.length).toBeLessThan(10);
        // The Hub stores no empty objects.
        const least = Buffer.alloc(bucket.kind === 'hf' ? 1 : 0);
        await bucket.put(key, least);
        expect(await bucket.get(key, { atMost: 9 })).toMatchObject({
          body: least,
          size: least.length,
        });
        expect(await bucket.get(`${key}-none`, { atMost: 9 })).toBeUndefined();
      });

      it('may be empty; impossible ones are refused', async () => {
        const key = `${fresh()}nothing`;
        expect(await bucket.get(key, { range: { start: 0, end: 3 } })).toBeUndefined();
        for (const [from, to] of [
          [3, 2],
          [-1, 2],
          [0.5, 2],
          [0, Number.NaN],
        ] as const) {
          const range = { start: from, end: to };
          await expect(bucket.get(key, { range })).rejects.toThrow(UsageError);
        }
      });
    });

    describe('keys', () => {
      const odd = [
        ' leading',
        'trailing ',
        'in the middle',
        'a+b',
        'a~b',
        'a%2Fb',
        'a%b',
        'a&b<c>"d\'',
        'q?x=1#y',
        '007',
        'a:b;c=d@e,f$g!h*(i)',
        '[x]{y}|z^`',
        'ünï',
        'e\u0301',
        '漢字',
        '\uff5e',
        '😀',
        '.env',
        '..two-dots',
        '...',
        'folder/.env',
        'folder/.tracecraft/x',
        'a.b',
        'a/b',
        'a-b',
        `${'long-'.repeat(40)}`,
      ];

      it('of every kind are stored, read and listed in byte order', async () => {
        const prefix = fresh();
        await inLanes(odd, (key) => bucket.put(`${prefix}${key}`, text(key)));
        for (const key of odd) {
          expect((await bucket.get(`${prefix}${key}`))?.body.toString()).toBe(key);
        }
        const sorted = odd.map(text).sort(Buffer.compare).map(String);
        expect(await names(prefix)).toEqual(sorted);
        await inLanes(odd, (key) => bucket.delete(`${prefix}${key}`));
        expect(await list(prefix)).toEqual([]);
      });

      it('that some store could misread are refused before any request is made', async () => {
        const bad = [
          '',
          '/absolute',
          'a//b',
          'a/',
          './a',
          'a/..',
          'a/../b',
          '../b',
          'a/./b',
          'a\\b',
          'a\nb',
          'a\0b',
          'a\u007fb',
          'half \ud83d',
          'x/'.repeat(600),
        ];
        for (const key of bad) {
          await expect(bucket.get(key), key).rejects.toThrow(UsageError);
          await expect(bucket.put(key, text('x')), key).rejects.toThrow(UsageError);
          await expect(bucket.putIfAbsent(key, text('x')), key).rejects.toThrow(UsageError);
          await expect(bucket.putIfMatch(key, text('x'), '"e"'), key).rejects.toThrow(UsageError);
          await expect(bucket.delete(key), key).rejects.toThrow(UsageError);
          await expect(bucket.putFile(key, 'x'), key).rejects.toThrow(UsageError);
          await expect(bucket.getFile(key, 'x'), key).rejects.toThrow(UsageError);
        }
        for (const prefix of ['/', '../', 'a/../', 'a//', 'a\\']) {
          await expect(list(prefix), prefix).rejects.toThrow(UsageError);
        }
      });
    });

    if (isConditional) describeConditionalWrites(context);
    else {
      it('refuses conditional writes', async () => {
        const key = `${fresh()}claim`;
        await expect(bucket.putIfAbsent(key, text('x'))).rejects.toThrow(UnsupportedError);
        await expect(bucket.putIfMatch(key, text('x'), '"e"')).rejects.toThrow(UnsupportedError);
        expect(await bucket.get(key)).toBeUndefined();
      });
    }
    if (!keepsEmpty) {
      it('refuses empty objects', async () => {
        const key = `${fresh()}empty`;
        await expect(bucket.put(key, text(''))).rejects.toThrow(UnsupportedError);
        expect(await bucket.get(key)).toBeUndefined();
      });
    }
    describeListings(context);
    describeFiles(context, keepsEmpty);

    it("reports a time within a few seconds of this machine's", async () => {
      const apart = (await bucket.now()).getTime() - Date.now();
      expect(Math.abs(apart)).toBeLessThan(5_000);
    });

    it('sends nothing for a caller that has already stopped', async () => {
      const key = `${fresh()}stopped`;
      const signal = AbortSignal.abort();
      await expect(bucket.put(key, text('x'), { signal })).rejects.toThrow(UnreachableError);
      if (isConditional) {
        await expect(bucket.putIfAbsent(key, text('x'), { signal })).rejects.toThrow(
          UnreachableError,
        );
      }
      await expect(bucket.get(key, { signal })).rejects.toThrow(UnreachableError);
      await expect(bucket.delete(key, { signal })).rejects.toThrow(UnreachableError);
      await expect(bucket.now({ signal })).rejects.toThrow(UnreachableError);
      const path = join(context.folder, 'unsent');
      await writeFile(path, 'x');
      await expect(bucket.putFile(key, path, { signal })).rejects.toThrow(UnreachableError);
      await expect(bucket.getFile(key, path, { signal })).rejects.toThrow(UnreachableError);
      expect(await bucket.get(key)).toBeUndefined();
    });

    it('describes its location without any secret', () => {
      expect(bucket.location).not.toBe('');
      const { target } = subject;
      if (target.backend === 's3') expect(bucket.location).not.toContain(target.secretKey);
      if (target.backend === 'hf') expect(bucket.location).not.toContain(target.token);
    });
  });
}
