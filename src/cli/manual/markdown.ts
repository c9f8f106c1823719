import type { CommandManual, Manual } from './commands.js';
import { grouped } from './groups.js';
import { flagSummary, flagText, globalFlags, ownFlags, usageOf } from './usage.js';

/** `docs/commands.md`. Without a version, so that a release does not make it stale. */
export function markdownManual({ commands }: Manual): string {
  const groups = grouped(commands);
  const lines = [
    '# Commands',
    '',
    'Generated from the commands by `npm run docs`; `tracecraft help COMMAND` says the same.',
    '',
    ...groups.map(
      ({ title, commands: members }) =>
        `- **${title}**: ${members.map(({ name }) => `[${name}](#${anchor(name)})`).join(', ')}`,
    ),
    '',
    'Every command takes',
    '',
    ...table(globalFlags(commands).map((flag) => [code(flagText(flag)), flagSummary(flag)])),
  ];
  for (const { title, commands: members } of groups) {
    lines.push('', `## ${title}`);
    for (const command of members) lines.push('', ...section(command));
  }
  return `${lines.join('\n')}\n`;
}

function section(command: CommandManual): string[] {
  const rows = [
    ...command.args.map(({ label, summary }) => [code(label), summary]),
    ...ownFlags(command).map((flag) => [code(flagText(flag)), flagSummary(flag)]),
  ];
  return [
    `### ${command.name}`,
    '',
    `${capital(command.summary)}.`,
    '',
    '```',
    usageOf(command),
    '```',
    ...(rows.length === 0 ? [] : ['', ...table(rows)]),
    ...command.description.flatMap((paragraph) => ['', prose(paragraph)]),
    '',
    '```sh',
    ...command.examples,
    '```',
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map(
    (row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  );
  return ['| | |', '|---|---|', ...cells];
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Escapes characters that would be read as markup. */
function prose(text: string): string {
  return text.replaceAll(/[<>*_`[\]]/g, '\\$&');
}

function anchor(name: string): string {
  return name.replaceAll(' ', '-');
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
