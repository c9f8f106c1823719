import type { CommandManual, Manual } from './commands.js';
import { grouped } from './groups.js';
import { flagSummary, flagText, globalFlags, ownFlags, usageOf } from './usage.js';

/** `man/tracecraft.1`, in the macros of man(7). Without date or version: the same commands give the same page. */
export function roffManual({ commands }: Manual): string {
  const lines = [
    '.TH TRACECRAFT 1 "" "tracecraft" "tracecraft"',
    '.SH NAME',
    'tracecraft \\- one bucket you own for everything your coding agents do',
    '.SH SYNOPSIS',
    '.B tracecraft',
    '.I COMMAND',
    '[flags]',
    '.SH DESCRIPTION',
    ...text(
      'Mirrors the transcripts of coding agents, redacted and exactly once, into one bucket: a folder, S3 or Hugging Face. Agents whose runs overlap claim steps, send mail and hand over through the same bucket.',
    ),
    '.SH GLOBAL FLAGS',
    ...globalFlags(commands).flatMap((flag) => item(flagText(flag), flagSummary(flag))),
    ...grouped(commands).flatMap(({ title, commands: members }) => [
      `.SH ${quoted(`${title.toUpperCase()}: COMMANDS`)}`,
      ...members.flatMap(section),
    ]),
    '.SH FILES',
    ...item(
      '.tracecraft.json',
      'the config of a folder; the nearest one, from here upwards, applies once it is trusted',
    ),
    ...item('~/.tracecraft/config.json', 'the config for everything else'),
  ];
  return `${lines.join('\n')}\n`;
}

function section(command: CommandManual): string[] {
  return [
    `.SS ${quoted(command.name)}`,
    ...text(`${command.summary}.`),
    '.PP',
    '.EX',
    escaped(usageOf(command)),
    '.EE',
    ...command.args.flatMap(({ label, summary }) => item(label, summary)),
    ...ownFlags(command).flatMap((flag) => item(flagText(flag), flagSummary(flag))),
    ...command.description.flatMap((paragraph) => ['.PP', ...text(paragraph)]),
    '.PP',
    'Examples:',
    '.PP',
    '.EX',
    ...command.examples.map(escaped),
    '.EE',
  ];
}

function item(head: string, body: string): string[] {
  return ['.TP', `.B ${quoted(head)}`, ...text(body)];
}

function text(paragraph: string): string[] {
  return [escaped(paragraph)];
}

/** A macro's argument. */
function quoted(argument: string): string {
  return `"${escaped(argument).replaceAll('"', '\\(dq')}"`;
}

/** Escapes backslashes, literal hyphens, and a first character that would make the line a request. */
function escaped(line: string): string {
  const typed = line.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...');
  return /^[.']/.test(typed) ? `\\&${typed}` : typed;
}
