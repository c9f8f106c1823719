/**
 * Text from outsiders (a bucket, a config, a transcript) on its way to a terminal or an agent's context. Whatever
 * would move the cursor, recolour, reorder or hide text becomes an escape: C0, DEL and C1 (so no ANSI sequence
 * survives), bidirectional marks, overrides and isolates (Unicode UAX 9), line and paragraph separators, zero-width
 * spaces, and tag characters (U+E0000 to U+E007F), which spell invisible text.
 */
const invisible =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
  /[\u0000-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|[\u{e0100}-\u{e01ef}]/gu;

const shortForms: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** For one line: escapes newlines and tabs too. */
export function escapeTerminal(text: string): string {
  return text.replace(invisible, escaped);
}

/** For a block: keeps newlines and tabs. */
export function escapeTerminalBlock(text: string): string {
  return text.replace(invisible, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  );
}

/** The same JSON value with those characters as `\u` escapes; JSON itself requires that only for C0. */
export function escapeTerminalJson(json: string): string {
  return json.replace(invisible, (character) =>
    [...Array(character.length).keys()].map((index) => unit(character.charCodeAt(index))).join(''),
  );
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
