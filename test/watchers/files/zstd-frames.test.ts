import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeIo } from '../../../src/io.js';
import { cutLines, LineTooLong } from '../../../watchers/files/line-window.js';
import { unpackWhole } from '../../../watchers/files/zstd-decoder.js';
import { ZstdFile } from '../../../watchers/files/zstd-file.js';
import { ZstdFrames } from '../../../watchers/files/zstd-frames.js';
import { compress, packed, packedRun, skippable } from '../../support/zstd-frames.js';

const gigabyte = 1 << 30;
const limit = { bytes: 1 << 20 };

/** A frame header with a window of 2 to the power of `exponent`, and one empty last block. */
function framed(exponent: number): Buffer {
  return Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (exponent - 10) << 3, 0x01, 0x00, 0x00]);
}

function checkBytewise(bytes: Uint8Array): void {
  const check = new ZstdFrames();
  for (const byte of bytes) check.check(Uint8Array.of(byte));
}

describe('a few packed bytes', () => {
  it('that unpack to one endless line are given up with little memory', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tc-bomb-'));
    const path = join(folder, 'bomb.zst');
    const bomb = packedRun(0x61, gigabyte);
    expect(bomb.length).toBeLessThan(100_000);
    await writeFile(path, bomb);
    const file = await nodeIo.open(path);
    if (file === undefined) throw new Error('not there');
    const before = process.memoryUsage().rss;
    const window = new ZstdFile(file, bomb.length);
    await expect(cutLines(window, 0, limit)).rejects.toThrow(LineTooLong);
    expect(window.bytes.length).toBeLessThan(100 << 20);
    expect(process.memoryUsage().rss - before).toBeLessThan(500 << 20);
    await file.close();
    await rm(folder, { recursive: true });
  });

  it('are unpacked in one piece up to a limit', () => {
    expect(() => unpackWhole(packedRun(0x61, gigabyte), 64 << 20)).toThrow('more than 64 MiB');
    expect(unpackWhole(packedRun(0x61, 3 << 20), 64 << 20).length).toBe(3 << 20);
    expect(unpackWhole(packed('hello'), 5).toString()).toBe('hello');
    expect(() => unpackWhole(packed('hello'), 4)).toThrow(/more than/);
  });
});

describe('the window of a frame', () => {
  it.each([[10], [20], [23]])('may be 2^%i bytes', (exponent) => {
    expect(() => checkBytewise(framed(exponent))).not.toThrow();
  });

  it.each([[24], [30]])('may not be 2^%i bytes in any frame of the stream', (exponent) => {
    expect(() => checkBytewise(framed(exponent))).toThrow('8 MiB');
    const before = [packed('x'.repeat(300_000)), skippable(77), packedRun(0x0a, 400_000)];
    expect(() => checkBytewise(Buffer.concat([...before, framed(exponent)]))).toThrow('8 MiB');
    expect(() => unpackWhole(Buffer.concat([...before, framed(exponent)]), gigabyte)).toThrow(
      '8 MiB',
    );
  });

  it('is limited to the content size if a frame states it', () => {
    const single = (bytes: number): Buffer => {
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(bytes));
      return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0]), size]);
    };
    expect(() => checkBytewise(single(8 << 20))).not.toThrow();
    expect(() => checkBytewise(single(gigabyte))).toThrow('8 MiB');
  });

  it.runIf(compress !== undefined)('of a real compressor is small enough', () => {
    const content = Buffer.from('{"type":"message","text":"some words"}\n'.repeat(60_000));
    for (const level of [1, 3, 19]) {
      const bytes = compress?.(content, level) ?? Buffer.alloc(0);
      expect(() => checkBytewise(bytes)).not.toThrow();
      expect(unpackWhole(bytes, gigabyte).equals(content)).toBe(true);
    }
  });
});
