import type { CommandFlag, CommandManual, Values } from '../manual/commands.js';
import { firstWords, secondWords, singleQuoted, topics, type Word } from './words.js';

/** A script for zsh's own completion system; works sourced, and as a file `_tracecraft` in a folder of `fpath`. */
export function zshCompletion(commands: readonly CommandManual[]): string {
  return `#compdef tracecraft
# zsh completion for tracecraft: eval "$(tracecraft completion zsh)"
_tracecraft() {
  local -a entries
  local isHelp=
  if (( CURRENT > 2 )) && [[ $words[2] == help ]]; then
    isHelp=yes
    words[2]=()
    (( CURRENT-- ))
  fi
  if (( CURRENT == 2 )); then
    if [[ $PREFIX == -* ]]; then _arguments '--help[all commands]' '--version[the version]'; return; fi
    entries=(
${entries(firstWords(commands))}
    )
    _describe -t commands command entries
    return
  fi
  if (( CURRENT == 3 )) && [[ $PREFIX != -* ]]; then
    case $words[2] in
${topics(commands)
  .map((topic) => topicCase(topic, secondWords(commands, topic)))
  .join('\n')}
    esac
  fi
  [[ -z $isHelp ]] || return
  case "$words[2] $words[3]" in
${commands
  .filter(({ name }) => name.includes(' '))
  .map((command) => commandCase(command, 2))
  .join('\n')}
  esac
  case $words[2] in
${commands
  .filter(({ name }) => !name.includes(' '))
  .map((command) => commandCase(command, 1))
  .join('\n')}
  esac
}
if [[ $funcstack[1] == _tracecraft ]]; then _tracecraft "$@"; else compdef _tracecraft tracecraft; fi
`;
}

function entries(words: readonly Word[], indent = '      '): string {
  return words
    .map(({ word, summary }) => `${indent}${singleQuoted(`${word}:${summary}`)}`)
    .join('\n');
}

function topicCase(topic: string, words: readonly Word[]): string {
  return [
    `      ${topic})`,
    '        entries=(',
    entries(words, '          '),
    '        )',
    '        _describe -t commands command entries',
    '        return ;;',
  ].join('\n');
}

/** _arguments takes the first word for the command, so all but the last word of a command's name are removed. */
function commandCase(command: CommandManual, depth: 1 | 2): string {
  const specs = [...command.flags.flatMap(flagSpecs), ...argumentSpecs(command)];
  return [
    `    ${singleQuoted(command.name)})`,
    `      shift ${depth} words; (( CURRENT -= ${depth} ))`,
    '      _arguments -S \\',
    `        ${specs.map(singleQuoted).join(' \\\n        ')}`,
    '      return ;;',
  ].join('\n');
}

function flagSpecs({ name, char, summary, value, isRepeatable }: CommandFlag): string[] {
  const text = `[${summary.replaceAll(/[[\]\\]/g, '\\$&')}]`;
  const many = isRepeatable ? '*' : '';
  const long = `${many}--${name}`;
  if (value === undefined) {
    return [`${long}${text}`, ...(char === undefined ? [] : [`${many}-${char}${text}`])];
  }
  const rest = `:${value.label.replaceAll(':', '\\:')}:${action(value.values)}`;
  return [
    `${long}=${text}${rest}`,
    ...(char === undefined ? [] : [`${many}-${char}+${text}${rest}`]),
  ];
}

function argumentSpecs({ args, isVariadic }: CommandManual): string[] {
  return args.map(({ label, summary, values }, index) => {
    const place = isVariadic && index === args.length - 1 ? '*' : '';
    const message = (summary === '' ? label : summary).replaceAll(/[:\\]/g, '\\$&');
    return `${place}:${message}:${action(values)}`;
  });
}

function action(values: Values): string {
  if (values.kind === 'words') return `(${values.words.join(' ')})`;
  if (values.kind === 'files') return '_files';
  return values.kind === 'folders' ? '_files -/' : ' ';
}
