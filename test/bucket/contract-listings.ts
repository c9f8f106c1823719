import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/bucket/bucket.js';
import { type ContractContext, inLanes, text } from './contract-context.js';

export function describeListings(context: ContractContext): void {
  describe('listings', () => {
    it('show what is in the bucket', async () => {
      const prefix = context.fresh();
      await context.bucket.put(`${prefix}a`, text('hello'));
      const [entry] = await context.list(prefix);
      expect(entry).toMatchObject({ kind: 'object', key: `${prefix}a`, size: 5 });
      const stored = await context.bucket.get(`${prefix}a`);
      if (entry?.kind !== 'object') throw new Error('not an object');
      const apart = entry.modifiedAt.getTime() - (stored?.modifiedAt.getTime() ?? 0);
      expect(Math.abs(apart)).toBeLessThan(1_001);
      if (entry.md5 !== undefined) expect(entry.md5).toBe('5d41402abc4b2a76b9719d911017c592');
    });

    it('say the same when asked to look at objects only on demand', async () => {
      const prefix = context.fresh();
      for (const key of ['b', 'a/1', 'c']) await context.bucket.put(`${prefix}${key}`, text(key));
      const details = (entries: readonly Entry[]) =>
        entries.map((entry) =>
          entry.kind === 'prefix'
            ? entry.prefix
            : [entry.key, entry.size, entry.modifiedAt.getTime()],
        );
      const delimiter = '/';
      const expected = details(await context.list(prefix, { delimiter }));
      expect(expected).toHaveLength(3);
      const late = await context.list(prefix, { delimiter, detailsOnDemand: true });
      expect(details(late)).toEqual(expected);
    });

    it('treat a prefix as text, not as a folder', async () => {
      const prefix = context.fresh();
      for (const key of ['log', 'log-1', 'log/a', 'logs/b', 'lo']) {
        await context.bucket.put(`${prefix}${key}x`, text('x'));
      }
      expect(await context.names(`${prefix}log`)).toEqual(['-1x', '/ax', 's/bx', 'x']);
      expect(await context.names(`${prefix}log/`)).toEqual(['ax']);
      expect(await context.names(`${prefix}none`)).toEqual([]);
      expect(await context.names(`${prefix}none/at/all/`)).toEqual([]);
    });

    it('group by the next segment', async () => {
      const prefix = context.fresh();
      for (const key of ['a/1', 'a/2', 'a.b/1', 'b', 'c/d/e/f', 'c/z']) {
        await context.bucket.put(`${prefix}${key}`, text('x'));
      }
      const delimiter = '/';
      expect(await context.names(prefix, { delimiter })).toEqual(['a.b/', 'a/', 'b', 'c/']);
      expect(await context.names(`${prefix}c/`, { delimiter })).toEqual(['d/', 'z']);
      expect(await context.names(`${prefix}a`, { delimiter })).toEqual(['.b/', '/']);
      expect(await context.names(prefix, { delimiter, after: `${prefix}a/` })).toEqual(['b', 'c/']);
      expect(await context.names(prefix, { delimiter, after: `${prefix}a/1` })).toEqual([
        'b',
        'c/',
      ]);
      expect(await context.names(prefix, { delimiter, after: `${prefix}a.b/1` })).toEqual([
        'a/',
        'b',
        'c/',
      ]);
      expect(await context.names(prefix, { delimiter, after: `${prefix}a` })).toEqual([
        'a.b/',
        'a/',
        'b',
        'c/',
      ]);
    });

    it('continue after any key, whether it exists or not', async () => {
      const prefix = context.fresh();
      const keys = ['a', 'b/1', 'b/2', 'b/3/x', 'c', 'd'];
      for (const key of keys) await context.bucket.put(`${prefix}${key}`, text('x'));
      for (const after of [...keys, 'b', 'b/', 'b/2/x', 'b/9', '0', 'z']) {
        expect(await context.names(prefix, { after: `${prefix}${after}` }), after).toEqual(
          keys.filter((key) => key > after),
        );
      }
    });

    it('do not stop at a thousand keys', async () => {
      const prefix = context.fresh();
      const keys = Array.from({ length: 1_105 }, (_, index) => String(index).padStart(5, '0'));
      await inLanes(keys, (key) =>
        context.bucket.put(`${prefix}${key.slice(0, 4)}/${key}`, text('x')),
      );
      const all = keys.map((key) => `${key.slice(0, 4)}/${key}`);
      expect(await context.names(prefix)).toEqual(all);
      expect(await context.names(prefix, { after: `${prefix}${all[49]}` })).toEqual(all.slice(50));
      const groups = [...new Set(keys.map((key) => `${key.slice(0, 4)}/`))];
      expect(await context.names(prefix, { delimiter: '/' })).toEqual(groups);
      const first: string[] = [];
      for await (const entry of context.bucket.list(prefix)) {
        if (entry.kind === 'object') first.push(entry.key.slice(prefix.length));
        if (first.length === 3) break;
      }
      expect(first).toEqual(all.slice(0, 3));
    }, 120_000);
  });
}
