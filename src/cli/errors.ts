import { stripVTControlCharacters } from 'node:util';
import { type ErrorKind, messageOf, TracecraftError } from '../errors.js';
import { onOneLine } from './format.js';
import { suggest } from './suggest.js';

/** An error as the user sees it, in text and in `--json` alike. */
export interface Failure {
  readonly kind: ErrorKind | 'unexpected';
  readonly message: string;
  readonly hint: string | null;
  readonly retryable: boolean;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** Shown as lines of their own; `--json` has them in `details`. */
  readonly choices?: readonly string[];
  /** docs/commands: 1 unexpected, 2 usage, 3 not found, 4 lost, …; the same in text and in `--json`. */
  readonly exitCode: number;
}

/**
 * What is known about the command line when an error is shown; ids are oclif's (`memory:get`),
 * flags have no dashes.
 */
export interface CommandLine {
  readonly argv: readonly string[];
  readonly commandIds: readonly string[];
}

/** `undefined` if the command ended itself with an exit code (`this.exit`), which is not shown. */
export function describeFailure(error: unknown, line: CommandLine): Failure | undefined {
  if (error instanceof TracecraftError) {
    const { kind, message, hint, retryable, exitCode, details, choices } = error;
    return { kind, message, hint: hint ?? null, retryable, exitCode, details, choices };
  }
  if (isExit(error)) return undefined;
  if (isOclifError(error)) return usage(...describeUsage(error, line));
  return {
    kind: 'unexpected',
    message: `unexpected: ${messageOf(error)}`,
    hint: 'This is a bug. DEBUG=tracecraft* shows where; please report it.',
    retryable: false,
    exitCode: 1,
  };
}

/** The exit code of `this.exit(code)`, if that was thrown. */
export function exitCodeOf(error: unknown): number | undefined {
  return isExit(error) ? (error.oclif.exit ?? 0) : undefined;
}

/** At most three lines, and one per choice: what happened, then what to do next. */
export function failureLines(failure: Failure): string[] {
  const hint = failure.hint?.split('\n').slice(0, 2) ?? [];
  const choices = failure.choices ?? [];
  return [`Error: ${onOneLine(failure.message)}`, ...choices.map((one) => `  ${one}`), ...hint];
}

/**
 * All of oclif's own errors concern the command line. Bundling drops their class names, so we
 * identify them by shape.
 */
function describeUsage(error: OclifError, line: CommandLine): [message: string, hint: string] {
  const command = commandOf(line);
  const help = `See "${['tracecraft', command, '--help'].filter(Boolean).join(' ')}".`;
  if (isStrings(error.flags)) return describeFlags(error, error.flags, help);
  if (isStrings(error.args)) {
    const takesOne = Object.keys(error.parse?.input?.args ?? {}).length > 0;
    const hint = takesOne
      ? `If it belongs to the word before it, put both in quotes. ${help}`
      : help;
    return [`unexpected ${plural('argument', error.args.length)}: ${error.args.join(' ')}`, hint];
  }
  if (Array.isArray(error.args)) {
    const names = error.args.map((arg: { name?: string }) => (arg.name ?? '').toUpperCase());
    const choices = choicesOf(error.args[0]);
    const hint = choices.length === 0 ? help : `It is one of ${choices.join(', ')}. ${help}`;
    return [`missing ${plural('argument', names.length)}: ${names.join(' ')}`, hint];
  }
  const unknown = /^command (.*) not found\.?$/i.exec(error.message)?.[1];
  if (unknown !== undefined) return describeCommand(unknown, line);
  return describeChoice(error.message, help) ?? [tidy(error.message), help];
}

function describeFlags(
  error: OclifError,
  flags: readonly string[],
  help: string,
): [string, string] {
  const [first = ''] = flags;
  const known = Object.keys(error.parse?.input?.flags ?? {});
  const meant = suggest(first.replace(/^-+/, ''), known);
  const message = `unknown ${plural('flag', flags.length)}: ${flags.join(' ')}`;
  return [message, meant === undefined ? help : `Did you mean --${meant}? ${help}`];
}

/**
 * Tries the typed words from the longest run down to the first alone: oclif takes arguments for part of the command.
 */
function describeCommand(unknown: string, line: CommandLine): [string, string] {
  const words = unknown.split(':');
  if (unknown.startsWith('-')) {
    const hint = 'Flags come after the command. "tracecraft --help" lists all commands.';
    return [`unknown command: ${unknown}`, hint];
  }
  const command = commandOf({ ...line, argv: words });
  if (command !== '') {
    const rest = words.slice(command.split(' ').length);
    const message = `unexpected ${plural('argument', rest.length)}: ${rest.join(' ')}`;
    return [message, `See "tracecraft ${command} --help".`];
  }
  const habit = habits[words[0] ?? ''];
  if (habit !== undefined) {
    const hint = `Did you mean "tracecraft ${habit}"? "tracecraft --help" lists all.`;
    return [`unknown command: ${words[0]}`, hint];
  }
  for (let length = words.length; length > 0; length -= 1) {
    const meant = suggest(words.slice(0, length).join(':'), line.commandIds);
    if (meant === undefined) continue;
    const hint = `Did you mean "tracecraft ${spaced(meant)}"? "tracecraft --help" lists all.`;
    return [`unknown command: ${words.slice(0, length).join(' ')}`, hint];
  }
  const [topic = ''] = words;
  const below = line.commandIds.filter((id) => id.startsWith(`${topic}:`)).map(spaced);
  const hint = below.length === 0 ? '"tracecraft --help" lists all commands.' : list(below);
  return [`unknown command: ${(below.length === 0 ? words.slice(0, 1) : words).join(' ')}`, hint];
}

/** What other tools call the command. */
const habits: Readonly<Record<string, string | undefined>> = {
  ls: 'session list',
  list: 'session list',
  sessions: 'session list',
  show: 'session show',
  cat: 'session show',
};

/** `--harness claude`, `setup claude`: suggests the choice that begins with the value or resembles it. */
function describeChoice(message: string, help: string): [string, string] | undefined {
  const [, typed = '', choices = ''] =
    /^\s*Expected (?:--[\w-]+=)?(.+) to be one of: (.+)$/m.exec(message) ?? [];
  if (typed.length < 3) return undefined;
  const known = choices.split(',').map((one) => one.trim());
  const meant =
    known.find((one) => one.startsWith(typed)) ??
    suggest(typed, known) ??
    byFirstWord(typed, known);
  return meant === undefined ? undefined : [tidy(message), `Did you mean ${meant}? ${help}`];
}

/** `cluade` is near the first word of `claude-code`, and far from all of it. */
function byFirstWord(typed: string, known: readonly string[]): string | undefined {
  const firstOf = (one: string): string => one.split('-')[0] ?? one;
  const meant = suggest(typed, known.map(firstOf));
  return known.find((one) => firstOf(one) === meant);
}

/** The values that an argument takes, if only some are. */
function choicesOf(argument: { readonly options?: unknown } | undefined): readonly string[] {
  return isStrings(argument?.options) ? argument.options : [];
}

function list(commands: readonly string[]): string {
  return `There are: ${commands.join(', ')}.`;
}

/** The command as typed; '' if there is no such command. */
function commandOf({ argv, commandIds }: CommandLine): string {
  const end = argv.findIndex((word) => word.startsWith('-'));
  const words = end === -1 ? argv : argv.slice(0, end);
  for (let length = words.length; length > 0; length -= 1) {
    if (commandIds.includes(words.slice(0, length).join(':')))
      return words.slice(0, length).join(' ');
  }
  return '';
}

function usage(message: string, hint: string): Failure {
  return { kind: 'usage', message, hint, retryable: false, exitCode: 2 };
}

/**
 * oclif's messages end with a pointer to the help, which the hint already gives, and print lists
 * over several lines.
 */
function tidy(message: string): string {
  return stripVTControlCharacters(message)
    .replace(/\n?See more help with --help\s*$/, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .split('\n')
    .map((part) => part.trim().replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()))
    .map((part) => part.replace(/^missing required flag (?=\w)/, 'missing flag: --'))
    .filter((part) => part !== '')
    .join('; ');
}

interface OclifError extends Error {
  readonly oclif: { readonly exit?: number };
  readonly flags?: unknown;
  readonly args?: unknown;
  readonly parse?: { readonly input?: { readonly flags?: object; readonly args?: object } };
}

function isOclifError(error: unknown): error is OclifError {
  return error instanceof Error && 'oclif' in error && typeof error.oclif === 'object';
}

function isExit(error: unknown): error is OclifError {
  return isOclifError(error) && 'code' in error && error.code === 'EEXIT';
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string') && value.length > 0;
}

function plural(noun: string, count: number): string {
  return count === 1 ? noun : `${noun}s`;
}

function spaced(id: string): string {
  return id.replaceAll(':', ' ');
}
