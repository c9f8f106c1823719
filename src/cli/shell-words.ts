/** A command as a shell takes it: words that need it are quoted. */
export function shellLine(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${shellWord(value)}`);
  return [...variables, ...words.map(shellWord)].join(' ');
}

const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function shellWord(word: string): string {
  if (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word)) return word;
  if (word.search(hidden) === -1) return `'${word.replaceAll("'", "'\\''")}'`;
  // Spelled out, as bash and zsh read it: a terminal would not print it, or do what it says.
  const shown = word.replaceAll(/[\\']/g, '\\$&').replaceAll(hidden, bytesOf);
  return `$'${shown}'`;
}

function bytesOf(character: string): string {
  const bytes = [...Buffer.from(character)];
  return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
