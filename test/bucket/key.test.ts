import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkKey, checkPrefix, compareKeys, isKey, sortKeys } from '../../src/bucket/key.js';
import { UsageError } from '../../src/errors.js';

describe('the order of keys', () => {
  it('is the order of their UTF-8 bytes', () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 });
    fc.assert(
      fc.property(text, text, text, (stem, left, right) => {
        const [a, b] = [stem + left, stem + right];
        const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
        expect(Math.sign(compareKeys(a, b))).toBe(expected);
      }),
    );
  });

  it('is the one they are sorted in, with or without characters past U+FFFF', () => {
    const texts = fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), fc.string()));
    fc.assert(
      fc.property(texts, (keys) => {
        expect(sortKeys(keys)).toEqual([...keys].sort(compareKeys));
      }),
    );
    expect(sortKeys(['😀', '\uff5e'])).toEqual(['\uff5e', '😀']);
  });

  it("differs from JavaScript's", () => {
    expect(['😀', '\uff5e', '\ue000', '\u{10ffff}', 'z'].sort(compareKeys)).toEqual([
      'z',
      '\ue000',
      '\uff5e',
      '😀',
      '\u{10ffff}',
    ]);
  });
});

describe('a key', () => {
  it('is returned unchanged', () => {
    expect(checkKey('p/sessions/codex/x/part-00000-77ea1f78.jsonl')).toContain('part-00000');
    expect(checkPrefix('')).toBe('');
    expect(checkPrefix('p/.')).toBe('p/.');
    expect(checkPrefix('p/..')).toBe('p/..');
  });

  it('has at most 1024 bytes', () => {
    const long = `${'ü/'.repeat(341)}a`;
    expect(Buffer.byteLength(long)).toBe(1024);
    expect(checkKey(long)).toBe(long);
    expect(() => checkKey(`${long}a`)).toThrow(UsageError);
    expect(() => checkPrefix(`${long}a`)).toThrow(UsageError);
  });

  it('that is refused is named in the error, shortened and on one line', () => {
    expect(() => checkKey(`a\n${'b'.repeat(2_000)}`)).toThrow(/"a\\nb+": it contains/);
  });

  it('is valid exactly if it is not refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '.', '/', '\\', '\0', 'ü') }), (key) => {
        const isRefused = (() => {
          try {
            checkKey(key);
            return false;
          } catch {
            return true;
          }
        })();
        expect(isKey(key)).toBe(!isRefused);
      }),
    );
  });
});
