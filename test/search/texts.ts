import fc from 'fast-check';

/** Pieces that words and texts are made of: sub-words, joints, and what case and JSON do odd things with. */
export const pieces = fc.constantFrom(
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
export const word = fc
  .array(pieces, { minLength: 1, maxLength: 4 })
  .map((some) => some.join(''))
  .filter((text) => text.trim() !== '');
const colour = '\u001b[1;31m';

/** A text with, at times, one of the words in the midst of it, and colours anywhere, even inside of the words. */
export const textWith = (words: readonly string[]) => {
  const halfColoured = words.map((one) => `${one.slice(0, 2)}${colour}${one.slice(2)}`);
  const spoken = fc.constantFrom(...words, ...halfColoured, colour, '\u001b[0m');
  return fc.array(fc.oneof(pieces, spoken), { maxLength: 8 }).map((some) => some.join(''));
};

/** The ways to write a text as JSON: some characters, or all but ASCII, or all as escapes. */
export const spelling = fc.constantFrom<(text: string) => string>(
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
export const rows: readonly ((json: string) => string)[] = [
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

/** Everything but regular expressions. */
export const query = fc.record({
  isAny: fc.boolean(),
  isWhole: fc.boolean(),
  isSubstring: fc.boolean(),
  isRegex: fc.constant(false),
});
