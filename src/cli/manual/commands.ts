import * as v from 'valibot';

const flagSchema = v.object({
  name: v.string(),
  type: v.picklist(['boolean', 'option']),
  char: v.optional(v.string()),
  summary: v.optional(v.string()),
  description: v.optional(v.string()),
  helpValue: v.optional(v.string()),
  helpGroup: v.optional(v.string()),
  options: v.optional(v.array(v.string())),
  default: v.optional(v.union([v.string(), v.number(), v.boolean()])),
  allowNo: v.optional(v.boolean(), false),
  multiple: v.optional(v.boolean(), false),
  required: v.optional(v.boolean(), false),
  hidden: v.optional(v.boolean(), false),
});

const exampleSchema = v.object({ command: v.string(), description: v.string() });

const argumentSchema = v.object({
  name: v.string(),
  description: v.optional(v.string(), ''),
  options: v.optional(v.array(v.string())),
  required: v.optional(v.boolean(), false),
});

const manifestSchema = v.object({
  version: v.string(),
  commands: v.record(
    v.string(),
    v.object({
      summary: v.optional(v.string(), ''),
      description: v.optional(v.string(), ''),
      examples: v.optional(v.array(v.union([v.string(), exampleSchema])), []),
      hidden: v.optional(v.boolean(), false),
      strict: v.optional(v.boolean(), true),
      args: v.record(v.string(), argumentSchema),
      flags: v.record(v.string(), flagSchema),
    }),
  ),
});

/** Values of a flag or argument that can be suggested without any lookup. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'files' | 'folders' | 'any' };

export interface CommandFlag {
  /** Without dashes. */
  readonly name: string;
  readonly char: string | undefined;
  readonly summary: string;
  /** `undefined`: takes no value. */
  readonly value: { readonly label: string; readonly values: Values } | undefined;
  readonly default: string | undefined;
  readonly isRepeatable: boolean;
  readonly isRequired: boolean;
  /** Whether every command has it. */
  readonly isGlobal: boolean;
}

export interface CommandArgument {
  readonly label: string;
  readonly summary: string;
  readonly values: Values;
  readonly isRequired: boolean;
}

/** One command as the manual describes it, independent of the manual's format. */
export interface CommandManual {
  /** As typed, e.g. `memory get`. */
  readonly name: string;
  readonly summary: string;
  /** One string per paragraph. */
  readonly description: readonly string[];
  readonly examples: readonly string[];
  readonly args: readonly CommandArgument[];
  /** Whether the last argument may be repeated. */
  readonly isVariadic: boolean;
  readonly flags: readonly CommandFlag[];
}

export interface Manual {
  readonly version: string;
  /** Ordered by name. */
  readonly commands: readonly CommandManual[];
}

/** Reads the oclif manifest, which describes all commands without loading any of them. */
export function readManual(manifest: string): Manual {
  const { version, commands } = v.parse(manifestSchema, JSON.parse(manifest));
  const shown = Object.entries(commands).filter(([, command]) => !command.hidden);
  return {
    version,
    commands: shown
      .map(([id, command]) => ({
        name: id.replaceAll(':', ' '),
        summary: command.summary,
        description: command.description.split(/\n+/).filter((paragraph) => paragraph !== ''),
        examples: command.examples.flatMap(toExample),
        args: Object.values(command.args).map(toArgument),
        isVariadic: !command.strict,
        flags: [...Object.values(command.flags).flatMap(toFlags), helpFlag],
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** A line of shell, preceded by a comment that explains it. */
function toExample(example: string | v.InferOutput<typeof exampleSchema>): string[] {
  if (typeof example === 'string') return [example.replaceAll('<%= config.bin %>', 'tracecraft')];
  return [`# ${example.description}`, ...toExample(example.command)];
}

/** oclif adds it to every command but puts it in no manifest. */
const helpFlag: CommandFlag = {
  name: 'help',
  char: 'h',
  summary: 'show help for this command',
  value: undefined,
  default: undefined,
  isRepeatable: false,
  isRequired: false,
  isGlobal: true,
};

function toFlags(flag: v.InferOutput<typeof flagSchema>): CommandFlag[] {
  if (flag.hidden) return [];
  const isOption = flag.type === 'option';
  const label = flag.helpValue ?? flag.options?.join('|') ?? 'VALUE';
  const shown: CommandFlag = {
    name: flag.name,
    char: flag.char,
    summary: flag.name === 'json' ? 'answer in JSON' : (flag.summary ?? flag.description ?? ''),
    value: isOption ? { label, values: valuesOf(label, flag.options) } : undefined,
    default: isOption && (flag.default ?? '') !== '' ? String(flag.default) : undefined,
    isRepeatable: flag.multiple,
    isRequired: flag.required,
    isGlobal: flag.helpGroup === 'GLOBAL',
  };
  if (!flag.allowNo) return [shown];
  const summary = `the opposite of --${flag.name}`;
  return [shown, { ...shown, name: `no-${flag.name}`, char: undefined, summary }];
}

function toArgument(arg: v.InferOutput<typeof argumentSchema>): CommandArgument {
  const label = arg.name.toUpperCase();
  return {
    label,
    summary: arg.description,
    values: valuesOf(label, arg.options),
    isRequired: arg.required,
  };
}

/**
 * The manifest does not give a value's kind, but its label does: `FILE`, `FOLDER`, `local|s3|hf`.
 */
function valuesOf(label: string, options: readonly string[] | undefined): Values {
  if (options !== undefined) return { kind: 'words', words: options };
  if (/^[a-z0-9-]+(\|[a-z0-9-]+)+$/.test(label)) return { kind: 'words', words: label.split('|') };
  const names = label.split('|');
  if (names.some((name) => name === 'FILE' || name === 'PATH')) return { kind: 'files' };
  if (names.some((name) => name === 'FOLDER' || name === 'DIR')) return { kind: 'folders' };
  return { kind: 'any' };
}
