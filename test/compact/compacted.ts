import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { CliWorld } from '../support/run-cli.js';

const rowSchema = v.object({
  harness: v.string(),
  session_id: v.string(),
  format: v.picklist(['raw', 'trace']),
  state: v.picklist(['written', 'unchanged', 'empty']),
  key: v.string(),
  generation: v.number(),
  parts: v.number(),
  lines: v.number(),
  bytes: v.number(),
  verified: v.nullable(v.picklist(['md5', 'read-back'])),
});
const answerSchema = v.object({
  schema_version: v.literal(1),
  data: v.object({ sessions: v.array(rowSchema) }),
});

export type SessionRow = v.InferOutput<typeof rowSchema>;

/** What `session compact --json` tells of each session. */
export function sessionRows(json: unknown): readonly SessionRow[] {
  return v.parse(answerSchema, json).data.sessions;
}

/** An object of the bucket in the home folder. */
export function readBucketFile(world: CliWorld, key: string): Promise<Buffer> {
  return readFile(join(world.stateFolder, 'bucket', key));
}
