import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket, Entry, ListOptions } from '../../src/bucket/bucket.js';
import { type BucketTarget, openBucket } from '../../src/bucket/open.js';
import { probeBucket } from '../../src/bucket/probe.js';
import { patientRetry, withRetry } from '../../src/bucket/retry.js';
import { systemClock } from '../../src/clock.js';
import { NotFoundError, UnreachableError, UsageError } from '../../src/errors.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { type Racers, startRacers } from './race.js';

export interface ContractSubject {
  readonly target: BucketTarget;
  /** Goes on to exist, so what was written is removed. */
  readonly isShared: boolean;
  stop(): Promise<void>;
}

const text = (value: string): Buffer => Buffer.from(value);
const bigFileBytes = 20 * 1024 * 1024 + 7;

/** What every bucket must keep, whatever it is made of. Writes only below a random prefix. */
export function describeBucketContract(name: string, start: () => Promise<ContractSubject>): void {
  describe(`bucket contract: ${name}`, () => {
    const project = `contract-${randomBytes(6).toString('hex')}`;
    let subject: ContractSubject;
    let bucket: Bucket;
    let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
    let sections = 0;

    /** A prefix that no other test of this run uses. */
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

    beforeAll(async () => {
      folder = await createTemporaryFolder();
      subject = await start();
      bucket = withRetry(await openBucket(subject.target), { clock: systemClock, ...patientRetry });
      const { capabilities, findings } = await probeBucket(bucket, `${project}/`);
      // A server that does not arbitrate is not S3, and what it passes proves nothing.
      expect(findings.filter(({ ok }) => !ok)).toEqual([]);
      expect(capabilities).toEqual({ putIfAbsent: true, putIfMatch: true });
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
      it('are what was written, with the ETag that the writer was told', async () => {
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

      it('may be empty', async () => {
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

      it('are deleted, again and again', async () => {
        const prefix = fresh();
        await bucket.put(`${prefix}a/b/c`, text('x'));
        await bucket.delete(`${prefix}a/b/c`);
        await bucket.delete(`${prefix}a/b/c`);
        await bucket.delete(`${prefix}never/was`);
        expect(await bucket.get(`${prefix}a/b/c`)).toBeUndefined();
        expect(await list(prefix)).toEqual([]);
        expect(await names(prefix, { delimiter: '/' })).toEqual([]);
        expect(await bucket.putIfAbsent(`${prefix}a`, text('y'))).toMatchObject({ written: true });
      });

      it('are seen whole while they are replaced', async () => {
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
      it('give those bytes and the size of the whole', async () => {
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

      it('of nothing are nothing, and impossible ones are refused', async () => {
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

      it('of every kind are kept, read and listed in the order of their bytes', async () => {
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

      it('that some store could misread are refused before any request', async () => {
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

    describe('conditional writes', () => {
      it('create once', async () => {
        const key = `${fresh()}claim`;
        const first = await bucket.putIfAbsent(key, text('first'));
        expect(first).toMatchObject({ written: true });
        expect(await bucket.putIfAbsent(key, text('second'))).toEqual({ written: false });
        expect(await bucket.get(key)).toMatchObject({
          body: text('first'),
          etag: first.written ? first.etag : 'none',
        });
      });

      it('replace only what the writer knows', async () => {
        const key = `${fresh()}state`;
        expect(
          await bucket.putIfMatch(key, text('x'), '"00000000000000000000000000000000"'),
        ).toEqual({
          written: false,
        });
        expect(await bucket.get(key)).toBeUndefined();
        const { etag: one } = await bucket.put(key, text('one'));
        const two = await bucket.putIfMatch(key, text('two'), one);
        expect(two).toMatchObject({ written: true });
        expect(await bucket.putIfMatch(key, text('late'), one)).toEqual({ written: false });
        const stored = await bucket.get(key);
        expect(stored?.body.toString()).toBe('two');
        expect(await bucket.putIfMatch(key, text('three'), stored?.etag ?? '')).toMatchObject({
          written: true,
        });
      });

      it('go on from the ETag of a create, a replace and a file', async () => {
        const key = `${fresh()}chain`;
        const source = join(folder.path, 'chain');
        await writeFile(source, 'file');
        const created = await bucket.putIfAbsent(key, text('1'));
        if (!created.written) throw new Error('not created');
        const replaced = await bucket.putIfMatch(key, text('2'), created.etag);
        if (!replaced.written) throw new Error('not replaced');
        expect(await bucket.putIfMatch(key, text('3'), replaced.etag)).toMatchObject({
          written: true,
        });
        const { etag } = await bucket.putFile(key, source);
        expect(await bucket.putIfMatch(key, text('4'), etag)).toMatchObject({ written: true });
      });

      it('let one of many in one process create, whose content stays', async () => {
        const prefix = fresh();
        for (let round = 0; round < 5; round += 1) {
          const key = `${prefix}claim-${round}`;
          const bodies = Array.from({ length: 16 }, (_, index) => text(`writer ${index}`));
          const outcomes = await Promise.all(bodies.map((body) => bucket.putIfAbsent(key, body)));
          const winners = bodies.filter((_, index) => outcomes[index]?.written);
          expect(winners).toEqual([(await bucket.get(key))?.body]);
        }
      });

      it('lose no update of a counter', async () => {
        const key = `${fresh()}counter`;
        await bucket.put(key, text(JSON.stringify({ count: 0, nonce: '' })));
        const increment = async (): Promise<void> => {
          for (;;) {
            const stored = await bucket.get(key);
            const { count } = JSON.parse(stored?.body.toString() ?? '');
            const nonce = randomBytes(8).toString('hex');
            const next = text(JSON.stringify({ count: count + 1, nonce }));
            if ((await bucket.putIfMatch(key, next, stored?.etag ?? '')).written) return;
          }
        };
        await Promise.all(Array.from({ length: 8 }, increment));
        expect(JSON.parse((await bucket.get(key))?.body.toString() ?? '').count).toBe(8);
      });

      it('never undo a plain write that they did not see', async () => {
        const prefix = fresh();
        for (let round = 0; round < 8; round += 1) {
          const key = `${prefix}contested-${round}`;
          const { etag } = await bucket.put(key, text('old'));
          await Promise.all([
            bucket.putIfMatch(key, text('conditional'), etag),
            bucket.put(key, text('plain')),
          ]);
          // In either order: the condition fails after the plain write, and is overwritten before it.
          expect((await bucket.get(key))?.body.toString()).toBe('plain');
        }
      });
    });

    describe('races of processes', () => {
      const processes = 16;
      const rounds = 5;
      let racers: Racers;

      beforeAll(async () => {
        racers = await startRacers(subject.target, processes);
      });

      afterAll(() => racers?.stop());

      it('let one of them create, every time', async () => {
        const prefix = fresh();
        for (let round = 0; round < rounds; round += 1) {
          const key = `${prefix}race-${round}`;
          const outcomes = await racers.race({ key });
          const winners = outcomes.filter(({ written }) => written).map(({ body }) => body);
          expect(winners).toEqual([(await bucket.get(key))?.body.toString()]);
        }
      });

      it('let one of them replace, every time', async () => {
        const key = `${fresh()}race`;
        let { etag } = await bucket.put(key, text('start'));
        for (let round = 0; round < rounds; round += 1) {
          const outcomes = await racers.race({ key, etag });
          const winners = outcomes.filter(({ written }) => written);
          const stored = await bucket.get(key);
          expect(winners.map(({ body }) => body)).toEqual([stored?.body.toString()]);
          expect(winners.map((winner) => winner.etag)).toEqual([stored?.etag]);
          etag = stored?.etag ?? '';
        }
      });
    });

    describe('listings', () => {
      it('say what lies there', async () => {
        const prefix = fresh();
        await bucket.put(`${prefix}a`, text('hello'));
        const [entry] = await list(prefix);
        expect(entry).toMatchObject({ kind: 'object', key: `${prefix}a`, size: 5 });
        const stored = await bucket.get(`${prefix}a`);
        if (entry?.kind !== 'object') throw new Error('not an object');
        const apart = entry.modifiedAt.getTime() - (stored?.modifiedAt.getTime() ?? 0);
        expect(Math.abs(apart)).toBeLessThan(1_001);
        if (entry.md5 !== undefined) expect(entry.md5).toBe('5d41402abc4b2a76b9719d911017c592');
      });

      it('take a prefix as text, not as a folder', async () => {
        const prefix = fresh();
        for (const key of ['log', 'log-1', 'log/a', 'logs/b', 'lo']) {
          await bucket.put(`${prefix}${key}x`, text('x'));
        }
        expect(await names(`${prefix}log`)).toEqual(['-1x', '/ax', 's/bx', 'x']);
        expect(await names(`${prefix}log/`)).toEqual(['ax']);
        expect(await names(`${prefix}none`)).toEqual([]);
        expect(await names(`${prefix}none/at/all/`)).toEqual([]);
      });

      it('group by the next segment', async () => {
        const prefix = fresh();
        for (const key of ['a/1', 'a/2', 'a.b/1', 'b', 'c/d/e/f', 'c/z']) {
          await bucket.put(`${prefix}${key}`, text('x'));
        }
        const delimiter = '/';
        expect(await names(prefix, { delimiter })).toEqual(['a.b/', 'a/', 'b', 'c/']);
        expect(await names(`${prefix}c/`, { delimiter })).toEqual(['d/', 'z']);
        expect(await names(`${prefix}a`, { delimiter })).toEqual(['.b/', '/']);
        expect(await names(prefix, { delimiter, after: `${prefix}a/` })).toEqual(['b', 'c/']);
        expect(await names(prefix, { delimiter, after: `${prefix}a/1` })).toEqual(['b', 'c/']);
        expect(await names(prefix, { delimiter, after: `${prefix}a.b/1` })).toEqual([
          'a/',
          'b',
          'c/',
        ]);
        expect(await names(prefix, { delimiter, after: `${prefix}a` })).toEqual([
          'a.b/',
          'a/',
          'b',
          'c/',
        ]);
      });

      it('go on after any key, in it or not', async () => {
        const prefix = fresh();
        const keys = ['a', 'b/1', 'b/2', 'b/3/x', 'c', 'd'];
        for (const key of keys) await bucket.put(`${prefix}${key}`, text('x'));
        for (const after of [...keys, 'b', 'b/', 'b/2/x', 'b/9', '0', 'z']) {
          expect(await names(prefix, { after: `${prefix}${after}` }), after).toEqual(
            keys.filter((key) => key > after),
          );
        }
      });

      it('have no end at a thousand', async () => {
        const prefix = fresh();
        const keys = Array.from({ length: 1_105 }, (_, index) => String(index).padStart(5, '0'));
        await inLanes(keys, (key) => bucket.put(`${prefix}${key.slice(0, 4)}/${key}`, text('x')));
        const all = keys.map((key) => `${key.slice(0, 4)}/${key}`);
        expect(await names(prefix)).toEqual(all);
        expect(await names(prefix, { after: `${prefix}${all[49]}` })).toEqual(all.slice(50));
        const groups = [...new Set(keys.map((key) => `${key.slice(0, 4)}/`))];
        expect(await names(prefix, { delimiter: '/' })).toEqual(groups);
        const first: string[] = [];
        for await (const entry of bucket.list(prefix)) {
          if (entry.kind === 'object') first.push(entry.key.slice(prefix.length));
          if (first.length === 3) break;
        }
        expect(first).toEqual(all.slice(0, 3));
      }, 120_000);
    });

    describe('files', () => {
      const path = (name: string): string => join(folder.path, name);

      it('of any size go and come, with progress', async () => {
        const key = `${fresh()}big.bin`;
        const content = randomBytes(bigFileBytes);
        await writeFile(path('big'), content);
        const sent: number[] = [];
        const { etag } = await bucket.putFile(key, path('big'), (bytes) => sent.push(bytes));
        expect(sent.at(-1)).toBe(bigFileBytes);
        expect(sent).toEqual([...sent].sort((left, right) => left - right));
        const got: number[] = [];
        await writeFile(path('copy'), 'what was there before');
        await bucket.getFile(key, path('copy'), (bytes) => got.push(bytes));
        expect((await readFile(path('copy'))).equals(content)).toBe(true);
        expect(got.at(-1)).toBe(bigFileBytes);
        const tail = { start: bigFileBytes - 3, end: bigFileBytes };
        expect(await bucket.get(key, { range: tail })).toMatchObject({
          body: content.subarray(-3),
          size: bigFileBytes,
          etag,
        });
      }, 60_000);

      it('may be empty or small', async () => {
        const prefix = fresh();
        for (const content of ['', 'small']) {
          await writeFile(path('source'), content);
          await bucket.putFile(`${prefix}file`, path('source'));
          await bucket.getFile(`${prefix}file`, path('target'));
          expect(await readFile(path('target'), 'utf8')).toBe(content);
        }
      });

      it('that are missing are said to be, and nothing is touched', async () => {
        const prefix = fresh();
        await writeFile(path('kept'), 'kept');
        await expect(bucket.getFile(`${prefix}none`, path('kept'))).rejects.toThrow(NotFoundError);
        expect(await readFile(path('kept'), 'utf8')).toBe('kept');
        await expect(bucket.putFile(`${prefix}x`, path('nowhere'))).rejects.toThrow(NotFoundError);
        await expect(bucket.putFile(`${prefix}x`, folder.path)).rejects.toThrow(UsageError);
        expect(await list(prefix)).toEqual([]);
      });

      it('leave no part behind when they cannot be written', async () => {
        const key = `${fresh()}file`;
        await bucket.put(key, text('x'));
        const target = path('no/such/folder/file');
        await expect(bucket.getFile(key, target)).rejects.toThrow(NotFoundError);
        await expect(bucket.getFile(key, folder.path)).rejects.toThrow(UsageError);
      });
    });

    it('tells the time within a few seconds of this machine', async () => {
      const apart = (await bucket.now()).getTime() - Date.now();
      expect(Math.abs(apart)).toBeLessThan(5_000);
    });

    it('sends nothing for a caller that has already stopped', async () => {
      const key = `${fresh()}stopped`;
      const signal = AbortSignal.abort();
      await expect(bucket.put(key, text('x'), { signal })).rejects.toThrow(UnreachableError);
      await expect(bucket.putIfAbsent(key, text('x'), { signal })).rejects.toThrow(
        UnreachableError,
      );
      await expect(bucket.get(key, { signal })).rejects.toThrow(UnreachableError);
      await expect(bucket.delete(key, { signal })).rejects.toThrow(UnreachableError);
      expect(await bucket.get(key)).toBeUndefined();
    });

    it('says where it is without saying any secret', () => {
      expect(bucket.location).not.toBe('');
      const { target } = subject;
      if (target.backend === 's3') expect(bucket.location).not.toContain(target.secretKey);
    });
  });
}

/** Sixteen at a time. */
async function inLanes<T>(items: readonly T[], step: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (;;) {
      const item = items[next];
      next += 1;
      if (item === undefined) return;
      await step(item);
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}
