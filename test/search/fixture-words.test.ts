import { expect, it } from 'vitest';
import { createMatcher, type Query } from '../../src/search/matcher.js';
import { rowIn } from '../../src/search/row.js';
import { hasSharedFixtures, readFixtureStreams } from '../support/fixture-streams.js';
import { termsIn } from './terms-in.js';

/** `SEARCH_WORDS=1000000 npx vitest run test/search/fixture-words --testTimeout 7200000` tries as many. */
const most = Number(process.env.SEARCH_WORDS ?? 4_000);
const perRow = 40;

/** Mulberry32, so that a failure can be repeated. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

it.skipIf(!hasSharedFixtures)(
  'misses no word that a real transcript holds, wherever it is cut out',
  async () => {
    const texts: string[] = [];
    for (const { harness, lines } of await readFixtureStreams(
      most > 10_000 ? '' : 'harness-more',
    )) {
      for (const line of lines) {
        const row = rowIn(harness, line);
        if (row !== undefined && row.text !== '') texts.push(row.text);
      }
    }
    const below = numbers(most);
    let [tried, found] = [0, 0];
    while (tried < most) {
      const text = texts[below(texts.length)] ?? '';
      const terms = termsIn(text);
      const sorted = [...terms].sort();
      for (let n = 0; n < perRow && tried < most; n += 1) {
        tried += 1;
        const from = n % 8 === 0 ? (texts[below(texts.length)] ?? '') : text;
        const at = below(from.length);
        const word = recased(from.slice(at, at + 1 + below(n % 5 === 0 ? 60 : 14)), below(4));
        if (word.trim() === '') continue;
        const query: Query = {
          words: [word],
          isAny: false,
          isWhole: n % 7 === 0,
          isSubstring: n % 3 === 0,
          isRegex: false,
        };
        const matcher = createMatcher(query);
        if (!matcher.isMatch(matcher.find(text))) continue;
        found += 1;
        const isMet = (matcher.needs[0] ?? []).every((need) =>
          need.some(({ text: asked, isPrefix }) =>
            isPrefix ? sorted.some((term) => term.startsWith(asked)) : terms.has(asked),
          ),
        );
        if (!isMet) expect([word, text.slice(0, 400)]).toBe('among its terms');
      }
    }
    expect(found).toBeGreaterThan(most / 4);
    if (most > 10_000) process.stdout.write(`${tried} words, ${found} found, none missed\n`);
  },
);

function recased(word: string, how: number): string {
  if (how === 0) return word.toUpperCase();
  return how === 1 ? word.toLowerCase() : word;
}
