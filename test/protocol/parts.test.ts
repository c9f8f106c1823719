import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  generationName,
  parseGenerationName,
  parsePartName,
  partName,
  slotTag,
} from '../../src/protocol/parts.js';

/** What the older Python tool takes for a part (its pattern, as it stands in the protocol). */
const olderPattern = /^part-(\d{5})-[a-f0-9]{8}\.jsonl$/;

const generations = fc.nat({ max: 99_999 });
const sequences = fc.nat({ max: 99_999 });
const lines = fc.nat({ max: 100_000_000 });

describe('slot tags', () => {
  it.each([
    [0, 0],
    [0, 1],
    [0, 1_204],
    [3, 1_204],
    [12, 0],
    [99_999, 100_000_000],
  ])('generation %i, line %i: the first 8 digits of a SHA-256 of just that', (generation, line) => {
    const digest = createHash('sha256').update(`tcp1|${generation}|${line}`).digest('hex');
    expect(slotTag(generation, line)).toBe(digest.slice(0, 8));
  });

  it('match those in existing buckets', () => {
    expect(partName(0, 0, 0)).toBe('part-00000-8ee8749b.jsonl');
  });

  it('distinguish generations and first lines', () => {
    const tags = new Set<string>();
    for (let generation = 0; generation < 10; generation += 1) {
      for (let line = 0; line < 100; line += 1) tags.add(slotTag(generation, line));
    }
    expect(tags.size).toBe(1_000);
  });
});

describe('part names', () => {
  it('can be parsed back, and the older reader accepts them', () => {
    fc.assert(
      fc.property(sequences, generations, lines, (sequence, generation, line) => {
        const name = partName(sequence, generation, line);
        expect(name).toMatch(olderPattern);
        expect(parsePartName(name)).toEqual({ sequence, tag: slotTag(generation, line) });
      }),
    );
  });

  it('sort in the order of their sequence numbers', () => {
    fc.assert(
      fc.property(sequences, sequences, lines, lines, (left, right, from, to) => {
        fc.pre(left !== right);
        expect(partName(left, 0, from) < partName(right, 0, to)).toBe(left < right);
      }),
    );
  });

  it('grow past 99,999 and can still be parsed', () => {
    expect(parsePartName(partName(123_456, 0, 7))).toMatchObject({ sequence: 123_456 });
  });

  it.each([
    '',
    'meta.json',
    'part-0123456789-77ea1f78.jsonl',
    'part-9007199254740992-77ea1f78.jsonl',
    'transcript.jsonl',
    'part-0000-77ea1f78.jsonl',
    'part-00000-77EA1F78.jsonl',
    'part-00000-77ea1f7.jsonl',
    'part-00000-77ea1f789.jsonl',
    'part-00000-77ea1f78.json',
    'part-00000-77ea1f78.jsonl.tmp',
    'xpart-00000-77ea1f78.jsonl',
    'sub/part-00000-77ea1f78.jsonl',
    'part-00000-77ea1f78.jsonl\n',
    'part--0001-77ea1f78.jsonl',
    'gen-00001.json',
  ])('%j is none', (leaf) => {
    expect(parsePartName(leaf)).toBeUndefined();
  });
});

describe('generation names', () => {
  it('can be parsed back', () => {
    fc.assert(
      fc.property(generations, (generation) => {
        expect(parseGenerationName(generationName(generation))).toBe(generation);
      }),
    );
    expect(generationName(1)).toBe('gen-00001.json');
  });

  it.each([
    '',
    'gen-1.json',
    'gen-0123456789.json',
    'gen-00001.jsonl',
    'gen-0000a.json',
    'x/gen-00001.json',
    'meta.json',
  ])('%j is none', (leaf) => {
    expect(parseGenerationName(leaf)).toBeUndefined();
  });
});
