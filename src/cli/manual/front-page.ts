import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printBlock, printRaw } from '../output.js';
import { type Manual, readManual } from './commands.js';
import { grouped } from './groups.js';

interface PageStyle {
  /** Columns of the terminal; `undefined`: do not wrap. */
  readonly width: number | undefined;
  readonly isBold: boolean;
}

/** Prints all commands on one page, grouped by task. `root` holds the oclif manifest. */
export async function printFrontPage(root: string): Promise<void> {
  const manual = readManual(await readFile(join(root, 'oclif.manifest.json'), 'utf8'));
  const { stdout, env } = process;
  const isTerminal = stdout.isTTY === true;
  const isBold = isTerminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  const page = frontPage(manual, { width: isTerminal ? stdout.columns : undefined, isBold });
  // The manifest is ours, so its page may contain escapes for bold type.
  if (isBold) printRaw(page);
  else printBlock(page);
}

export function frontPage({ version, commands }: Manual, { width, isBold }: PageStyle): string {
  const column = Math.max(...commands.map(({ name }) => name.length)) + 4;
  const title = (text: string): string => (isBold ? `\u001b[1m${text}\u001b[22m` : text);
  const lines = [
    `tracecraft ${version}: one bucket you own for everything your coding agents do`,
    '',
    'Usage: tracecraft COMMAND [flags]',
  ];
  for (const group of grouped(commands)) {
    lines.push('', title(group.title));
    for (const { name, summary } of group.commands) {
      lines.push(...hanging(`  ${name}`.padEnd(column), summary, width));
    }
  }
  lines.push(
    '',
    title('Start here'),
    '  tracecraft watch                mirror what your agents do into a folder in your home',
    '  tracecraft demo                 see it work, in ten seconds',
    '  tracecraft help COMMAND         show the flags, examples and exit codes of a command',
    '',
    'Every command has --json, --quiet and --help. Set TRACECRAFT_AGENT if several agents share a folder.',
  );
  return `${lines.join('\n')}\n`;
}

/** The text next to its heading, wrapped so that further lines align below the first. */
function hanging(head: string, text: string, width: number | undefined): string[] {
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(20, width - head.length);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map(
    (one, index) => `${index === 0 ? head : ' '.repeat(head.length)}${one}`,
  );
}
