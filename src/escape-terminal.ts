/**
 * Text from outsiders (a bucket, a config, a transcript) on its way to a terminal or an agent's context. Whatever
 * would move the cursor, recolour, reorder or hide text becomes an escape: C0, DEL and C1 (so no ANSI sequence
 * survives), bidirectional marks, overrides and isolates (Unicode UAX 9), line and paragraph separators, and what can
 * spell invisible text: zero-width spaces, soft hyphens, fillers, the blank Braille pattern, variation selectors, tags.
 */
const invisible = new RegExp(
  [
    '[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f]',
    '[\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb]',
    '[\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]',
  ].join('|'),
  'gu',
);

const shortForms: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** For one line: escapes newlines and tabs too. */
export function escapeTerminal(text: string): string {
  return replaced(text, escaped);
}

/** For a block: keeps newlines and tabs. */
export function escapeTerminalBlock(text: string): string {
  return replaced(text, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  );
}

/** The same JSON value with those characters as `\u` escapes; JSON itself requires that only for C0. */
export function escapeTerminalJson(json: string): string {
  return replaced(json, (character) =>
    [...Array(character.length).keys()].map((index) => unit(character.charCodeAt(index))).join(''),
  );
}

function replaced(text: string, form: (character: string) => string): string {
  return text.replace(invisible, (character: string, at: number) =>
    character === colouredForm && isWanted(text, at) ? character : form(character),
  );
}

const colouredForm = '\ufe0f';

/**
 * It asks for the coloured form of the emoji or the keycap that it belongs to; anywhere else it hides. The expression is
 * made here because it takes some milliseconds to compile, and hardly any text needs it.
 */
function isWanted(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 2), at);
  if (/[0-9#*]$/.test(before)) return text[at + 1] === '\u20e3';
  return /\p{Extended_Pictographic}$/u.test(before);
}

function escaped(character: string): string {
  const short = shortForms[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code <= 0xffff ? unit(code) : `\\u{${code.toString(16)}}`;
}

function unit(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}
