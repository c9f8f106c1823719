const indent = '  ';

/** A sentence broken between words; a word that is wider than the terminal stays whole, so that it can be copied. */
export function proseLines(text: string, width: number): string[] {
  if (!Number.isFinite(width)) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<= )(?! )/)) {
    if (line.trim() !== '' && roughWidth(line + word.trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += word;
  }
  return [...lines, line.trimEnd()];
}

/** Never too little. Every command prints sentences, and few need the tables that give the exact width. */
function roughWidth(text: string): number {
  let width = 0;
  for (const character of text) width += character < '\u1100' ? 1 : 2;
  return width;
}
