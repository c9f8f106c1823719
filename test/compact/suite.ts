import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { type Compaction, type CompactTarget, compactSession } from '../../src/compact/compact.js';
import { LostError, PartialError, UnreachableError } from '../../src/errors.js';
import { listStream } from '../../src/mirror/slots/listing.js';
import { readMeta } from '../../src/mirror/slots/session-listing.js';
import { readLines } from '../../src/mirror/slots/session-streams.js';
import { readTail } from '../../src/mirror/slots/tail.js';
import { encodeDocument } from '../../src/protocol/documents.js';
import { bucketLayout, type Layout } from '../../src/protocol/keys.js';
import { generationName, partName, rangePartName } from '../../src/protocol/parts.js';
import { noRedaction } from '../../src/redact/redact.js';
import { withCounts } from '../support/counting-bucket.js';

export interface CompactStore {
  readonly bucket: Bucket;
  stop(): Promise<void>;
}

/** What holds for `session compact` on every backend. */
export function describeCompaction(name: string, start: () => Promise<CompactStore>): void {
  describe(`compaction: ${name}`, () => {
    let store: CompactStore;
    let bucket: Bucket;
    let layout: Layout;
    let folder: string;
    let target: CompactTarget;
    let prefix: string;
    let key: string;

    beforeAll(async () => {
      store = await start();
      bucket = store.bucket;
      layout = bucketLayout(`compact-${randomBytes(4).toString('hex')}`);
      folder = await mkdtemp(join(tmpdir(), 'tracecraft-compact-'));
    });

    afterAll(async () => {
      await bucket.close();
      await store.stop();
      await rm(folder, { recursive: true, force: true });
    });

    beforeEach(() => {
      const id = randomBytes(6).toString('hex');
      target = { harness: 'claude-code', id, format: 'raw' };
      prefix = layout.session('claude-code', id);
      key = layout.compacted('claude-code', id, 'raw');
    });

    const compact = (through: Bucket = bucket): Promise<Compaction> =>
      compactSession(
        { bucket: through, layout, folder, host: 'here', redactor: noRedaction },
        target,
      );
    const part = (sequence: number, startLine: number, body: string | Buffer, generation = 0) =>
      bucket.put(prefix + partName(sequence, generation, startLine), Buffer.from(body));
    const object = async (): Promise<Buffer | undefined> => (await bucket.get(key))?.body;

    it('is the joined parts byte for byte, and nothing is sent again while they are the same', async () => {
      const odd = Buffer.from([0x22, 0x00, 0xff, 0xfe, 0x0a]);
      await part(0, 0, 'one\ntwo\n');
      await part(1, 2, odd);
      const written = await compact();
      expect(written).toMatchObject({ state: 'written', key, parts: 2, lines: 3, bytes: 13 });
      expect(written.verified).not.toBeNull();
      expect(await object()).toEqual(Buffer.concat([Buffer.from('one\ntwo\n'), odd]));
      const counted = withCounts(bucket);
      expect(await compact(counted)).toEqual({ ...written, state: 'unchanged', verified: null });
      expect(counted.counts()).toMatchObject({ put: 0, putFile: 0, putIfAbsent: 0, putIfMatch: 0 });
      await part(2, 3, 'more\n');
      expect(await compact()).toMatchObject({ state: 'written', parts: 3, lines: 4 });
      expect(await object()).toEqual(
        Buffer.concat([Buffer.from('one\ntwo\n'), odd, Buffer.from('more\n')]),
      );
      expect(await readdir(folder)).toEqual([]);
    });

    it('follows the newest generation, with what it shares once', async () => {
      await part(0, 0, 'a\nb\n');
      await part(1, 2, 'c\n');
      const record = { gen: 1, firstSeq: 2, base: { gen: 0, parts: 1 }, reason: 'rewritten' };
      const by = { who: 'a@b', at: '2026-01-02T03:04:05.678Z' };
      await bucket.put(prefix + generationName(1), encodeDocument({ ...record, ...by }));
      await part(2, 2, 'C\nD\n', 1);
      expect(await compact()).toMatchObject({ generation: 1, parts: 2, lines: 4 });
      expect(String(await object())).toBe('a\nb\nC\nD\n');
    });

    it('takes the way through overlapping ranges that leads furthest', async () => {
      const range = (sequence: number, from: number, to: number, body: string) =>
        bucket.put(prefix + rangePartName(sequence, 0, from, to), Buffer.from(body));
      await range(0, 0, 2, '1\n2\n');
      await range(0, 0, 1, '1\n');
      await range(1, 2, 3, '3\n');
      await range(1, 1, 2, '2\n');
      expect(await compact()).toMatchObject({ parts: 2, lines: 3 });
      expect(String(await object())).toBe('1\n2\n3\n');
    });

    it('is no part for anyone who reads parts', async () => {
      await part(0, 0, 'one\ntwo\n');
      const before = await listStream(bucket, prefix);
      await compact();
      const trace = layout.compacted('claude-code', target.id, 'trace');
      await bucket.put(trace, Buffer.from('{"type":"user"}\n'));
      const after = await listStream(bucket, prefix);
      expect([...after.parts.keys()]).toEqual([...before.parts.keys()]);
      expect(after).toMatchObject({ nextSequence: 1, newestGeneration: 0 });
      const lines: Buffer[] = [];
      for await (const some of readLines(bucket, prefix)) lines.push(...some);
      expect(String(Buffer.concat(lines))).toBe('one\ntwo\n');
      const meta = await readMeta(bucket, layout.meta('claude-code', target.id));
      const session = { harness: 'claude-code', id: target.id, meta };
      expect((await readTail(bucket, layout, session, 9)).map(String)).toEqual(['one\n', 'two\n']);
      expect(await compact()).toMatchObject({ state: 'unchanged' });
    });

    it('that began with an older view ends with the newest', async () => {
      await part(0, 0, 'one\n');
      let isFirst = true;
      const slow: Bucket = {
        ...bucket,
        putFile: async (...call) => {
          if (isFirst) {
            isFirst = false;
            await part(1, 1, 'two\n');
            expect(await compact()).toMatchObject({ state: 'written', lines: 2 });
          }
          return bucket.putFile(...call);
        },
      };
      expect(await compact(slow)).toMatchObject({ lines: 2 });
      expect(String(await object())).toBe('one\ntwo\n');
      expect(await compact()).toMatchObject({ state: 'unchanged', lines: 2 });
    });

    it('many at once, while it grows, leave the longest', async () => {
      await part(0, 0, 'line 0\n');
      const results = await Promise.all(
        [0, 1, 2, 3].map(async (n) => {
          await part(n + 1, n + 1, `line ${n + 1}\n`);
          return compact().catch((error: unknown) => {
            expect(error).toBeInstanceOf(LostError);
            return undefined;
          });
        }),
      );
      const longest = Math.max(...results.map((one) => one?.lines ?? 0));
      const lines = String(await object()).split('\n').length - 1;
      if (bucket.capabilities.putIfMatch) expect(lines).toBeGreaterThanOrEqual(longest);
      expect(await compact()).toMatchObject({ lines: 5 });
      expect(String(await object())).toBe([0, 1, 2, 3, 4].map((n) => `line ${n}\n`).join(''));
    });

    it('killed at any call and run again is right', async () => {
      await part(0, 0, 'one\n');
      await compact();
      await part(1, 1, 'two\n');
      for (let calls = 0, isDone = false; !isDone; calls += 1) {
        isDone = await compact(mortal(bucket, calls)).then(
          () => true,
          (error: unknown) => {
            expect(error).toBeInstanceOf(Killed);
            return false;
          },
        );
        expect(['one\n', 'one\ntwo\n']).toContain(String(await object()));
      }
      expect(await compact()).toMatchObject({ state: 'unchanged', lines: 2 });
      expect(String(await object())).toBe('one\ntwo\n');
    });

    it('never gives up lines that only the copy still has', async () => {
      await part(0, 0, 'one\n');
      await part(1, 1, 'two\n');
      await compact();
      await bucket.delete(prefix + partName(1, 0, 1));
      const failure: unknown = await compact().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(PartialError);
      expect(failure).toMatchObject({ message: expect.stringContaining(key) });
      await bucket.delete(prefix + partName(0, 0, 0));
      await expect(compact()).rejects.toThrow(PartialError);
      expect(String(await object())).toBe('one\ntwo\n');
      await part(0, 0, 'one\n');
      await bucket.delete(key);
      expect(await compact()).toMatchObject({ state: 'written', lines: 1 });
      expect(String(await object())).toBe('one\n');
    });

    it('is written anew when something else wrote over it, or a part was cleaned', async () => {
      await part(0, 0, 'key AKIA\n');
      await compact();
      await bucket.put(key, Buffer.from('something else\n'));
      expect(await compact()).toMatchObject({ state: 'written' });
      await part(0, 0, 'key [REDACTED:x]\n');
      expect(await compact()).toMatchObject({ state: 'written' });
      expect(String(await object())).toBe('key [REDACTED:x]\n');
    });

    it('notices a store that gives back other bytes than it took', async () => {
      await part(0, 0, 'one\n');
      const liar: Bucket = {
        ...bucket,
        get: async (...call) => {
          const stored = await bucket.get(...call);
          return stored === undefined || call[0] !== key ? stored : { ...stored, etag: '"opaque"' };
        },
        putFile: async (...call) => {
          await bucket.putFile(...call);
          await bucket.put(key, Buffer.from('two\n'));
          return { etag: '"opaque"' };
        },
      };
      await expect(compact(liar)).rejects.toThrow(UnreachableError);
    });

    it('of nothing is nothing', async () => {
      expect(await compact()).toMatchObject({ state: 'empty', lines: 0 });
      expect(await object()).toBeUndefined();
    });
  });
}

class Killed extends Error {}

/** A bucket for a process that dies at its nth call: half of the time before, half of the time after the store took it. */
function mortal(bucket: Bucket, calls: number): Bucket {
  let left = Math.floor(calls / 2);
  const isAfter = calls % 2 === 1;
  const mortally =
    <In extends readonly unknown[], Out>(call: (...args: In) => Promise<Out>) =>
    async (...args: In): Promise<Out> => {
      left -= 1;
      if (left !== -1) return call(...args);
      if (isAfter) await call(...args);
      throw new Killed();
    };
  return {
    ...bucket,
    get: mortally(bucket.get),
    put: mortally(bucket.put),
    putIfAbsent: mortally(bucket.putIfAbsent),
    putIfMatch: mortally(bucket.putIfMatch),
    putFile: mortally(bucket.putFile),
    getFile: mortally(bucket.getFile),
  };
}
