import { describe, expect, it } from 'vitest';
import { fileTime } from '../../src/bucket/local/file-time.js';

describe('the time of a file', () => {
  it.each([
    [1_764_460_800_123.6, '2025-11-30T00:00:00.124Z'],
    [0, '1970-01-01T00:00:00.000Z'],
    [-1, '1970-01-01T00:00:00.000Z'],
    [-9_223_372_036_854_000, '1970-01-01T00:00:00.000Z'],
    [253_402_300_800_000, '9999-12-31T23:59:59.999Z'],
    [9_223_372_036_854_775_000, '9999-12-31T23:59:59.999Z'],
    [Number.NaN, '1970-01-01T00:00:00.000Z'],
  ])('%d is one that can be shown, compared and counted in', (mtimeMs, time) => {
    const date = fileTime({ mtimeMs });
    expect(date.toISOString()).toBe(time);
    expect(BigInt(date.getTime())).toBeGreaterThanOrEqual(0n);
  });
});
