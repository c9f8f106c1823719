import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMatcher } from '../../src/search/matcher.js';
import { classOf, fold, signs } from '../../src/search/signs.js';
import { type Need, needsOf, type TermRange } from '../../src/search/terms/query-terms.js';
import { termsIn } from './terms-in.js';
import { pieces, query, textWith, word } from './texts.js';

/** `SEARCH_DIFFERENTIAL=200000 npx vitest run test/search/terms` tries as many pairs. */
const pairs = Number(process.env.SEARCH_DIFFERENTIAL ?? 1_000);

function isIn({ text, isPrefix }: TermRange, terms: ReadonlySet<string>): boolean {
  if (!isPrefix) return terms.has(text);
  return [...terms].some((term) => term.startsWith(text));
}

function areMet(needs: readonly Need[], text: string): boolean {
  const terms = termsIn(text);
  return needs.every((need) => need.some((range) => isIn(range, terms)));
}

/** Longer than terms are spelled out, with beginnings of sub-words inside. */
const noise = fc.constantFrom(
  'aB3xZ9qkLmN0pQ7rStUvWxYz'.repeat(4),
  `${'long-'.repeat(20)}name`,
  'a'.repeat(70),
  `検${'ab'.repeat(40)}索`,
);

it('asks for no term that a text with a match lacks', () => {
  let found = 0;
  const pair = fc
    .array(fc.oneof({ weight: 8, arbitrary: word }, { weight: 1, arbitrary: noise }), {
      minLength: 1,
      maxLength: 2,
    })
    .chain((words) =>
      fc.record({
        words: fc.constant(words),
        query,
        text: fc.oneof(
          textWith(words),
          fc.tuple(noise, textWith(words), pieces).map((some) => some.join('')),
        ),
        cut: fc.nat(30),
      }),
    );
  fc.assert(
    fc.property(pair, ({ words, query: flags, text, cut }) => {
      // A piece of the text itself is found more often than a random word.
      const own = [...text].slice(cut, cut + 1 + (cut % 9)).join('');
      for (const asked of [...words, own]) {
        if (asked.trim() === '') continue;
        const matcher = createMatcher({ words: [asked], ...flags });
        if (!matcher.isMatch(matcher.find(text))) continue;
        found += 1;
        expect([asked, text, areMet(matcher.needs[0] ?? [], text)]).toEqual([asked, text, true]);
      }
    }),
    { numRuns: pairs, ...(pairs > 10_000 ? { interruptAfterTimeLimit: 3_600_000 } : {}) },
  );
  expect(found).toBeGreaterThan(pairs / 2);
  if (pairs > 10_000) process.stdout.write(`${found} matches\n`);
});

describe('what a word asks for', () => {
  const plain = { isSubstring: false };
  const meets = (asked: string, text: string) => areMet(needsOf(asked, plain), text);

  it('is met where it stands, and rarely elsewhere', () => {
    expect(meets('toolResult', 'a tool_resultset')).toBe(true);
    expect(meets('toolResult', 'a tool result')).toBe(false);
    expect(meets('src/app.ts', 'open src/app.tsx')).toBe(true);
    expect(meets('src/app.ts', 'open src/apply.ts')).toBe(false);
    expect(meets('全文検索', 'これは全文検索です')).toBe(true);
    expect(meets('全文検索', '全文の検索')).toBe(false);
    expect(meets('checkout', 'recheckout')).toBe(false);
  });

  it('is nothing where it may begin inside of a word', () => {
    expect(needsOf('heckout', { isSubstring: true })).toEqual([]);
    expect(needsOf('eck/out', { isSubstring: true })).toEqual([
      [
        { text: 'out', isPrefix: true },
        { text: '\u0001out', isPrefix: true },
      ],
    ]);
  });
});

it('keeps terms of encoded data few and short', () => {
  let state = 1;
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  const noisy = Array.from({ length: 20_000 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return letters[state % letters.length];
  }).join('');
  const bytes = [...termsIn(noisy)].reduce((sum, term) => sum + term.length, 0);
  expect(bytes).toBeLessThan(noisy.length * 1.3);
});

it.each([
  ['ideographs between letters', '検a'],
  ['capitals', 'aB'],
  ['joints', 'a-'],
  ['letters of another script', 'Дo'],
  ['nothing but joints', '_-'],
])('takes time in proportion to a text of %s', (_, piece) => {
  const { user } = process.cpuUsage();
  const terms = termsIn(piece.repeat(200_000));
  // A thousandth of what the square of its length would take.
  expect(process.cpuUsage().user - user).toBeLessThan(20_000_000);
  expect(terms.size).toBeLessThan(10);
});

/** Every character that has a case, and what an expression that ignores case takes for it. */
it('folds alike what an expression takes for the same, and it is a letter in both', () => {
  const all = Array.from({ length: 0x1_e944 }, (_, code) => code)
    .filter((code) => code < 0xd800 || code > 0xdfff)
    .map((code) => String.fromCodePoint(code));
  const cased = all.filter(
    (sign) => sign.toLowerCase() !== sign || sign.toUpperCase() !== sign || /\p{Cased}/u.test(sign),
  );
  const text = cased.join('');
  let same = 0;
  const wrong: string[] = [];
  for (const sign of cased) {
    const escaped = `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`;
    for (const [other] of text.matchAll(new RegExp(escaped, 'giu'))) {
      same += 1;
      const areLetters = [sign, other].map(
        (one) => classOf(one.codePointAt(0) ?? 0) & signs.letter,
      );
      if (fold(sign) !== fold(other) || areLetters[0] !== areLetters[1]) wrong.push(sign + other);
    }
  }
  expect(wrong).toEqual([]);
  expect(same).toBeGreaterThan(cased.length);
});
