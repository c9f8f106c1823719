import { describe, expect, it } from 'vitest';
import { createMatcher, type Query } from '../../src/search/matcher.js';
import { subWordsOf } from '../../src/search/sub-words.js';

function matcherOf(words: readonly string[], query: Partial<Query> = {}) {
  const plain = { isAny: false, isWhole: false, isSubstring: false, isRegex: false };
  return createMatcher({ words, ...plain, ...query });
}

function matches(words: string | readonly string[], text: string, query: Partial<Query> = {}) {
  const matcher = matcherOf([words].flat(), query);
  const isMatch = matcher.isMatch(matcher.find(text));
  // What JSON makes of a text must never hide it.
  if (isMatch) expect(matcher.mayMatch(JSON.stringify({ text }))).toBe(true);
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
    expect(matches('src/app.ts', 'open src/app.ts')).toBe(true);
    expect(matches('src/app.ts', 'open src/appxts')).toBe(false);
  });

  it('is each character of a script without spaces', () => {
    expect(matches('検索', '全文検索の結果')).toBe(true);
    expect(matches('文検', '全文検索の結果')).toBe(true);
    expect(matches('𠮷野', '店は𠮷野です')).toBe(true);
    expect(matches('索検', '全文検索の結果')).toBe(false);
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
    expect(() => matcherOf(['('], { isRegex: true })).toThrow(/not a regular expression/);
    expect(() => matcherOf([' '])).toThrow(/nothing to search for/);
  });

  it('skips lines that cannot match, but none whose JSON escapes its text', () => {
    const matcher = matcherOf(['checkout']);
    expect(matcher.mayMatch('{"text":"nothing of it"}')).toBe(false);
    expect(matcher.mayMatch('{"text":"\\u0063heckout"}')).toBe(true);
    expect(matcher.mayMatch('{"text":"a\\ncheckout\\u0007"}')).toBe(true);
  });
});

it('cuts identifiers where their sub-words begin', () => {
  expect(subWordsOf('parseHTTPResponse2xx_v2')).toEqual(['parse', 'HTTP', 'Response2xx', 'v2']);
  expect(subWordsOf('--x--')).toEqual(['x']);
  expect(subWordsOf('')).toEqual([]);
});
