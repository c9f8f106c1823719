/** A sentence broken between words; a word that is wider than the terminal stays whole, so that it can be copied. */
export function proseLines(text: string, width: number, indent = '  '): string[] {
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

/** Text that is cut where it would be too wide; for a row of which the exact width does not matter. */
export function roughlyFitted(text: string, width: number): string {
  if (roughWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (roughWidth(kept + character) >= width) break;
    kept += character;
  }
  return width < 8 ? '' : `${kept.trimEnd()}…`;
}

/** Never too little. Every command prints sentences, and few need the tables that give the exact width. */
function roughWidth(text: string): number {
  let width = 0;
  for (const character of text) width += character < '\u1100' ? 1 : 2;
  return width;
}
