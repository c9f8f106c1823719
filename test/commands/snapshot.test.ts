import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { repositoryRoot } from '../support/run-cli.js';

const flagSchema = v.looseObject({
  type: v.string(),
  char: v.optional(v.string()),
  required: v.optional(v.boolean()),
  multiple: v.optional(v.boolean()),
  hidden: v.optional(v.boolean()),
  default: v.optional(v.unknown()),
  options: v.optional(v.array(v.string())),
  aliases: v.optional(v.array(v.string())),
});
const manifestSchema = v.object({
  commands: v.record(
    v.string(),
    v.object({
      summary: v.string(),
      examples: v.pipe(v.array(v.unknown()), v.minLength(1)),
      aliases: v.array(v.string()),
      hiddenAliases: v.array(v.string()),
      args: v.record(v.string(), v.looseObject({ required: v.optional(v.boolean()) })),
      flags: v.record(v.string(), flagSchema),
    }),
  ),
});

const manifest = v.parse(
  manifestSchema,
  JSON.parse(readFileSync(join(repositoryRoot, 'oclif.manifest.json'), 'utf8')),
);

/** One line per thing that a script may rely on; `npx vitest run test/commands/snapshot.test.ts -u` accepts a change. */
it('every command, argument, flag and alias', () => {
  const lines = Object.entries(manifest.commands)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, command]) => [
      id.replaceAll(':', ' '),
      ...[...command.aliases, ...command.hiddenAliases].map((alias) => `  alias ${alias}`),
      ...Object.entries(command.args).map(
        ([name, arg]) =>
          `  ${arg.required === true ? name.toUpperCase() : `[${name.toUpperCase()}]`}`,
      ),
      ...Object.entries(command.flags)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, flag]) => `  ${flagLine(name, flag)}`),
    ]);
  expect(lines.join('\n')).toMatchSnapshot();
});

function flagLine(name: string, flag: v.InferOutput<typeof flagSchema>): string {
  return [
    flag.char === undefined ? '' : `-${flag.char}`,
    `--${name}${flag.type === 'option' ? `=${flag.options?.join('|') ?? 'VALUE'}` : ''}`,
    flag.required === true ? 'required' : '',
    flag.multiple === true ? 'multiple' : '',
    flag.hidden === true ? 'hidden' : '',
    flag.default === undefined || flag.default === false
      ? ''
      : `default ${JSON.stringify(flag.default)}`,
    ...(flag.aliases ?? []).map((alias) => `alias ${alias}`),
  ]
    .filter((part) => part !== '')
    .join(' ');
}
