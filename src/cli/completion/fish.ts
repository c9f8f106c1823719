import type { CommandFlag, CommandManual, Values } from '../manual/commands.js';
import { firstWords, secondWords, topics, type Word } from './words.js';

/** A script for fish 3 and later. */
export function fishCompletion(commands: readonly CommandManual[]): string {
  const below = commands.filter(({ name }) => name.includes(' ')).map(({ name }) => quoted(name));
  const lines = [
    '# fish completion for tracecraft: tracecraft completion fish | source',
    'function __tracecraft_command',
    '    set -l words (commandline -opc)',
    '    set -e words[1]',
    '    if test "$words[1]" = help',
    '        set -e words[1]',
    '    end',
    `    if set -q words[2]; and contains -- "$words[1] $words[2]" ${below.join(' ')}`,
    '        echo "$words[1] $words[2]"',
    '    else',
    '        echo "$words[1]"',
    '    end',
    'end',
    'function __tracecraft_is',
    '    test (__tracecraft_command) = "$argv[1]"',
    'end',
    'function __tracecraft_has_only',
    '    set -l words (commandline -opc)',
    '    set -e words[1]',
    '    if test "$words[1]" = help',
    '        set -e words[1]',
    '    end',
    '    test "$words" = "$argv[1]"',
    'end',
    'complete -c tracecraft -f',
    `complete -c tracecraft -n '__tracecraft_has_only ""' -l help -d ${quoted('all commands')}`,
    `complete -c tracecraft -n '__tracecraft_has_only ""' -l version -d ${quoted('the version')}`,
    ...wordLines('', firstWords(commands)),
    ...topics(commands).flatMap((topic) => wordLines(topic, secondWords(commands, topic))),
    ...commands.flatMap(commandLines),
  ];
  return `${lines.join('\n')}\n`;
}

function wordLines(before: string, words: readonly Word[]): string[] {
  const condition = quoted(`__tracecraft_has_only ${quoted(before)}`);
  return words.map(
    ({ word, summary }) =>
      `complete -c tracecraft -n ${condition} -a ${quoted(word)} -d ${quoted(summary)}`,
  );
}

function commandLines({ name, flags, args }: CommandManual): string[] {
  const start = `complete -c tracecraft -n ${quoted(`__tracecraft_is ${quoted(name)}`)}`;
  const values = args[0]?.values;
  const argument = values === undefined ? '' : argumentOptions(values);
  return [
    ...(argument === '' ? [] : [`${start} ${argument}`]),
    ...flags.map((flag) => `${start} ${flagOptions(flag)}`),
  ];
}

function flagOptions({ name, char, summary, value }: CommandFlag): string {
  const parts = [
    `-l ${name}`,
    ...(char === undefined ? [] : [`-s ${char}`]),
    ...(value === undefined ? [] : [valueOptions(value.values)]),
    `-d ${quoted(summary)}`,
  ];
  return parts.join(' ');
}

function argumentOptions(values: Values): string {
  if (values.kind === 'any') return '';
  return values.kind === 'words' ? `-a ${quoted(values.words.join(' '))}` : '-F';
}

function valueOptions(values: Values): string {
  if (values.kind === 'files') return '-r -F';
  if (values.kind === 'folders') return "-x -a '(__fish_complete_directories)'";
  return values.kind === 'words' ? `-x -a ${quoted(values.words.join(' '))}` : '-x';
}

/** Inside single quotes fish knows two escapes: the quote and the backslash. */
function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
