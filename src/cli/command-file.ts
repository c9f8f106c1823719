import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A built command and what follows its name on the command line. */
export interface NamedCommand {
  readonly file: string;
  readonly rest: readonly string[];
}

/** The most words a command's name has. */
const mostWords = 2;

/**
 * The command that a line plainly names: its words come first, and no help is asked for. `undefined` for everything else,
 * which may still be a topic, a mistake, or help. `folder` is where built commands are.
 */
export function commandFile(argv: readonly string[], folder: string): NamedCommand | undefined {
  if (asksForHelp(argv)) return undefined;
  const end = argv.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
  const words = argv.slice(0, Math.min(mostWords, end === -1 ? argv.length : end));
  for (let length = words.length; length > 0; length -= 1) {
    const file = builtFile(words.slice(0, length), folder);
    if (file !== undefined) return { file, rest: argv.slice(length) };
  }
  return undefined;
}

function builtFile(words: readonly string[], folder: string): string | undefined {
  // `redact index` does not name the command whose file is redact/index.
  const forms = [[...words, 'index'], ...(words.at(-1) === 'index' ? [] : [words])];
  return forms.map((form) => `${join(folder, ...form)}.cjs`).find((file) => existsSync(file));
}

/** As oclif does, even among what follows the name, but not after `--`. */
function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  return own.includes('--help') || own.includes('-h');
}
