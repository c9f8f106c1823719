import { describe, expect, it } from 'vitest';
import {
  leadingSets,
  literalStart,
  tailOf,
  widthOf,
} from '../../src/redact/expressions/expression.js';
import { parseExpression } from '../../src/redact/expressions/parser.js';

describe("a pattern's structure", () => {
  it.each([
    ['abc', 3, 3],
    ['a{2,5}b?', 2, 6],
    ['(?:ab|cde)+', 2, Number.POSITIVE_INFINITY],
    ['(?<=x{1,9})a(?!b)\\b', 1, 1],
    ['[a-z]{3}\\.\\d{2,}', 6, Number.POSITIVE_INFINITY],
    ['(?:){0,9}x', 1, 1],
  ])('the width of %s', (source, least, most) => {
    expect(widthOf(parseExpression(source))).toEqual({ least, most });
  });

  it.each([
    ['gh[pous]_\\w{36}', 'gh'],
    ['ghp_\\w{36}', 'ghp_'],
    ['(?:sk-|pk-)x', ''],
    ['a{3}b', 'aaab'],
    ['a{1,3}b', 'a'],
    ['\\x41\\/\\.b', 'A/.b'],
    ['(?<secret>acme)-x', 'acme-x'],
  ])('the literal beginning of %s', (source, literal) => {
    expect(literalStart(parseExpression(source))).toBe(literal);
  });

  it('leading sets agree with what the expression accepts', () => {
    const source = '(?:A[KS]IA|ghp_)[^x-z]{2}\\d{1,3}';
    const sets = leadingSets(parseExpression(source), 10);
    expect(sets).toHaveLength(7);
    for (const example of ['AKIAab1', 'ASIA!!9', 'ghp_AZ0']) {
      for (let at = 0; at < 7; at += 1) expect(sets[at]?.[example.charCodeAt(at)]).toBe(1);
    }
    expect(sets[4]?.['x'.charCodeAt(0)]).toBe(0);
  });

  it('distinguishes open tails from exact ones', () => {
    expect(tailOf(parseExpression('ab{3}'))?.isOpen).toBe(false);
    expect(tailOf(parseExpression('ab{3,9}'))?.isOpen).toBe(true);
    expect(tailOf(parseExpression('ab{3}c'))).toBeUndefined();
  });

  it.each(['a)', '(a', '(?<a', 'a{2}{3}', '\\1', '\\p{L}', '[z', 'a\\', '[a-\\d]', 'ä'])(
    'does not read %s',
    (source) => {
      expect(() => parseExpression(source)).toThrow();
    },
  );
});
