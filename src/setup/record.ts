import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Io } from '../io.js';
import { setupFolder } from './settings-file.js';

const recordSchema = v.object({
  schema_version: v.literal(1),
  harness: v.string(),
  settings: v.string(),
  /** Whether there were no settings before. */
  created: v.boolean(),
  insertions: v.array(v.string()),
  files: v.array(v.object({ path: v.string(), sha256: v.string() })),
  /** Created for them, outermost first. */
  folders: v.array(v.string()),
});

/** What setup did to one settings file. Holds only what setup wrote, nothing of the user's. */
export type SetupRecord = v.InferOutput<typeof recordSchema>;

function pathOf(tracecraftHome: string, harness: string, settings: string): string {
  const id = sha256(settings).slice(0, 8);
  return join(setupFolder(tracecraftHome), `${harness}-${id}.json`);
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Without a record, ours is recognised by what it runs. */
export async function readRecord(
  io: Io,
  tracecraftHome: string,
  harness: string,
  settings: string,
): Promise<SetupRecord | undefined> {
  const bytes = await io.readFile(pathOf(tracecraftHome, harness, settings)).catch(() => undefined);
  if (bytes === undefined) return undefined;
  try {
    const result = v.safeParse(recordSchema, JSON.parse(bytes.toString('utf8')));
    return result.success && result.output.settings === settings ? result.output : undefined;
  } catch {
    return undefined;
  }
}

export async function writeRecord(
  io: Io,
  tracecraftHome: string,
  harness: string,
  record: SetupRecord,
): Promise<void> {
  const path = pathOf(tracecraftHome, harness, record.settings);
  await io.replaceFile(path, `${JSON.stringify(record, null, 2)}\n`, 'flushed');
}

export function removeRecord(
  io: Io,
  tracecraftHome: string,
  harness: string,
  settings: string,
): Promise<void> {
  return io.remove(pathOf(tracecraftHome, harness, settings));
}
