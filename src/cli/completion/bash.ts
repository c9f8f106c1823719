import type { CommandArgument, CommandManual, Values } from '../manual/commands.js';
import { firstWords, secondWords, singleQuoted, topics } from './words.js';

/**
 * A script for bash 3.2 (macOS) and later, without the bash-completion package. Bash passes `--flag=value` as three
 * words; the first lines rejoin them.
 */
export function bashCompletion(commands: readonly CommandManual[]): string {
  return `# bash completion for tracecraft: eval "$(tracecraft completion bash)"
_tracecraft() {
  local IFS=$' \\t\\n' cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local first=\${COMP_WORDS[1]} at=1 command words= values= plain=
  if [ "$cur" = '=' ]; then cur=
  elif [ "$prev" = '=' ]; then prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  COMPREPLY=()
  if [ "$first" = help ]; then at=2 first=\${COMP_WORDS[2]}; fi
  if [ "$COMP_CWORD" -eq "$at" ]; then
    case $cur in
      -*) words=${singleQuoted('--help --version')} ;;
      *) words=${singleQuoted(joined(firstWords(commands)))} ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
${secondWord(commands)}  [ "$at" -eq 1 ] || return
  case "$command $prev" in
${valueCases(commands)}
    *) values=none ;;
  esac
  if [ "$values" = none ]; then
    case "$command" in
${commands.map(commandCase).join('\n')}
    esac
    case $cur in
      -*) values= ;;
      *) words=$plain ;;
    esac
  fi
${reply}}
complete -F _tracecraft tracecraft
`;
}

/** The command's second word, if it has one: its meaning, or its possible values. */
function secondWord(commands: readonly CommandManual[]): string {
  return `  command=$first
  case "$first \${COMP_WORDS[at+1]}" in
    ${commands
      .filter(({ name }) => name.includes(' '))
      .map(({ name }) => singleQuoted(name))
      .join(' | ')})
      [ "$COMP_CWORD" -gt $((at + 1)) ] && command="$first \${COMP_WORDS[at+1]}" ;;
  esac
  if [ "$COMP_CWORD" -eq $((at + 1)) ]; then
    case $first in
${topics(commands)
  .map((topic) => `      ${topic}) words=${singleQuoted(joined(secondWords(commands, topic)))} ;;`)
  .join('\n')}
    esac
    case $cur in
      -*) ;;
      *) if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); return; fi ;;
    esac
  fi
`;
}

const reply = `  IFS=$'\\n'
  case $values in
    files) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")) ;;
    folders) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")) ;;
    *) IFS=$' \\t\\n'; [ -z "$words" ] || COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
  esac
`;

function joined(words: readonly { readonly word: string }[]): string {
  return words.map(({ word }) => word).join(' ');
}

/** What may follow a flag that takes a value. */
function valueCases(commands: readonly CommandManual[]): string {
  const lines = commands.flatMap(({ name, flags }) =>
    flags.flatMap(({ name: flag, char, value }) => {
      if (value === undefined) return [];
      const spelt = [`--${flag}`, ...(char === undefined ? [] : [`-${char}`])];
      const patterns = spelt.map((one) => singleQuoted(`${name} ${one}`)).join(' | ');
      return [`    ${patterns}) ${assignment(value.values)} ;;`];
    }),
  );
  return lines.join('\n');
}

function assignment(values: Values): string {
  if (values.kind === 'words') return `words=${singleQuoted(values.words.join(' '))}`;
  return `values=${values.kind}`;
}

/** The flags of a command, and the values of its first argument. */
function commandCase({ name, flags, args }: CommandManual): string {
  const spelt = flags.map((flag) => `--${flag.name}`).join(' ');
  return `      ${singleQuoted(name)}) words=${singleQuoted(spelt)}${firstArgument(args[0])} ;;`;
}

function firstArgument(argument: CommandArgument | undefined): string {
  const values = argument?.values;
  if (values === undefined || values.kind === 'any') return '';
  return values.kind === 'words'
    ? ` plain=${singleQuoted(values.words.join(' '))}`
    : ` values=${values.kind}`;
}
