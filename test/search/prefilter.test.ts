import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMatcher } from '../../src/search/matcher.js';
import { readers } from '../../watchers/readers.js';
import { query, rows, spelling, textWith, word } from './texts.js';

/**
 * The prefilter may name too many lines, never too few: here each line that a full parse finds must
 * be one of those that it names. `SEARCH_DIFFERENTIAL=20000 npx vitest run test/search/prefilter`
 * tries as many corpora.
 */
const corpora = Number(process.env.SEARCH_DIFFERENTIAL ?? 150);

function textsOf(line: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return [line];
  }
  return readers.flatMap((reader) => reader.textOf(value)?.text ?? []);
}

it('names every line that a full parse finds', () => {
  let found = 0;
  const corpus = fc.array(word, { minLength: 1, maxLength: 3 }).chain((words) =>
    fc.record({
      words: fc.constant(words),
      query,
      lines: fc.array(
        fc
          .record({ text: textWith(words), spell: spelling, row: fc.constantFrom(...rows) })
          .map(({ text, spell, row }) => row(spell(text)).replaceAll('\n', ' ')),
        { minLength: 1, maxLength: 12 },
      ),
    }),
  );
  fc.assert(
    fc.property(corpus, ({ words, query: flags, lines }) => {
      const matcher = createMatcher({ words, ...flags });
      const part = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const named = [...matcher.prefilter.linesIn(part, new Set())].map(({ line }) => line);
      const all = [...matcher.prefilter.linesIn(part, new Set(words.keys()))].map(
        ({ line }) => line,
      );
      for (const [line, bytes] of lines.entries()) {
        const json = Buffer.from(bytes).toString('utf8');
        const finds = textsOf(json).map((text) => matcher.find(text));
        const seen = finds.some((one) => one.some((place) => place !== undefined));
        if (seen) expect([json, all.includes(line)]).toEqual([json, true]);
        if (!finds.some((one) => matcher.isMatch(one))) continue;
        found += 1;
        expect([json, named.includes(line)]).toEqual([json, true]);
      }
    }),
    { numRuns: corpora, ...(corpora > 1_000 ? { interruptAfterTimeLimit: 3_600_000 } : {}) },
  );
  expect(found).toBeGreaterThan(corpora / 2);
});
