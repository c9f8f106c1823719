import { describe, expect, it } from 'vitest';
import { createMatcher, type Matcher, type Query } from '../../src/search/matcher.js';
import { subWordsOf } from '../../src/search/sub-words.js';

function matcherOf(words: readonly string[], query: Partial<Query> = {}) {
  const plain = { isAny: false, isWhole: false, isSubstring: false, isRegex: false };
  return createMatcher({ words, ...plain, ...query });
}

/** Numbers of the lines that have to be parsed. */
function linesIn(
  { prefilter }: Matcher,
  lines: readonly string[],
  unseen: ReadonlySet<number> = new Set(),
): readonly number[] {
  const part = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return [...prefilter.linesIn(part, unseen)].map(({ line, bytes }) => {
    expect(bytes.toString('utf8')).toBe(lines[line]);
    return line;
  });
}

function matches(words: string | readonly string[], text: string, query: Partial<Query> = {}) {
  const matcher = matcherOf([words].flat(), query);
  const isMatch = matcher.isMatch(matcher.find(text));
  // What JSON makes of a text must never hide it.
  if (isMatch) expect(linesIn(matcher, [JSON.stringify({ text })])).toEqual([0]);
  return isMatch;
}

describe('a word', () => {
  it('matches at the beginning of a sub-word, in any case', () => {
    for (const text of [
      'checkout',
      'the CheckOut',
      'reCheckout',
      'HTTPCheckout',
      'checkout_total',
      'src/checkout.ts',
      'v2Checkout',
      'x\ncheckouts',
      '2-checkout',
    ]) {
      expect([text, matches('checkout', text)]).toEqual([text, true]);
    }
    for (const text of ['recheckout', 'precheckout_total', 'check out', 'RECHECKOUT']) {
      expect([text, matches('checkout', text)]).toEqual([text, false]);
    }
  });

  it('finds an identifier however its sub-words are joined', () => {
    for (const word of ['toolResult', 'tool_result', 'tool-result', 'ToolResult']) {
      for (const text of ['toolResult', 'a tool_result!', 'tool-results', 'myToolResult']) {
        expect([word, text, matches(word, text)]).toEqual([word, text, true]);
      }
      expect(matches(word, 'tool result')).toBe(false);
    }
    expect(matches('tool-_result', 'tool-_result')).toBe(true);
    expect(matches('tool-_result', 'tool-_result', { isSubstring: true })).toBe(true);
    expect(matches('src/app.ts', 'open src/app.ts')).toBe(true);
    expect(matches('src/app.ts', 'open src/appxts')).toBe(false);
  });

  it('is each character of a script without spaces', () => {
    expect(matches('検索', '全文検索の結果')).toBe(true);
    expect(matches('文検', '全文検索の結果')).toBe(true);
    expect(matches('𠮷野', '店は𠮷野です')).toBe(true);
    expect(matches('索検', '全文検索の結果')).toBe(false);
    expect(matches('𐐨', 'x𐐨')).toBe(false);
    expect(matches('𐐨', 'x𐐨 𐐀')).toBe(true);
  });

  it('can be matched as a whole, or anywhere inside another', () => {
    expect(matches('auth', 'the author')).toBe(true);
    expect(matches('auth', 'the author', { isWhole: true })).toBe(false);
    expect(matches('auth', 'authCheck, AUTH', { isWhole: true })).toBe(true);
    expect(matches('utho', 'the author')).toBe(false);
    expect(matches('utho', 'the author', { isSubstring: true })).toBe(true);
  });

  it('is taken literally, whatever characters it contains', () => {
    for (const word of ['a.b', 'a+b', 'C:\\x', '[x]', '$1', 'a|b', 'x-y', '"q"', '<b>', '\\d']) {
      expect([word, matches(word, `say ${word} now`)]).toEqual([word, true]);
      expect([word, matches(word, 'say aXb now')]).toEqual([word, false]);
    }
  });
});

describe('a query', () => {
  it('requires all words, or any of them', () => {
    expect(matches(['one', 'two'], 'two and one')).toBe(true);
    expect(matches(['one', 'two'], 'two and three')).toBe(false);
    expect(matches(['one', 'two'], 'two and three', { isAny: true })).toBe(true);
  });

  it('treats quoted words as a phrase, with any white space between them', () => {
    expect(matches('missing auth check', 'Missing  auth\ncheck')).toBe(true);
    expect(matches('missing auth check', 'missing check, auth')).toBe(false);
  });

  it('can be a regular expression, and reports an invalid one', () => {
    expect(matches('E[A-Z]{4,}', 'failed: ENOSPC', { isRegex: true })).toBe(true);
    expect(matches('E[A-Z]{4,}', 'the eagle', { isRegex: true })).toBe(false);
    expect(matches('e\\S{4,}\\p{L}', 'failed: ENOSPC', { isRegex: true })).toBe(true);
    expect(() => matcherOf(['('], { isRegex: true })).toThrow(/not a regular expression/);
    expect(() => matcherOf([' '])).toThrow(/nothing to search for/);
  });

  it('parses only lines that may match, and every line whose JSON escapes a letter', () => {
    const lines = [
      '{"text":"nothing of it"}',
      '{"text":"a\\ncheckout\\u0007"}',
      '{"text":"\\u0063heckout"}',
      '{"text":"chec\u212aout"}',
      '{"text":"check\\u001b[0;31mout"}',
      '{"text":"check\\u001b[0m out"}',
      '{"text":"a checker, \\u001b[1mout\\u001b[0m"}',
    ];
    expect(linesIn(matcherOf(['checkout']), lines)).toEqual([1, 2, 3, 4]);
    expect(linesIn(matcherOf(['checkout', 'nothing']), lines)).toEqual([2, 4]);
    expect(linesIn(matcherOf(['checkout', 'nothing'], { isAny: true }), lines)).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(linesIn(matcherOf(['checkout', 'nothing']), lines, new Set([1]))).toEqual([0, 2, 4]);
    expect(linesIn(matcherOf(['E{2}'], { isRegex: true }), lines)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('counts the lines of a part of many chunks, and leaves out one without an end', () => {
    const filler = 'x'.repeat(70_000);
    const lines = ['checkout', filler, filler, 'y'.repeat(300_000), 'checkout', filler, 'checkout'];
    expect(linesIn(matcherOf(['checkout']), lines)).toEqual([0, 4, 6]);
    const part = Buffer.from(`${filler}\ncheckout`);
    expect([...matcherOf(['checkout']).prefilter.linesIn(part, new Set())]).toEqual([]);
  });
});

it('cuts identifiers where their sub-words begin', () => {
  expect(subWordsOf('parseHTTPResponse2xx_v2')).toEqual(['parse', 'HTTP', 'Response2xx', 'v2']);
  expect(subWordsOf('--x--')).toEqual(['x']);
  expect(subWordsOf('')).toEqual([]);
});
