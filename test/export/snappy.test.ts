import { snappyUncompress } from 'hyparquet/src/snappy.js';
import { describe, expect, it } from 'vitest';
import { SnappyCompressor } from '../../src/export/snappy.js';
import { dice } from '../redact/examples.js';

const seeded = dice(7);
const roll = (below: number): number => seeded.below(below);
const compressor = new SnappyCompressor();

function restored(input: Uint8Array): Uint8Array {
  const compressed = compressor.compress(input);
  const output = new Uint8Array(input.length);
  snappyUncompress(compressed, output);
  return output;
}

/** Of `length` bytes: runs of noise, and copies of what came before at any distance. */
function mixed(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const run = Math.min(length - at, 1 + roll(roll(2) === 0 ? 12 : 900));
    const from = roll(at + 1);
    const isCopy = at > 0 && roll(3) > 0;
    for (let n = 0; n < run; n += 1) {
      bytes[at + n] = isCopy ? (bytes[from + n] ?? 0) : roll(256);
    }
    at += run;
  }
  return bytes;
}

describe('Snappy', () => {
  it('gives back what it was given, whatever its length', () => {
    const lengths = [0, 1, 3, 4, 14, 15, 16, 59, 60, 61, 62, 256, 257, 300, 5_000];
    for (const length of [...lengths, 65_535, 65_536, 65_537, 65_540, 200_000]) {
      for (const bytes of [mixed(length), new Uint8Array(length), new Uint8Array(length).fill(7)]) {
        expect(Buffer.compare(restored(bytes), bytes), `${length} bytes`).toBe(0);
      }
    }
  });

  it('gives back views into larger buffers', () => {
    for (let n = 0; n < 300; n += 1) {
      const whole = mixed(1 + roll(3_000));
      const part = whole.subarray(roll(whole.length));
      expect(Buffer.compare(restored(part), part)).toBe(0);
    }
  });

  it('makes text a good deal shorter, and noise hardly longer', () => {
    const text = Buffer.from('a line of a log, and another one of a log\n'.repeat(2_000));
    expect(compressor.compress(text).length).toBeLessThan(text.length / 15);
    const noise = Uint8Array.from({ length: 100_000 }, () => roll(256));
    expect(compressor.compress(noise).length).toBeLessThan(noise.length * 1.01);
  });
});
