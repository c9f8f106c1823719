import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMatcher } from '../../src/search/matcher.js';
import { readers } from '../../watchers/readers.js';

/**
 * The prefilter may name too many lines, never too few: here each line that a full parse finds must
 * be one of those that it names. `SEARCH_DIFFERENTIAL=20000 npx vitest run test/search/prefilter`
 * tries as many corpora.
 */
const corpora = Number(process.env.SEARCH_DIFFERENTIAL ?? 150);

/** Pieces that words and texts are made of: sub-words, joints, and what case and JSON do odd things with. */
const pieces = fc.constantFrom(
  ...['checkout', 'Checkout', 'CHECKOUT', 'check', 'out', 'total', 'Total', 'skill', 'kiosk', 'x'],
  ...['_', '-', '.', '/', ' ', '\n', '"', '\\', '', '2', '42nd', '\u0000', '\u007f', '\ufffd'],
  ...[
    '\u212a',
    '\u017f',
    'straße',
    'ẞ',
    'Дом',
    'дом',
    'ΣΑΣ',
    'σας',
    'İstanbul',
    'ı',
    'é',
    'e\u0301',
  ],
  ...['検索', '全文', '検', '𠮷', 'ภาษา', '한국', '\ud800', '𐐨', '𐐀', 'ǆ', 'ǅ', 'µ', 'μ'],
  'a-very-long-identifier-with-more-than-forty-signs',
);
const word = fc
  .array(pieces, { minLength: 1, maxLength: 4 })
  .map((some) => some.join(''))
  .filter((text) => text.trim() !== '');
const colour = '\u001b[1;31m';

/** A text with, at times, one of the words in the midst of it, and colours anywhere, even inside of the words. */
const textWith = (words: readonly string[]) => {
  const halfColoured = words.map((one) => `${one.slice(0, 2)}${colour}${one.slice(2)}`);
  const spoken = fc.constantFrom(...words, ...halfColoured, colour, '\u001b[0m');
  return fc.array(fc.oneof(pieces, spoken), { maxLength: 8 }).map((some) => some.join(''));
};

/** The ways to write a text as JSON: some characters, or all but ASCII, or all as escapes. */
const spelling = fc.constantFrom<(text: string) => string>(
  (text) => JSON.stringify(text),
  (text) => JSON.stringify(text).replace(/[^\x20-\x7e]/g, escaped),
  (text) => JSON.stringify(text).replace(/[0-9a-z_-](?=[aeiou])/gi, escapedUnlessMark),
  (text) =>
    JSON.stringify(text).replace(/[^\x20-\x7e]/g, (sign) =>
      escaped(sign).toUpperCase().replace('\\U', '\\u'),
    ),
);

function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Not the letter of an escape that is there already. */
function escapedUnlessMark(sign: string, at: number, text: string): string {
  return /\\(?:u[0-9a-f]{0,3})?$/.test(text.slice(Math.max(0, at - 5), at)) ? sign : escaped(sign);
}

/** Rows of different readers, with the text in a place where each looks for it. */
const rows: readonly ((json: string) => string)[] = [
  (json) => `{"type":"user","message":{"role":"user","content":${json}}}`,
  (json) =>
    `{"type":"user","message":{"role":"user","content":"<local-command-stdout>${json.slice(1, -1)}</local-command-stdout>"}}`,
  (json) =>
    `{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash","input":{"command":${json}}}]}}`,
  (json) =>
    `{"type":"response_item","payload":{"type":"function_call","name":"shell","arguments":${JSON.stringify(`{"x":${json}}`)}}}`,
  (json) => `{"type":"message","message":{"role":"user","content":${json}}}`,
  (json) => `{"op":"insert","id":1,"role":"assistant","content":${json}}`,
  (json) => `{"never":{"heard":[${json}]}}`,
  (json) => json.slice(1),
];

const query = fc.record({
  isAny: fc.boolean(),
  isWhole: fc.boolean(),
  isSubstring: fc.boolean(),
  isRegex: fc.constant(false),
});

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
    { numRuns: corpora, ...(corpora > 1_000 ? { interruptAfterTimeLimit: 600_000 } : {}) },
  );
  expect(found).toBeGreaterThan(corpora / 2);
});
