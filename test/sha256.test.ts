import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sha256Hex } from '../src/sha256.js';

const expected = (content: string | Uint8Array) =>
  createHash('sha256').update(content).digest('hex');

it('gives the examples of the standard', () => {
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

it('gives what node:crypto gives, at every length around the ends of blocks', () => {
  for (let length = 0; length < 300; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 151 + length) % 256);
    expect(sha256Hex(bytes)).toBe(expected(bytes));
  }
});

it('gives what node:crypto gives, of any text and of any bytes', () => {
  const content = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 500 }),
    fc.uint8Array({ maxLength: 2_000 }),
  );
  fc.assert(
    fc.property(content, (one) => {
      expect(sha256Hex(one)).toBe(expected(one));
    }),
    { numRuns: 1_000 },
  );
});
