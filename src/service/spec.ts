import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { UsageError } from '../errors.js';

/** A variable the service gets in plain text: paths, names and URLs, never a credential. */
export type Variables = Readonly<Record<string, string>>;

const specSchema = v.object({
  /** The version of tracecraft that wrote it. */
  version: v.string(),
  /** Absolute: the Node that runs it. */
  node: v.string(),
  /** Absolute: tracecraft's own executable. */
  script: v.string(),
  /** What follows the script: `watch` and its flags. */
  args: v.array(v.string()),
  /** Absolute: where it runs, which decides which config applies. */
  folder: v.string(),
  /** Absolute: the config that applied there; null if there was none yet. */
  config: v.nullable(v.string()),
  variables: v.record(v.string(), v.string()),
  /** Absolute: mode 600, holds what --env asked for; null if nothing. */
  secrets: v.nullable(v.string()),
  /** Absolute: the file that receives the output; null where a journal takes it. */
  log: v.nullable(v.string()),
  /** Folders created for it, outermost first: `uninstall` removes them if they are empty. */
  made: v.array(v.string()),
});

/** Everything a service definition is rendered from; stored in the definition's own first lines. */
export type ServiceSpec = v.InferOutput<typeof specSchema>;

export interface Sealed {
  readonly spec: ServiceSpec;
  /** Whether someone edited the definition after it was written. */
  readonly isEdited: boolean;
}

/**
 * A one-line comment: the spec as JSON, preceded by a hash of it and of what follows. Two hyphens in a row would end
 * an XML comment.
 */
export function sealOf(spec: ServiceSpec, body: string): string {
  const json = JSON.stringify(spec).replaceAll('--', '-\\u002d');
  return `tracecraft ${digest(json, body)} ${json}`;
}

/** `undefined` if `sealOf` did not write this line. */
export function openSeal(line: string, body: string): Sealed | undefined {
  const [, hash, json] = /^tracecraft ([0-9a-f]{16}) (\{.*\})$/.exec(line) ?? [];
  if (hash === undefined || json === undefined) return undefined;
  try {
    const result = v.safeParse(specSchema, JSON.parse(json));
    return result.success
      ? { spec: result.output, isEdited: digest(json, body) !== hash }
      : undefined;
  } catch {
    return undefined;
  }
}

function digest(json: string, body: string): string {
  return createHash('sha256').update(json).update('\n').update(body).digest('hex').slice(0, 16);
}

/** Neither format can hold a line break in a value, and no legitimate path or name contains a control character. */
export function refuseControls(spec: ServiceSpec): void {
  const named: readonly (readonly [string, string])[] = [
    ['the path of Node', spec.node],
    ['the path of tracecraft', spec.script],
    ['the folder', spec.folder],
    ['the path of the environment file', spec.secrets ?? ''],
    ['the path of the log', spec.log ?? ''],
    ...spec.args.map((arg) => ['a flag', arg] as const),
    ...Object.entries(spec.variables),
  ];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to find
  const bad = named.find(([, value]) => /[\u0000-\u001f\u007f]|[\ufffe\uffff]/u.test(value));
  if (bad === undefined) return;
  throw new UsageError(
    `${bad[0]} contains a line break or control character: ${JSON.stringify(bad[1])}`,
    { hint: 'A service definition cannot hold that: rename the folder, or unset the variable.' },
  );
}
