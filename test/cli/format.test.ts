import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatTime } from '../../src/cli/format.js';
import { columns } from '../../src/cli/output.js';
import { editDistance, suggest } from '../../src/cli/suggest.js';

describe('figures', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [12138, '12,138'],
    [1234567890, '1,234,567,890'],
  ])('count %d is %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [12138, '11.9 KiB'],
    [300 * 1024 * 1024, '300 MiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [0, '0ms'],
    [850, '850ms'],
    [42_000, '42s'],
    [60_000, '1m'],
    [185_000, '3m 5s'],
    [7_800_000, '2h 10m'],
    [3_605_000, '1h'],
    [349_200_000, '4d 1h'],
  ])('%d ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('time is UTC to the second', () => {
    expect(formatTime(new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)))).toBe('2026-01-02T03:04:05Z');
  });

  it('columns align, and show what cells hold', () => {
    expect(
      columns([
        ['a', 'long', ''],
        ['bcd', '\u001b', 'end'],
      ]),
    ).toEqual(['a    long', 'bcd  \\x1b  end']);
  });
});

describe('suggestions', () => {
  const commands = ['claim', 'complete', 'release', 'memory:get', 'trust'];

  it.each([
    ['clam', 'claim'],
    ['cliam', 'claim'],
    ['Trust', 'trust'],
    ['memory:gt', 'memory:get'],
    ['frobnicate', undefined],
    ['', undefined],
  ])('%j is %j', (typed, meant) => {
    expect(suggest(typed, commands)).toBe(meant);
  });

  it('counts a swap of neighbours once', () => {
    expect(editDistance('ab', 'ba')).toBe(1);
    expect(editDistance('abc', '')).toBe(3);
    expect(editDistance('', '')).toBe(0);
  });
});
