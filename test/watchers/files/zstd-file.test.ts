import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OpenFile } from '../../../src/io.js';
import { UnpackedFiles, ZstdFile } from '../../../watchers/files/zstd-file.js';
import { compress, packed, packedRun, skippable } from '../../support/zstd-frames.js';

function opened(content: Buffer): OpenFile {
  return {
    stat: () => Promise.reject(new Error('not asked for')),
    read: async (into, position) => content.copy(into, 0, position),
    close: async () => undefined,
  };
}

function open(content: Buffer): ZstdFile {
  return new ZstdFile(opened(content), content.length);
}

async function whole(content: Buffer): Promise<Buffer> {
  const unpacked = open(content);
  expect(await unpacked.extendTo(Number.POSITIVE_INFINITY)).toBe(true);
  expect(unpacked.isComplete).toBe(true);
  expect(unpacked.damage).toBeUndefined();
  return unpacked.bytes;
}

/** Rows as transcripts have them: alike, and yet not the same. */
function transcript(bytes: number): Buffer {
  const rows: string[] = [];
  for (let length = 0, seed = 1; length < bytes; ) {
    seed = (seed * 48_271) % 0x7fffffff;
    const row = `{"type":"response_item","payload":{"call_id":"call_${seed}","output":"${seed.toString(36).repeat(seed % 40)}"}}\n`;
    rows.push(row);
    length += row.length;
  }
  return Buffer.from(rows.join(''));
}

describe('the content of a zstd file', () => {
  it('is unpacked whole, whatever its blocks', async () => {
    for (const size of [0, 1, 17, 127_999, 128 * 1024, 128 * 1024 + 1, 900_001]) {
      const content = transcript(size).subarray(0, size);
      for (const block of [1 << 17, 1_000]) {
        expect((await whole(packed(content, block))).equals(content)).toBe(true);
      }
    }
  });

  it('may be in several frames, with skippable ones in between', async () => {
    const [one, two] = [transcript(200_000), transcript(5_000)];
    const frames = [skippable(70_000), packed(one), skippable(3), packed(two), packed('')];
    const content = await whole(Buffer.concat(frames));
    expect(content.equals(Buffer.concat([one, two]))).toBe(true);
  });

  it('is read only as far as requested, and anything before the start is dropped', async () => {
    const content = transcript(5_000_000);
    const unpacked = open(packed(content));
    await unpacked.extendTo(100);
    expect(unpacked.bytes.length).toBeLessThan(300_000);
    expect(unpacked.isComplete).toBe(false);
    const early = unpacked.bytes.subarray(0, 100);
    expect(await unpacked.skipTo(4_000_000)).toBe(true);
    expect(unpacked.offset).toBe(4_000_000);
    expect(unpacked.bytes.length).toBeLessThan(1_200_000);
    await unpacked.extendTo(1_000);
    const there = content.subarray(4_000_000, 4_001_000);
    expect(unpacked.bytes.subarray(0, 1_000).equals(there)).toBe(true);
    expect(early.equals(content.subarray(0, 100))).toBe(true);
    expect(await unpacked.skipTo(content.length)).toBe(true);
    expect(unpacked.bytes.length).toBe(0);
    expect(await unpacked.skipTo(content.length + 1)).toBe(false);
  });

  it('of ten kilobytes that unpack to 300 MB is not unpacked all at once', async () => {
    const small = packedRun(0x61, 300 << 20);
    expect(small.length).toBeLessThan(10_000);
    const unpacked = open(Buffer.concat([packed(transcript(300_000)), small]));
    expect(await unpacked.skipTo(200 << 20)).toBe(true);
    await unpacked.extendTo(1);
    expect(unpacked.bytes.length).toBeGreaterThan(0);
    expect(unpacked.bytes.length).toBeLessThan(8 << 20);
  });

  it('is reported as damaged or truncated, and returned up to that point', async () => {
    const content = transcript(600_000);
    const frame = packed(content);
    for (const broken of [frame.subarray(0, 400_000), frame.subarray(0, frame.length - 1)]) {
      const unpacked = open(broken);
      await unpacked.extendTo(Number.POSITIVE_INFINITY);
      expect(unpacked.damage).toBeDefined();
      const there = unpacked.bytes;
      expect(there.length).toBeGreaterThan(300_000);
      expect(there.equals(content.subarray(0, there.length))).toBe(true);
    }
    const none = open(Buffer.from('this was never packed, whatever it is called'));
    await none.extendTo(1);
    expect(none.damage).toBeDefined();
  });

  it('reports that the file is shorter than before', async () => {
    const frame = packed(transcript(300_000));
    const unpacked = new ZstdFile(opened(frame.subarray(0, 1_000)), frame.length);
    expect(await unpacked.extendTo(300_000)).toBe(false);
  });
});

describe.skipIf(compress === undefined)('a real compressor (skipped where there is none)', () => {
  const pack = compress ?? ((content: Buffer) => content);

  it('is reversed at every level, whatever the content', async () => {
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * at * 31 + at) >> 3));
    const contents = [transcript(800_000), noise, Buffer.alloc(2_000_000), Buffer.from('x\n')];
    for (const content of contents) {
      for (const level of [1, 3, 19]) {
        expect((await whole(pack(content, level))).equals(content), `level ${level}`).toBe(true);
      }
    }
  });

  it('is reversed between any two positions', async () => {
    const content = transcript(1_500_000);
    const frame = pack(content, 3);
    const place = fc.nat(content.length);
    await fc.assert(
      fc.asyncProperty(fc.array(place, { maxLength: 5 }), async (places) => {
        const unpacked = open(frame);
        for (const at of places.sort((left, right) => left - right)) {
          expect(await unpacked.skipTo(at)).toBe(true);
          await unpacked.extendTo(5_000);
          const there = unpacked.bytes.subarray(0, 5_000);
          expect(there.equals(content.subarray(at, at + 5_000))).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('files in the middle of being unpacked', () => {
  it('are kept for one reader at a time, at most two and not for long', async () => {
    let now = 0;
    const files = new UnpackedFiles(() => now);
    const [a, b, c] = await Promise.all([open(packed('a')), open(packed('b')), open(packed('c'))]);
    files.keep('a', 'token', a);
    expect(files.take('a', 'token')).toBe(a);
    expect(files.take('a', 'token')).toBeUndefined();
    files.keep('a', 'token', a);
    expect(files.take('a', 'other')).toBeUndefined();
    for (const [path, file] of [
      ['a', a],
      ['b', b],
      ['c', c],
    ] as const)
      files.keep(path, 't', file);
    expect(files.take('a', 't')).toBeUndefined();
    now = 20_000;
    files.tidy();
    expect(files.take('b', 't')).toBe(b);
    now = 31_000;
    files.tidy();
    expect(files.take('c', 't')).toBeUndefined();
  });
});
