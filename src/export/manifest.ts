import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { UsageError } from '../errors.js';
import type { ExportFormat } from './row-files.js';

export const manifestName = '_export.json';

const partitionSchema = v.object({ digest: v.string(), rows: v.number() });

const schema = v.object({
  v: v.literal(1),
  project: v.string(),
  format: v.picklist(['parquet', 'jsonl']),
  /** Which sessions were asked for. */
  selection: v.string(),
  /** By the name of a file: what it was made from. */
  files: v.record(v.string(), partitionSchema),
});
export type ExportManifest = v.InferOutput<typeof schema>;

export interface ExportScope {
  readonly project: string;
  readonly format: ExportFormat;
  readonly selection: string;
}

/**
 * What is at a destination, so that only what changed is written again. A `UsageError` if it holds something else than
 * an export of the same scope: replacing its files would mix the two.
 */
export function manifestIn(
  body: Buffer | undefined,
  scope: ExportScope,
  where: string,
): ExportManifest {
  if (body === undefined) return { v: 1, ...scope, files: {} };
  const manifest = parsed(body);
  if (manifest === undefined) {
    throw new UsageError(`${where}/${manifestName} is not the list of an export`, {
      hint: 'Choose another destination, or remove that file.',
    });
  }
  const { project, format, selection } = manifest;
  const isSame =
    project === scope.project && format === scope.format && selection === scope.selection;
  if (isSame) return manifest;
  throw new UsageError(`${where} holds another export: ${project}, ${format}, ${selection}`, {
    hint: 'Ask for the same again, or choose another destination.',
  });
}

export function encodeManifest(manifest: ExportManifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
}

/** Tells whether a file is still what it would be if it were made again. */
export function digestOf(parts: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${JSON.stringify(part)}\n`);
  return hash.digest('hex').slice(0, 32);
}

function parsed(body: Buffer): ExportManifest | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(body.toString('utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
